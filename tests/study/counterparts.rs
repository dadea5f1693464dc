//! Pairs of a C file and its Rust counterpart, which have the same functions in the same order and in
//! them the same numbered steps.

use crate::support::{Result, align, project};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// The files in a reader's order. A name stands for a file and for the folder of that name.
const ORDER: &str =
    "serve main accept_error address output conflict rules explain abi sock netns porting";

/// A file in both languages: its path in either folder, without the ending; its sources; and the functions
/// of the C library that the Rust file calls.
pub struct Pair {
    pub name: String,
    pub c: Source,
    pub rust: Source,
    pub calls: Vec<String>,
}

/// All pairs in a reader's order. Each difference between counterparts goes into `wrong`.
pub fn read_pairs(wrong: &mut Vec<String>) -> Vec<Pair> {
    let mut find = Command::new("find");
    find.args(["c-reference", "src", "-name", "*.c", "-o", "-name", "*.rs"]);
    let found = find.current_dir(project("")).output();
    let found = String::from_utf8(found.expect("find runs").stdout);
    let found = found.expect("file names are UTF-8");
    let name = |path: &str| Some(path.split_once('/')?.1.rsplit_once('.')?.0.to_string());
    let mut names: Vec<String> = found.lines().filter_map(name).collect();
    names.sort_by_cached_key(|name| {
        let first = name.split('/').next();
        let before = ORDER.split(' ').take_while(|name| first != Some(name));
        (before.count(), name.clone())
    });
    names.dedup();
    let mut pairs = Vec::new();
    for name in names {
        // The error names the file that is missing.
        match Pair::read(name) {
            Ok(pair) => pairs.push(pair),
            Err(reason) => wrong.push(format!("no counterpart: {reason}")),
        }
    }
    pairs.iter().for_each(|pair| pair.check(wrong));
    pairs
}

impl Pair {
    fn read(name: String) -> Result<Pair> {
        let c = Source::read(format!("c-reference/{name}.c"))?;
        let rust = Source::read(format!("src/{name}.rs"))?;
        let text = read(&rust.path)?;
        let calls = text.split("libc::").filter_map(|call| call.split_once('('));
        let calls = calls.map(|(call, _)| call.into()).collect();
        Ok(Pair {
            name,
            c,
            rust,
            calls,
        })
    }

    /// The parts of C, each beside its part of Rust.
    pub fn parts(&self) -> Vec<[Option<&Part>; 2]> {
        let parts = [&self.c, &self.rust].map(|source| source.parts.iter().collect());
        align(parts, |c: &&Part, rust| {
            usize::from(c.heading == rust.heading)
        })
    }

    /// The purpose of the file, from the first line of the Rust file.
    pub fn purpose(&self) -> String {
        self.rust.parts[0].lines[0].1[4..].into()
    }

    /// The file name of its page.
    pub fn page(&self) -> String {
        self.name.replace('/', "-") + ".html"
    }

    /// Checks that both files have the same functions in the same order, except for those that are marked
    /// as needed in one language only, and in them the same numbered steps.
    fn check(&self, wrong: &mut Vec<String>) {
        let sources = [&self.c, &self.rust];
        for Source { path, parts } in sources {
            if parts.iter().all(|part| part.heading == HEAD) {
                wrong.push(format!("{path} defines no function"));
            }
            let mut steps = (1..).zip(parts.iter().filter(|part| part.number().is_some()));
            if let Some((count, part)) = steps.find(|(count, part)| part.number() != Some(*count)) {
                wrong.push(format!("{} should be step {count}", place(path, part)));
            }
        }
        for parts in self.parts() {
            let only = parts.map(|part| part.is_some_and(Part::only));
            let both = parts.iter().all(Option::is_some);
            for side in [0, 1] {
                let (path, other) = (&sources[side].path, &sources[1 - side].path);
                let Some(part) = parts[side].filter(|_| only[side] == both) else {
                    continue;
                };
                let problem = ["is not in", "is marked, but is also in"][usize::from(both)];
                wrong.push(format!("{} {problem} {other}", place(path, part)));
            }
        }
    }
}

/// A step or a function in an error.
fn place(path: &str, Part { heading, lines }: &Part) -> String {
    let line = lines.first().map_or("", |(number, _)| number);
    format!("{path}:{line}: {heading:?}")
}

/// A file, cut into parts. Its path begins in the project's folder.
pub struct Source {
    pub path: String,
    pub parts: Vec<Part>,
}

/// The lines below a heading: [`HEAD`], the name of a function, or the number and text of a step.
pub struct Part {
    pub heading: String,
    pub lines: Vec<Line>,
}

pub const HEAD: &str = "The head of the file";

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
        let (heading, lines) = (HEAD.into(), Vec::new());
        let mut parts = vec![Part { heading, lines }];
        for (index, text) in texts.iter().enumerate() {
            let (step, lines) = (step(text), Vec::new());
            if let Some(heading) = step.or(functions.get(&index).copied()) {
                let heading = heading.into();
                parts.push(Part { heading, lines });
            }
            let lines = &mut parts.last_mut().expect("the head is first").lines;
            let line = ((index + 1).to_string(), text.to_string());
            lines.extend(Some(line).filter(|_| step.is_none()));
        }
        Ok(Source { path, parts })
    }
}

impl Part {
    /// The number of its step.
    pub fn number(&self) -> Option<usize> {
        self.heading.split_once(". ")?.0.parse().ok()
    }

    pub fn contains(&self, code: &str) -> bool {
        self.lines.iter().any(|(_, text)| text.contains(code))
    }

    /// Whether a comment marks it as a function that the other language does not need.
    pub fn only(&self) -> bool {
        let marked = self.contains("C only:") || self.contains("Rust only:");
        marked && self.heading != HEAD
    }
}

/// The functions that a file defines: where each begins, and its name. What precedes a function, such as
/// a type or a macro, belongs to it; before the first one, only its own comment does.
fn functions<'a>(lines: &[&'a str]) -> BTreeMap<usize, &'a str> {
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
