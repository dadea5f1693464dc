//! A source file in parts: its head, then each function, cut again at the numbered steps.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// What a file is written in.
#[derive(Clone, Copy)]
pub enum Language {
    C,
    Rust,
}

/// A file, cut into parts; all parts together are the whole file.
pub struct Source {
    /// Its path from the project's folder on.
    pub path: String,
    pub parts: Vec<Part>,
}

/// What stands between two headings of the page.
pub struct Part {
    /// The function that it belongs to; empty in the head of the file.
    pub function: String,
    /// The words of the step that it begins with, the number among them.
    pub step: Option<String>,
    pub lines: Vec<Line>,
}

/// A line with its number in the file.
pub struct Line {
    pub number: usize,
    pub text: String,
    /// Where in the line comments stand.
    comments: Vec<Range<usize>>,
}

/// The text of a file of this project.
pub fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .map_err(|error| format!("{path}: {error}"))
}

impl Source {
    /// Reads and cuts the file at `path`.
    pub fn read(language: Language, path: String) -> Result<Source, String> {
        let text = read(&path)?;
        let texts: Vec<&str> = text.lines().collect();
        let functions = language.functions(&texts);
        let comments = comments(&text);
        let mut parts: Vec<Part> = Vec::new();
        let mut offset = 0;

        for (index, line) in texts.iter().enumerate() {
            let begins = functions.iter().find(|(start, _)| *start == index);
            let step = language.step(line);
            if parts.is_empty() || begins.is_some() || step.is_some() {
                let within = parts.last().map_or("", |part| &part.function);
                parts.push(Part {
                    function: begins.map_or(within, |(_, name)| name).into(),
                    step: step.map(String::from),
                    lines: Vec::new(),
                });
            }
            let (start, end) = (offset, offset + line.len());
            offset = end + 1;
            let here = comments
                .iter()
                .map(|comment| comment.start.max(start)..comment.end.min(end))
                .filter(|comment| comment.start < comment.end)
                .map(|comment| comment.start - start..comment.end - start);
            let line = Line {
                number: index + 1,
                text: line.to_string(),
                comments: here.collect(),
            };
            parts.last_mut().expect("there is one").lines.push(line);
        }
        Ok(Source { path, parts })
    }

    /// The functions that the file defines, in its order.
    pub fn functions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.parts.iter().map(|part| &*part.function).collect();
        names.dedup();
        names.retain(|name| !name.is_empty());
        names
    }

    /// The step of that number.
    pub fn step(&self, number: usize) -> Option<&Part> {
        self.parts.iter().find(|part| part.number() == Some(number))
    }
}

impl Part {
    /// The number of its step.
    pub fn number(&self) -> Option<usize> {
        self.step.as_ref()?.split_once(". ")?.0.parse().ok()
    }

    /// Whether its code calls `function`.
    pub fn calls(&self, function: &str) -> bool {
        let call = format!("{function}(");
        let code = self.lines.iter().flat_map(Line::pieces);
        code.filter(|(comment, _)| !comment)
            .any(|(_, text)| text.contains(&call))
    }

    /// The lines that are shown below its heading, which says the step's words already.
    pub fn shown(&self) -> &[Line] {
        let first = usize::from(self.step.is_some());
        let blank = |line: &Line| line.text.is_empty();
        let mut lines = self.lines.get(first..).unwrap_or_default();
        while lines.first().is_some_and(blank) {
            lines = &lines[1..];
        }
        while lines.last().is_some_and(blank) {
            lines = &lines[..lines.len() - 1];
        }
        lines
    }
}

impl Line {
    /// The line in pieces, and whether each is a comment.
    pub fn pieces(&self) -> Vec<(bool, &str)> {
        let mut pieces = Vec::new();
        let mut end = 0;
        for comment in &self.comments {
            pieces.push((false, &self.text[end..comment.start]));
            pieces.push((true, &self.text[comment.clone()]));
            end = comment.end;
        }
        pieces.push((false, &self.text[end..]));
        pieces.retain(|(_, text)| !text.is_empty());
        pieces
    }

    /// How far it is indented, in columns.
    pub fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }
}

impl Language {
    /// The functions that a file defines, and where each begins: with all that stands after the one
    /// before it, and the first one with its own comment.
    fn functions<'a>(self, lines: &[&'a str]) -> Vec<(usize, &'a str)> {
        let mut functions: Vec<(usize, &str)> = Vec::new();
        let mut head = (0, "");
        let mut end = None;
        for (index, line) in lines.iter().enumerate() {
            let found = match self {
                // What stands at the margin before a brace at the margin.
                Language::C if *line == "{" => {
                    let before = head.1.split_once('(').map(|(before, _)| before);
                    before.map(|before| {
                        (
                            head.0,
                            &before[before.rfind([' ', '*']).map_or(0, |at| at + 1)..],
                        )
                    })
                }
                Language::C => {
                    if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
                        head = (index, line);
                    }
                    None
                }
                Language::Rust => line.split_once("fn ").and_then(|(before, after)| {
                    let begins = ["pub ", "extern "]
                        .iter()
                        .any(|word| before.starts_with(word));
                    (before.is_empty() || begins)
                        .then(|| (index, after.split(['(', '<']).next().unwrap_or(after)))
                }),
            };
            if let Some((first, name)) = found {
                let blank = |line: &&str| line.is_empty();
                let own = || {
                    lines[..first]
                        .iter()
                        .rposition(blank)
                        .map_or(0, |at| at + 1)
                };
                functions.push((end.unwrap_or_else(own), name));
            }
            if *line == "}" && !functions.is_empty() {
                end = Some(index + 1);
            }
        }
        functions
    }

    /// The words of a numbered step: a comment of one line that begins with its number.
    fn step(self, line: &str) -> Option<&str> {
        let (start, end) = match self {
            Language::C => ("/* ", " */"),
            Language::Rust => ("// ", ""),
        };
        let words = line.trim().strip_prefix(start)?.strip_suffix(end)?;
        words
            .starts_with(|first: char| first.is_ascii_digit())
            .then_some(words)
    }
}

/// Where comments stand: what begins like one, but not within a string or a character.
fn comments(text: &str) -> Vec<Range<usize>> {
    let mut comments = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = match rest.as_bytes() {
            [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => rest.find("*/").map_or(rest.len(), |end| end + 2),
            [b'"', ..] => string_length(rest),
            // A lifetime has no second quote there.
            [b'\'', b'\\', _, b'\'', ..] => 4,
            [b'\'', _, b'\'', ..] => 3,
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        if rest.starts_with("//") || rest.starts_with("/*") {
            comments.push(at..at + length);
        }
        at += length;
    }
    comments
}

/// The length of the string that `text` begins with, its quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = true; // the first quote ends nothing
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
