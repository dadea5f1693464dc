//! Pairs of a C file and its Rust counterpart, which have the same functions in the same order and in
//! them the same numbered steps.

use crate::source::{Language, Part, Source};
use crate::support::{Result, first_difference, project};
use std::fs;

/// The files in a reader's order, each with its heading in the contents. A name stands for a file and for
/// the folder of that name.
const ORDER: [(&str, &str); 12] = [
    ("serve", "The page"),
    ("main", "The page"),
    ("accept_error", "The page"),
    ("address", "The page"),
    ("output", "The page"),
    ("conflict", "The rule"),
    ("rules", "The rule"),
    ("explain", "explain"),
    ("abi", "abi"),
    ("sock", "Shared"),
    ("netns", "Shared"),
    ("porting", "Porting"),
];

/// A file in both languages.
pub struct Pair {
    /// The heading in the contents.
    pub group: &'static str,
    /// The path in either folder, without the ending.
    pub name: String,
    pub c: Source,
    pub rust: Source,
}

/// All pairs in a reader's order. Each difference between counterparts goes into `wrong`.
pub fn read_pairs(wrong: &mut Vec<String>) -> Vec<Pair> {
    let place = |name: &String| {
        let first = name.split('/').next();
        let place = ORDER.iter().position(|(name, _)| first == Some(name));
        place.unwrap_or(ORDER.len())
    };
    let mut all = [names("c-reference", ".c"), names("src", ".rs")].concat();
    all.sort_by_key(|name| (place(name), name.clone()));
    all.dedup();
    let mut pairs = Vec::new();
    for name in all {
        let group = ORDER.get(place(&name));
        let group = group.map_or("Other files", |(_, group)| group);
        // The error names the file that is missing.
        match Pair::read(group, name) {
            Ok(pair) => {
                pair.check(wrong);
                pairs.push(pair);
            }
            Err(reason) => wrong.push(format!("no counterpart: {reason}")),
        }
    }
    pairs
}

/// The paths of the files below `folder` that end in `ending`, without both.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let files = fs::read_dir(project(folder));
    for file in files.into_iter().flatten().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if file.path().is_dir() {
            let within = names(&format!("{folder}/{name}"), ending);
            found.extend(within.iter().map(|file| format!("{name}/{file}")));
        } else if let Some(name) = name.strip_suffix(ending) {
            found.push(name.to_string());
        }
    }
    found
}

impl Pair {
    fn read(group: &'static str, name: String) -> Result<Pair> {
        Ok(Pair {
            c: Source::read(Language::C, format!("c-reference/{name}.c"))?,
            rust: Source::read(Language::Rust, format!("src/{name}.rs"))?,
            group,
            name,
        })
    }

    /// The parts of C, each with its part of Rust. A function that exists in one language only has no
    /// counterpart.
    pub fn parts(&self) -> Vec<[Option<&Part>; 2]> {
        let [mut c, mut rust] = [&self.c, &self.rust].map(|source| source.parts.iter().peekable());
        let mut rows = Vec::new();
        while c.peek().is_some() || rust.peek().is_some() {
            let alone = c.next_if(|part| part.only).map(|part| [Some(part), None]);
            let alone = alone.or_else(|| Some([None, Some(rust.next_if(|part| part.only)?)]));
            rows.push(alone.unwrap_or_else(|| [c.next(), rust.next()]));
        }
        rows
    }

    /// The purpose of the file, from the first sentence of its C head.
    pub fn purpose(&self) -> String {
        let lines = self.c.parts.iter().flat_map(|part| &part.lines);
        let texts = lines.map(|line| line.text.trim_start_matches(['/', '*', ' ']));
        let texts = texts.skip_while(|text| text.is_empty());
        let head: Vec<&str> = texts.take_while(|text| !text.is_empty()).collect();
        let head = head.join(" ");
        let (_, purpose) = head.split_once(" - ").unwrap_or_default();
        let ends = [". ", "? "].iter().filter_map(|end| purpose.find(end));
        ends.min().map_or(purpose, |end| &purpose[..=end]).into()
    }

    /// Reports only the first difference of the functions, and of the steps: it shifts all that follow.
    fn check(&self, wrong: &mut Vec<String>) {
        let sources = [&self.c, &self.rust];
        for (source, other) in [(&self.c, &self.rust), (&self.rust, &self.c)] {
            let (path, other_path) = (&source.path, &other.path);
            if source.functions().is_empty() {
                wrong.push(format!("{path} defines no function"));
            }
            let both = other.functions();
            let parts = source.parts.iter().filter(|part| part.only);
            let marked = parts.filter(|part| both.contains(&&*part.function));
            wrong.extend(marked.map(|Part { function, .. }| {
                format!("{function} is marked in {path}, but {other_path} defines it as well")
            }));
        }
        let [c, rust] = sources.map(Source::shared_functions);
        let renamed = c != rust; // reported here, and not once more for its steps
        if let Some((index, [c, rust])) = first_difference(&c, &rust) {
            let place = format!("{}: function {}", self.name, index + 1);
            wrong.push(format!("{place} is {c} in C, and {rust} in Rust"));
        }

        let [c, rust] = sources.map(steps);
        for (source, steps) in sources.into_iter().zip([&c, &rust]) {
            let mut parts = (1..).zip(steps);
            if let Some((count, part)) = parts.find(|(count, part)| part.number() != Some(*count)) {
                wrong.push(format!("{} should be step {count}", place(source, part)));
            }
        }
        let key = |part: &&Part| match renamed {
            true => format!("{:?}", part.step),
            false => format!("{:?} {}", part.step, part.function),
        };
        let keys = |steps: &[&Part]| steps.iter().map(key).collect::<Vec<_>>();
        if let Some((index, _)) = first_difference(&keys(&c), &keys(&rust)) {
            let [c, rust] = [(&self.c, c), (&self.rust, rust)].map(|(source, steps)| {
                let missing = format!("no step {} ({})", index + 1, source.path);
                let found = steps.get(index);
                found.map_or(missing, |part| place(source, part))
            });
            wrong.push(format!("the steps differ: {c}; {rust}"));
        }
    }
}

fn steps(source: &Source) -> Vec<&Part> {
    let parts = source.parts.iter();
    parts.filter(|part| part.step.is_some()).collect()
}

/// A step in an error: its text, its file, its line and its function.
fn place(source: &Source, part: &Part) -> String {
    let line = part.lines.first().map_or(0, |line| line.number);
    let step = part.step.as_deref().unwrap_or_default();
    format!("{step:?} ({}:{line}, in {})", source.path, part.function)
}
