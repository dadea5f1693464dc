//! A source file in parts: its head, then each function, cut again at the numbered steps.

use crate::support::{Result, project};
use std::fs;

/// A file, cut into parts.
pub struct Source {
    /// Its path from the project's folder on.
    pub path: String,
    pub parts: Vec<Part>,
}

/// The lines between two headings of the page.
pub struct Part {
    /// The function that the lines belong to; empty in the head of the file.
    pub function: String,
    /// The step at its beginning: the number and the text.
    pub step: Option<String>,
    /// The lines after that.
    pub lines: Vec<Line>,
}

/// A line of a file, or a part of one: its number in the file, which is empty if it continues a line; its
/// indent; and what follows that.
pub struct Line {
    pub number: String,
    pub indent: usize,
    pub text: String,
}

/// The text of a file of this project.
pub fn read(path: &str) -> Result<String> {
    fs::read_to_string(project(path)).map_err(|error| format!("{path}: {error}"))
}

impl Source {
    /// Reads and cuts the file at `path`.
    pub fn read(path: String) -> Result<Source> {
        let text = read(&path)?;
        let lines: Vec<&str> = text.lines().collect();
        let functions = functions(&lines);
        let steps = (0..lines.len()).filter(|index| step(lines[*index]).is_some());
        let starts = functions.iter().map(|(start, _)| *start).chain(steps);
        let mut starts: Vec<usize> = starts.chain([0, lines.len()]).collect();
        starts.sort();
        starts.dedup();
        let part = |range: &[usize]| {
            let function = functions.iter().rfind(|(start, _)| *start <= range[0]);
            let step = step(lines[range[0]]).map(String::from);
            let shown = range[0] + usize::from(step.is_some())..range[1];
            let filled = |index: &usize| !lines[*index].is_empty();
            let first = shown.clone().find(filled).unwrap_or(range[1]);
            let last = shown.rev().find(filled).map_or(first, |last| last + 1);
            let line = |index: usize| {
                let text = lines[index].trim_start().to_string();
                let (number, indent) = ((index + 1).to_string(), lines[index].len() - text.len());
                Line {
                    number,
                    indent,
                    text,
                }
            };
            let function = function.map_or("", |(_, name)| name).into();
            Part {
                function,
                step,
                lines: (first..last).map(line).collect(),
            }
        };
        let parts = starts.windows(2).map(part).collect();
        Ok(Source { path, parts })
    }
}

impl Part {
    /// The number of its step.
    pub fn number(&self) -> Option<usize> {
        self.step.as_ref()?.split_once(". ")?.0.parse().ok()
    }

    pub fn contains(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.text.contains(text))
    }

    /// Whether a comment marks it as a function that the other language does not need.
    pub fn only(&self) -> bool {
        let marked = self.contains("C only:") || self.contains("Rust only:");
        marked && !self.function.is_empty()
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
        let start = end
            .replace(head + length + 2)
            .unwrap_or(head - above.count());
        Some((start, name))
    };
    (0..lines.len()).filter_map(function).collect()
}

/// The text of a numbered step: a comment of one line that begins with a number.
fn step(line: &str) -> Option<&str> {
    let c = line.trim().strip_prefix("/* ");
    let c = c.and_then(|line| line.strip_suffix(" */"));
    let words = c.or(line.trim().strip_prefix("// "))?;
    words
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some(words)
}
