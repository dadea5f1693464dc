//! Pairs of a C file and its Rust counterpart, which have the same functions in the same order and in
//! them the same numbered steps.

use crate::source::{Language, Part, Source};
use std::fs;
use std::path::Path;

/// The groups in a reader's order. A name stands for a file and for the folder of that name.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "The page",
        &["serve", "main", "accept_error", "address", "output"],
    ),
    ("The rule", &["conflict", "rules"]),
    ("explain", &["explain"]),
    ("abi", &["abi"]),
    ("Shared", &["sock", "netns"]),
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

/// All pairs in a reader's order. What keeps two files from being counterparts goes into `wrong`.
pub fn read_pairs(wrong: &mut Vec<String>) -> Vec<Pair> {
    let (c, rust) = (names("c-reference", ".c"), names("src", ".rs"));
    for name in c.iter().filter(|name| !rust.contains(name)) {
        wrong.push(format!(
            "c-reference/{name}.c has no counterpart src/{name}.rs"
        ));
    }
    for name in rust.iter().filter(|name| !c.contains(name)) {
        wrong.push(format!(
            "src/{name}.rs has no counterpart c-reference/{name}.c"
        ));
    }
    let groups = GROUPS
        .iter()
        .flat_map(|(group, names)| names.iter().map(move |name| (*group, *name)));
    let groups: Vec<(&str, &str)> = groups.chain([("Other files", "")]).collect();
    let place = |name: &str| {
        let first = name.split('/').next();
        let place = groups.iter().position(|(_, group)| first == Some(group));
        place.unwrap_or(groups.len() - 1)
    };
    let mut both: Vec<String> = c.into_iter().filter(|name| rust.contains(name)).collect();
    both.sort_by_key(|name| place(name));

    let mut pairs = Vec::new();
    for name in both {
        let c = Source::read(Language::C, format!("c-reference/{name}.c"));
        let rust = Source::read(Language::Rust, format!("src/{name}.rs"));
        match (c, rust) {
            (Ok(c), Ok(rust)) => {
                let group = groups[place(&name)].0;
                let pair = Pair {
                    group,
                    name,
                    c,
                    rust,
                };
                pair.check(wrong);
                pairs.push(pair);
            }
            (c, rust) => wrong.extend([c.err(), rust.err()].into_iter().flatten()),
        }
    }
    pairs
}

/// The paths of the files below `folder` that end in `ending`, without both, sorted.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    for file in files.into_iter().flatten().flatten() {
        let Ok(name) = file.file_name().into_string() else {
            continue;
        };
        if file.path().is_dir() {
            let within = names(&format!("{folder}/{name}"), ending);
            found.extend(within.iter().map(|file| format!("{name}/{file}")));
        } else if let Some(name) = name.strip_suffix(ending) {
            found.push(name.to_string());
        }
    }
    found.sort();
    found
}

impl Pair {
    /// The parts of C, each beside Rust's. A function that is in one language only is alone.
    pub fn parts(&self) -> Vec<[Option<&Part>; 2]> {
        let (mut c, mut rust) = (
            self.c.parts.iter().peekable(),
            self.rust.parts.iter().peekable(),
        );
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
        let texts = lines.map(|line| line.text.trim_start_matches([' ', '*']));
        let head: Vec<&str> = texts.skip(1).take_while(|text| !text.is_empty()).collect();
        let head = head.join(" ");
        let (_, purpose) = head.split_once(" - ").unwrap_or_default();
        let ends = [". ", "? "].iter().filter_map(|end| purpose.find(end));
        ends.min().map_or(purpose, |end| &purpose[..=end]).into()
    }

    /// Reports the first difference of the functions and of the steps; all that follow are shifted.
    fn check(&self, wrong: &mut Vec<String>) {
        let sources = [&self.c, &self.rust];
        for (source, other) in [(&self.c, &self.rust), (&self.rust, &self.c)] {
            if source.functions().is_empty() {
                wrong.push(format!("{} defines no function", source.path));
            }
            let both = other.functions();
            for part in source.parts.iter().filter(|part| part.only) {
                if both.contains(&&*part.function) {
                    let name = &part.function;
                    wrong.push(format!(
                        "{name} is marked in {}, but defined in {} too",
                        source.path, other.path
                    ));
                }
            }
        }
        let [c, rust] = sources.map(Source::shared_functions);
        let renamed = c != rust; // reported here, and not once more for its steps
        if let Some(index) = first_difference(&c, &rust, PartialEq::eq) {
            let [c, rust] = [c, rust].map(|names| *names.get(index).unwrap_or(&"missing"));
            let (name, count) = (&self.name, index + 1);
            wrong.push(format!(
                "{name}: function {count} is {c} in C, and {rust} in Rust"
            ));
        }

        let [c, rust] = sources.map(steps);
        for (source, steps) in sources.into_iter().zip([&c, &rust]) {
            let mut counted = (1..).zip(steps.iter());
            if let Some((count, part)) = counted.find(|(count, part)| part.number() != Some(*count))
            {
                wrong.push(format!("{} should be step {count}", place(source, part)));
            }
        }
        let same = |c: &&Part, rust: &&Part| {
            c.step == rust.step && (renamed || c.function == rust.function)
        };
        if let Some(index) = first_difference(&c, &rust, same) {
            let [c, rust] = [(&self.c, c), (&self.rust, rust)].map(|(source, steps)| {
                let missing = || format!("no step {} ({})", index + 1, source.path);
                steps
                    .get(index)
                    .map_or_else(missing, |part| place(source, part))
            });
            wrong.push(format!("the steps differ: {c}; {rust}"));
        }
    }
}

/// The first index at which two lists differ.
pub fn first_difference<T>(
    left: &[T],
    right: &[T],
    same: impl Fn(&T, &T) -> bool,
) -> Option<usize> {
    let mut both = left.iter().zip(right);
    let different = both.position(|(left, right)| !same(left, right));
    let end = left.len().min(right.len());
    different.or((left.len() != right.len()).then_some(end))
}

fn steps(source: &Source) -> Vec<&Part> {
    source
        .parts
        .iter()
        .filter(|part| part.step.is_some())
        .collect()
}

/// A step in an error: its text, its file, its line and its function.
fn place(source: &Source, part: &Part) -> String {
    let line = part.lines.first().map_or(0, |line| line.number);
    let step = part.step.as_deref().unwrap_or_default();
    format!("{step:?} ({}:{line}, in {})", source.path, part.function)
}
