//! Each C file beside its Rust file: twins have the same functions in the same order, and in them the
//! same numbered steps in the same words.

use crate::source::{Language, Part, Source};
use std::fs;
use std::path::Path;

/// A reader's order, in groups. Whoever is not named comes last.
const ORDER: [(&str, &[&str]); 5] = [
    ("The page", &["serve", "main"]),
    (
        "Its rule",
        &[
            "conflict",
            "rules",
            "rules/trial",
            "rules/holder",
            "rules/ports",
        ],
    ),
    (
        "Who is in the way",
        &[
            "explain",
            "explain/snapshot",
            "explain/sock_diag",
            "explain/procfs",
            "explain/prediction",
            "explain/print_sockets",
            "explain/print_tree",
            "explain/advice",
        ],
    ),
    ("The layout", &["abi", "abi/calls", "abi/sockopts"]),
    ("What all use", &["address", "sock", "output", "say"]),
];

/// A file in both languages.
pub struct Twin {
    /// The heading in the contents.
    pub group: &'static str,
    pub name: String,
    pub c: Source,
    pub rust: Source,
}

/// All twins in a reader's order; whatever keeps files from being twins goes into `wrong`.
pub fn read_twins(wrong: &mut Vec<String>) -> Vec<Twin> {
    let (c, rust) = (names("c-reference", ".c"), names("src", ".rs"));
    for name in c.iter().filter(|name| !rust.contains(name)) {
        wrong.push(format!("c-reference/{name}.c has no twin src/{name}.rs"));
    }
    for name in rust.iter().filter(|name| !c.contains(name)) {
        wrong.push(format!("src/{name}.rs has no twin c-reference/{name}.c"));
    }
    let mut both: Vec<String> = c.into_iter().filter(|name| rust.contains(name)).collect();
    let order: Vec<(&str, &str)> = ORDER
        .iter()
        .flat_map(|(group, names)| names.iter().map(|name| (*group, *name)))
        .collect();
    let place = |name: &str| order.iter().position(|(_, other)| *other == name);
    both.sort_by_key(|name| place(name).unwrap_or(order.len()));

    let mut twins = Vec::new();
    for name in both {
        let c = Source::read(Language::C, format!("c-reference/{name}.c"));
        let rust = Source::read(Language::Rust, format!("src/{name}.rs"));
        match (c, rust) {
            (Ok(c), Ok(rust)) => {
                let group = place(&name).map_or("The rest", |place| order[place].0);
                let twin = Twin {
                    group,
                    name,
                    c,
                    rust,
                };
                twin.check(wrong);
                twins.push(twin);
            }
            (c, rust) => wrong.extend([c.err(), rust.err()].into_iter().flatten()),
        }
    }
    twins
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

impl Twin {
    /// The parts of C, each beside Rust's.
    pub fn parts(&self) -> impl Iterator<Item = (&Part, &Part)> {
        self.c.parts.iter().zip(&self.rust.parts)
    }

    /// What the file is for, as its C head says it in one sentence.
    pub fn purpose(&self) -> String {
        let lines = self.c.parts.iter().flat_map(|part| &part.lines);
        let words = lines.map(|line| line.text.trim_start_matches([' ', '*']));
        let head: Vec<&str> = words
            .skip(1)
            .take_while(|words| !words.is_empty())
            .collect();
        let head = head.join(" ");
        let (_, purpose) = head.split_once(" - ").unwrap_or_default();
        let end = [". ", "? "]
            .iter()
            .filter_map(|end| purpose.find(end))
            .min();
        end.map_or(purpose, |end| &purpose[..=end]).into()
    }

    /// Says of the functions and of the steps where they part first; what follows would all be shifted.
    fn check(&self, wrong: &mut Vec<String>) {
        let sources = [&self.c, &self.rust];
        let [c, rust] = sources.map(Source::functions);
        for (source, functions) in sources.into_iter().zip([&c, &rust]) {
            if functions.is_empty() {
                wrong.push(format!("{} defines no function", source.path));
            }
        }
        let renamed = c != rust; // said once, and not of its steps again
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
                steps.get(index).map_or_else(
                    || format!("no step {} ({})", index + 1, source.path),
                    |part| place(source, part),
                )
            });
            wrong.push(format!("the steps differ: {c}; {rust}"));
        }
    }
}

/// Where two lists part.
pub fn first_difference<T>(
    left: &[T],
    right: &[T],
    same: impl Fn(&T, &T) -> bool,
) -> Option<usize> {
    let different = left
        .iter()
        .zip(right)
        .position(|(left, right)| !same(left, right));
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

/// A step for a sentence: where it stands, and what it says.
fn place(source: &Source, part: &Part) -> String {
    let line = part.lines.first().map_or(0, |line| line.number);
    let step = part.step.as_deref().unwrap_or_default();
    format!("{step:?} ({}:{line}, in {})", source.path, part.function)
}
