//! A source file in parts: its head, then each function, cut again at the numbered steps.

use crate::support::project;
use std::fs;
use std::ops::Range;

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

/// The lines between two headings of the page.
pub struct Part {
    /// The function that the lines belong to; empty in the head of the file.
    pub function: String,
    /// Whether a comment above the function marks it as one that the other language does not need.
    pub only: bool,
    /// The step at its beginning: the number and the text.
    pub step: Option<String>,
    pub lines: Vec<Line>,
}

/// A line with its number in the file.
pub struct Line {
    pub number: usize,
    pub text: String,
    /// The places of comments in the line.
    comments: Vec<Range<usize>>,
}

/// The text of a file of this project.
pub fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(project(path)).map_err(|error| format!("{path}: {error}"))
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
            let begins = functions.iter().find(|(start, ..)| *start == index);
            let step = language.step(line);
            if parts.is_empty() || begins.is_some() || step.is_some() {
                let last = parts.last();
                let within = last.map_or(("", false), |part| (&part.function, part.only));
                let (function, only) = begins.map_or(within, |(_, name, only)| (name, *only));
                parts.push(Part {
                    function: function.into(),
                    only,
                    step: step.map(String::from),
                    lines: Vec::new(),
                });
            }
            let (start, end) = (offset, offset + line.len());
            offset = end + 1;
            let column = |place: usize| place.clamp(start, end) - start;
            let here = comments.iter();
            let here = here.map(|comment| column(comment.start)..column(comment.end));
            let line = Line {
                number: index + 1,
                text: line.to_string(),
                comments: here.filter(|comment| !comment.is_empty()).collect(),
            };
            parts.last_mut().expect("there is one").lines.push(line);
        }
        Ok(Source { path, parts })
    }

    /// The functions that the file defines, in its order.
    pub fn functions(&self) -> Vec<&str> {
        names(self.parts.iter())
    }

    /// Those that the other language has to define as well.
    pub fn shared_functions(&self) -> Vec<&str> {
        names(self.parts.iter().filter(|part| !part.only))
    }
}

/// The functions that `parts` belong to.
fn names<'a>(parts: impl Iterator<Item = &'a Part>) -> Vec<&'a str> {
    let mut names: Vec<&str> = parts.map(|part| &*part.function).collect();
    names.dedup();
    names.retain(|name| !name.is_empty());
    names
}

impl Part {
    /// The number of its step.
    pub fn number(&self) -> Option<usize> {
        self.step.as_ref()?.split_once(". ")?.0.parse().ok()
    }

    /// Whether a line contains `code` outside of comments.
    pub fn contains(&self, code: &str) -> bool {
        let mut pieces = self.lines.iter().flat_map(Line::pieces);
        pieces.any(|(comment, text)| !comment && text.contains(code))
    }

    /// The lines that are shown below its heading, which shows the step already.
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

    /// The columns that it is indented by.
    pub fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }
}

impl Language {
    /// The functions that a file defines: where each begins, its name, and whether a comment marks it
    /// as needed in this language only. What precedes a function, such as a type or a macro, belongs to
    /// it; before the first one, only its own comment does.
    fn functions<'a>(self, lines: &[&'a str]) -> Vec<(usize, &'a str, bool)> {
        let mark = ["C only:", "Rust only:"][self as usize];
        let mut functions: Vec<(usize, &str, bool)> = Vec::new();
        let mut head = (0, "");
        let (mut open, mut end) = (false, None);
        for (index, line) in lines.iter().enumerate() {
            if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
                head = (index, line);
            }
            let name = match self {
                // A brace at the margin opens a function, whose head is at the margin too.
                Language::C if *line == "{" => {
                    let before = head.1.split_once('(').map(|(before, _)| before);
                    before.map(|before| before.rsplit([' ', '*']).next().unwrap_or(before))
                }
                Language::C => None,
                Language::Rust => line.split_once("fn ").and_then(|(before, after)| {
                    let starts = ["pub", "const ", "unsafe ", "extern "];
                    let starts = starts.iter().any(|word| before.starts_with(word));
                    let name = after.split(['(', '<']).next();
                    name.filter(|_| before.is_empty() || starts)
                }),
            };
            if let Some(name) = name {
                let above = lines[..head.0].iter().rev();
                let above = above.take_while(|line| !line.is_empty() && **line != "}");
                let start = end.unwrap_or(head.0 - above.clone().count());
                functions.push((start, name, above.clone().any(|line| line.contains(mark))));
                open = true;
            }
            if *line == "}" && open {
                (open, end) = (false, Some(index + 1));
            }
        }
        functions
    }

    /// The text of a numbered step: a comment of one line that begins with a number.
    fn step(self, line: &str) -> Option<&str> {
        let (start, end) = match self {
            Language::C => ("/* ", " */"),
            Language::Rust => ("// ", ""),
        };
        let words = line.trim().strip_prefix(start)?.strip_suffix(end)?;
        let numbered = words.starts_with(|first: char| first.is_ascii_digit());
        numbered.then_some(words)
    }
}

/// The places of comments. Strings and characters may contain what looks like a comment.
fn comments(text: &str) -> Vec<Range<usize>> {
    let mut comments = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = match rest.as_bytes() {
            [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => rest.find("*/").map_or(rest.len(), |end| end + 2),
            [b'"', ..] => string_length(rest),
            // A lifetime has no second quote at that place.
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
    let mut escaped = true; // the first quote does not end the string
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
