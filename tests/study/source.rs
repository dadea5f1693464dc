//! A source file in parts: its head, then each function, cut again at the numbered steps.

use crate::support::project;
use std::fs;

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

/// The pieces of a line, and whether each is a comment.
type Pieces = Vec<(bool, String)>;

/// A line with its number in the file.
pub struct Line {
    pub number: usize,
    pub text: String,
    pub pieces: Pieces,
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
        let mut parts: Vec<Part> = Vec::new();
        for (index, (line, pieces)) in texts.iter().zip(pieces(&text)).enumerate() {
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
            let line = Line {
                number: index + 1,
                text: line.to_string(),
                pieces,
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
        let mut pieces = self.lines.iter().flat_map(|line| &line.pieces);
        pieces.any(|(comment, text)| !comment && text.contains(code))
    }

    /// The lines that are shown below its heading, which shows the step already.
    pub fn shown(&self) -> &[Line] {
        let first = usize::from(self.step.is_some());
        let lines = &self.lines[first..];
        let filled = |line: &Line| !line.text.is_empty();
        let end = lines.iter().rposition(filled).map_or(0, |last| last + 1);
        let start = lines.iter().position(filled).unwrap_or(0);
        &lines[start..end]
    }
}

impl Line {
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

/// The lines of a file in pieces. Strings and characters may contain what looks like a comment.
fn pieces(mut text: &str) -> Vec<Pieces> {
    let mut lines = vec![Pieces::new()];
    while let Some(first) = text.chars().next() {
        let mut escaped = false;
        let ends_string = |c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        };
        let length = match text.as_bytes() {
            [b'/', b'/', ..] => text.find('\n').unwrap_or(text.len()),
            [b'/', b'*', ..] => text.find("*/").map_or(text.len(), |end| end + 2),
            [b'"', ..] => text[1..]
                .find(ends_string)
                .map_or(text.len(), |end| end + 2),
            // A lifetime has no second quote at that place.
            [b'\'', b'\\', _, b'\'', ..] => 4,
            [b'\'', _, b'\'', ..] => 3,
            _ => first.len_utf8(),
        };
        let (token, rest) = text.split_at(length);
        let comment = token.starts_with("//") || token.starts_with("/*");
        for (index, text) in token.split('\n').enumerate() {
            lines.extend((index > 0).then(Pieces::new));
            match lines.last_mut().and_then(|line| line.last_mut()) {
                Some((same, piece)) if *same == comment => piece.push_str(text),
                _ if text.is_empty() => {}
                _ => lines.last_mut().unwrap().push((comment, text.into())),
            }
        }
        text = rest;
    }
    lines
}
