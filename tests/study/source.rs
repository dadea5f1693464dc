//! A source file in parts: its head, then each function, cut again at the numbered steps.

use crate::support::{Result, project};
use std::fs;

/// A file, cut into parts. Its path begins in the project's folder.
pub struct Source {
    pub path: String,
    pub parts: Vec<Part>,
}

/// The lines between two headings of the page.
pub struct Part {
    /// The function that the lines belong to, or [`HEAD`].
    pub function: String,
    /// The step at its beginning: the number and the text.
    pub step: Option<String>,
    /// The lines after that.
    pub lines: Vec<Line>,
}

/// The function of the lines before the first one.
pub const HEAD: &str = "head of the file";

/// The number of a line, which is empty if it continues another one, and its text.
pub type Line = (String, String);

/// The text of a file of this project.
pub fn read(path: &str) -> Result<String> {
    fs::read_to_string(project(path)).map_err(|error| format!("{path}: {error}"))
}

impl Source {
    /// Reads and cuts the file at `path`.
    pub fn read(path: String) -> Result<Source> {
        let text = read(&path)?;
        let texts: Vec<&str> = text.lines().collect();
        let functions = functions(&texts);
        let mut parts = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let function = functions.iter().rfind(|(start, _)| *start <= index);
            let (start, function) = *function.unwrap_or(&(0, HEAD));
            let step = step(text).map(String::from);
            let shown = step.is_none();
            if start == index || step.is_some() {
                let (function, lines) = (function.into(), Vec::new());
                parts.push(Part {
                    function,
                    step,
                    lines,
                });
            }
            let lines = &mut parts.last_mut().expect("the head is first").lines;
            lines.extend(shown.then(|| ((index + 1).to_string(), text.to_string())));
        }
        for lines in parts.iter_mut().map(|part| &mut part.lines) {
            let filled = |(_, text): &Line| !text.is_empty();
            lines.truncate(lines.iter().rposition(filled).map_or(0, |last| last + 1));
            lines.drain(..lines.iter().position(filled).unwrap_or(0));
        }
        Ok(Source { path, parts })
    }
}

impl Part {
    /// The number of its step.
    pub fn number(&self) -> Option<usize> {
        self.step.as_ref()?.split_once(". ")?.0.parse().ok()
    }

    pub fn contains(&self, code: &str) -> bool {
        self.lines.iter().any(|(_, text)| text.contains(code))
    }

    /// Whether a comment marks it as a function that the other language does not need.
    pub fn only(&self) -> bool {
        let marked = self.contains("C only:") || self.contains("Rust only:");
        marked && self.function != HEAD
    }
}

/// The functions that a file defines: where each begins, and its name. What precedes a function, such as
/// a type or a macro, belongs to it; before the first one, only its own comment does.
fn functions<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str)> {
    let mut end = None;
    let function = |head: usize| {
        let (line, below) = (lines[head], &lines[head + 1..]);
        // In C, a brace at the margin opens a function.
        let c = below.iter().find(|line| !line.starts_with(' ')) == Some(&"{");
        let margin = line.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_head = |_: &usize| margin && (c || line.contains("fn "));
        let length = below.iter().position(|line| *line == "}").filter(is_head)?;
        let name = line.split(['(', '<']).next()?.rsplit([' ', '*']).next()?;
        let above = lines[..head].iter().rev();
        let above = above.take_while(|line| !line.is_empty() && **line != "}");
        let start = end.replace(head + length + 2);
        Some((start.unwrap_or(head - above.count()), name))
    };
    (0..lines.len()).filter_map(function).collect()
}

/// The text of a numbered step: a comment of one line that begins with a number.
fn step(line: &str) -> Option<&str> {
    let c = line.trim().strip_prefix("/* ");
    let c = c.and_then(|line| line.strip_suffix(" */"));
    let words = c.or(line.trim().strip_prefix("// "))?;
    let first = words.chars().next()?;
    first.is_ascii_digit().then_some(words)
}
