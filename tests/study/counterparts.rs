//! Pairs of a C file and its Rust counterpart, which have the same functions in the same order and in
//! them the same numbered steps.

use crate::source::{HEAD, Part, Source, read};
use crate::support::{Result, align, project};
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
        align(parts, |c: &&Part, rust: &&Part| {
            let [c, rust] = [c, rust].map(|part| part.step.as_ref().unwrap_or(&part.function));
            usize::from(c == rust)
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
            if parts.iter().all(|part| part.function == HEAD) {
                wrong.push(format!("{path} defines no function"));
            }
            let mut steps = (1..).zip(parts.iter().filter(|part| part.step.is_some()));
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
fn place(path: &str, part: &Part) -> String {
    let line = part.lines.first().map_or("", |(number, _)| number);
    let step = part.step.as_deref().unwrap_or("function");
    format!("{path}:{line}: {step:?} of {}", part.function)
}
