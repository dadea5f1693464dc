//! Pairs of a C file and its Rust counterpart, which have the same functions in the same order and in
//! them the same numbered steps.

use crate::source::{Part, Source, read};
use crate::support::{Result, align, project};
use std::process::Command;

/// The files in a reader's order. A name stands for a file and for the folder of that name.
const ORDER: &str = "serve main accept_error address output conflict rules explain abi sock netns";

/// A file in both languages.
pub struct Pair {
    /// The path in either folder, without the ending.
    pub name: String,
    pub c: Source,
    pub rust: Source,
    /// The functions of the C library that the Rust file calls.
    pub calls: Vec<String>,
}

/// All pairs in a reader's order. Each difference between counterparts goes into `wrong`.
pub fn read_pairs(wrong: &mut Vec<String>) -> Vec<Pair> {
    let mut find = Command::new("find");
    find.args(["c-reference", "src", "-name", "*.c", "-o", "-name", "*.rs"]);
    let found = find
        .current_dir(project(""))
        .output()
        .expect("find runs")
        .stdout;
    let found = String::from_utf8_lossy(&found);
    let path = |line: &str| Some(line.split_once('/')?.1.rsplit_once('.')?.0.to_string());
    let mut names: Vec<String> = found.lines().filter_map(path).collect();
    names.sort_by_cached_key(|name| {
        let first = name.split('/').next();
        (
            ORDER
                .split(' ')
                .take_while(|name| first != Some(name))
                .count(),
            name.clone(),
        )
    });
    names.dedup();
    let mut pairs = Vec::new();
    for name in names {
        // The error names the file that is missing.
        match Pair::read(name) {
            Ok(pair) => {
                pair.check(wrong);
                pairs.push(pair);
            }
            Err(reason) => wrong.push(format!("no counterpart: {reason}")),
        }
    }
    pairs
}

impl Pair {
    fn read(name: String) -> Result<Pair> {
        let c = Source::read(format!("c-reference/{name}.c"))?;
        let rust = Source::read(format!("src/{name}.rs"))?;
        let text = read(&rust.path)?;
        let calls = text
            .split("libc::")
            .filter_map(|call| Some(call.split_once('(')?.0.into()));
        let calls = calls.collect();
        Ok(Pair {
            name,
            c,
            rust,
            calls,
        })
    }

    /// The parts of C, each beside its part of Rust.
    pub fn parts(&self) -> Vec<[Option<&Part>; 2]> {
        let same = |c: &&Part, rust: &&Part| {
            let [c, rust] = [c, rust].map(|part| part.step.as_ref().unwrap_or(&part.function));
            usize::from(c == rust)
        };
        align(
            [&self.c, &self.rust].map(|source| source.parts.iter().collect()),
            same,
        )
    }

    /// The purpose of the file, from the first line of the Rust file.
    pub fn purpose(&self) -> String {
        self.rust.parts[0].lines[0].text[4..].into()
    }

    /// The file name of its page.
    pub fn page(&self) -> String {
        self.name.replace('/', "-") + ".html"
    }

    /// Checks that both files have the same functions in the same order, except for those that are marked
    /// as needed in one language only, and in them the same numbered steps.
    fn check(&self, wrong: &mut Vec<String>) {
        for source in [&self.c, &self.rust] {
            if source.parts.iter().all(|part| part.function.is_empty()) {
                wrong.push(format!("{} defines no function", source.path));
            }
            let steps = source.parts.iter().filter(|part| part.step.is_some());
            let mut steps = (1..).zip(steps);
            if let Some((count, part)) = steps.find(|(count, part)| part.number() != Some(*count)) {
                wrong.push(format!("{} should be step {count}", place(source, part)));
            }
        }
        let (c, rust) = (&self.c, &self.rust);
        wrong.extend(self.parts().into_iter().filter_map(|row| match row {
            [Some(part), Some(other)] if part.only() || other.only() => {
                let (place, other) = (place(c, part), place(rust, other));
                Some(format!(
                    "{place} and {other}: one is marked as needed in one language only"
                ))
            }
            [Some(part), None] if !part.only() => Some(place(c, part) + " is not in the Rust file"),
            [None, Some(part)] if !part.only() => Some(place(rust, part) + " is not in the C file"),
            _ => None,
        }));
    }
}

/// A step or a function in an error.
fn place(Source { path, .. }: &Source, part: &Part) -> String {
    let line = part.lines.first().map_or("", |line| &line.number);
    let step = part.step.as_ref().map(|step| format!("{step:?} in "));
    format!(
        "{path}:{line}: {}{}",
        step.unwrap_or_default(),
        part.function
    )
}
