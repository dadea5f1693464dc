//! Pairs of a C file and its Rust counterpart, which have the same functions in the same order and in
//! them the same numbered steps.

use crate::support::{Result, align, project, read_file};
use std::{collections::BTreeMap, process::Command};

/// The files in a reader's order. A name stands for a file and for the folder of that name.
const ORDER: &str =
    "serve main accept_error address output conflict rules explain abi sock netns porting";

/// A file in C and in Rust: its path in either folder without the ending; both paths; the parts of both.
pub struct Pair {
    pub name: String,
    pub paths: [String; 2],
    pub parts: [Vec<Part>; 2],
}

/// The lines below a heading: [`HEAD`], the name of a function, or the number and text of a step.
pub struct Part {
    pub heading: String,
    pub lines: Vec<Line>,
}

pub const HEAD: &str = "The head of the file";

/// The number of a line, which is empty if it continues another one, and its text.
pub type Line = (String, String);

/// All pairs in a reader's order. Each difference between counterparts goes into `wrong`.
pub fn read_pairs(wrong: &mut Vec<String>) -> Vec<Pair> {
    let mut find = Command::new("find");
    find.args(["c-reference", "src", "-name", "*.c", "-o", "-name", "*.rs"]);
    let found = find.current_dir(project("")).output().expect("find runs");
    let found = String::from_utf8(found.stdout).expect("file names are UTF-8");
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
        let paths = [format!("c-reference/{name}.c"), format!("src/{name}.rs")];
        let (c, rust) = (cut(&paths[0]), cut(&paths[1]));
        match c.and_then(|c| Ok([c, rust?])) {
            Ok(parts) => pairs.push(Pair { name, paths, parts }),
            // The error names the file that is missing.
            Err(reason) => wrong.push(format!("no counterpart: {reason}")),
        }
    }
    pairs.iter().for_each(|pair| pair.check(wrong));
    pairs
}

impl Pair {
    /// The parts of C, each beside its part of Rust; the heads of the files are last.
    pub fn rows(&self) -> Vec<[Option<&Part>; 2]> {
        let same = |c: &&Part, rust: &&Part| usize::from(c.heading == rust.heading);
        let [c, rust] = self.parts.each_ref().map(|parts| parts.iter());
        let mut rows = align([c.collect(), rust.collect()], same);
        rows.rotate_left(1);
        rows
    }

    /// The purpose of the file: the first paragraph of the Rust file, without marks of emphasis.
    pub fn purpose(&self) -> String {
        let lines = self.parts[1][0].lines.iter();
        let lines = lines.map_while(|(_, text)| text.strip_prefix("//! "));
        lines.collect::<Vec<_>>().join(" ").replace('*', "")
    }

    /// The file name of its page.
    pub fn page(&self) -> String {
        self.name.replace('/', "-") + ".html"
    }

    /// The functions of the C library that the Rust file calls.
    pub fn calls(&self) -> Vec<&str> {
        let lines = self.parts[1].iter().flat_map(|part| &part.lines);
        let calls = lines.flat_map(|(_, text)| text.split("libc::").skip(1));
        calls
            .filter_map(|call| Some(call.split_once('(')?.0))
            .collect()
    }

    /// Checks that both files have the same functions and numbered steps in the same order.
    fn check(&self, wrong: &mut Vec<String>) {
        let place = |side: usize, Part { heading, lines }: &Part| {
            let line = lines.first().map_or("", |(number, _)| number);
            format!("{}:{line}: {heading:?}", self.paths[side])
        };
        for (side, parts) in self.parts.iter().enumerate() {
            if parts.len() == 1 {
                wrong.push(format!("{} defines no function", self.paths[side]));
            }
            let mut steps = (1..).zip(parts.iter().filter(|part| part.number().is_some()));
            if let Some((count, part)) = steps.find(|(count, part)| part.number() != Some(*count)) {
                wrong.push(format!("{} should be step {count}", place(side, part)));
            }
        }
        for row in self.rows() {
            let both = row.iter().all(Option::is_some);
            for (side, part) in row.iter().enumerate() {
                for part in part.iter().filter(|part| part.only() == both) {
                    let problem = ["is not in", "is marked, but also in"][usize::from(both)];
                    let (place, other) = (place(side, part), &self.paths[1 - side]);
                    wrong.push(format!("{place} {problem} {other}"));
                }
            }
        }
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
    fn only(&self) -> bool {
        let marked = self.contains("C only:") || self.contains("Rust only:");
        marked && self.heading != HEAD
    }
}

/// Cuts the file at `path`.
fn cut(path: &str) -> Result<Vec<Part>> {
    let text = read_file(path)?;
    let texts: Vec<&str> = text.lines().collect();
    let (functions, heading, lines) = (functions(&texts), HEAD.into(), Vec::new());
    let mut parts = vec![Part { heading, lines }];
    for (index, text) in texts.iter().enumerate() {
        let (step, lines) = (step(text), Vec::new());
        if let Some(heading) = step.or(functions.get(&index).copied()) {
            let heading = heading.into();
            parts.push(Part { heading, lines });
        }
        let line = ((index + 1).to_string(), text.to_string());
        let last = parts.last_mut().expect("the head is first");
        last.lines.extend(Some(line).filter(|_| step.is_none()));
    }
    Ok(parts)
}

/// Where each function of a file begins, with the types and macros before it, and its name.
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
        let start = end.replace(head + length + 3);
        Some((start.unwrap_or(head - above.count()), name))
    };
    (0..lines.len()).filter_map(function).collect()
}

/// The text of a numbered step: a comment of one line that begins with a number.
fn step(line: &str) -> Option<&str> {
    let c = line.trim().strip_prefix("/* ");
    let c = c.and_then(|line| line.strip_suffix(" */"));
    let words = c.or(line.trim().strip_prefix("// "))?;
    words
        .starts_with(|c: char| c.is_ascii_digit())
        .then_some(words)
}
