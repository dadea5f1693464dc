//! What holds the twins together: each C file and its Rust file have the same functions in the same
//! order, and the same numbered steps in the same words.

use std::fs;
use std::path::Path;

/// The page's claims.
const IDS: [&str; 15] = [
    "F1", "F2", "F3", "F4", "F5", "T1", "T2", "T3", "T4", "R1", "R2", "C1", "C2", "K1", "K2",
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The base names of the files in `folder` that end in `ending`, sorted.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(ending)?.to_string()))
        .collect();
    names.sort();
    names
}

/// The functions that a C file defines: what stands at the margin before a brace at the margin.
fn c_functions(text: &str) -> Vec<&str> {
    let mut head = "";
    let mut functions = Vec::new();
    for line in text.lines() {
        match line {
            "{" => functions.extend(head.split_once('(').map(|(head, _)| head)),
            _ if line.starts_with(|first: char| first.is_ascii_alphabetic()) => head = line,
            _ => {}
        }
    }
    let name = |head: &'_ str| head.rfind([' ', '*']).map_or(0, |end| end + 1);
    functions.iter().map(|head| &head[name(head)..]).collect()
}

/// The functions that a Rust file defines.
fn rust_functions(text: &str) -> Vec<&str> {
    let heads = text.lines().filter_map(|line| {
        let (before, after) = line.split_once("fn ")?;
        (before.is_empty() || before.starts_with("pub ") || before.starts_with("extern "))
            .then_some(after)
    });
    heads
        .map(|head| head.split(['(', '<']).next().unwrap())
        .collect()
}

/// The numbered steps of a file: comments of one line that begin with their number.
fn steps<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let comments = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(start)?.strip_suffix(end));
    comments
        .filter(|words| words.starts_with(|first: char| first.is_ascii_digit()))
        .collect()
}

#[test]
fn each_file_has_its_twin() {
    assert_eq!(names("c-reference", ".c"), names("src", ".rs"));
}

#[test]
fn twins_have_the_same_functions_in_the_same_order() {
    for name in names("src", ".rs") {
        let (c, rust) = (
            read(&format!("c-reference/{name}.c")),
            read(&format!("src/{name}.rs")),
        );
        assert_ne!(c_functions(&c), [""; 0], "{name}.c");
        assert_eq!(c_functions(&c), rust_functions(&rust), "{name}");
    }
}

#[test]
fn twins_take_the_same_steps_in_the_same_words() {
    for name in names("src", ".rs") {
        let (c, rust) = (
            read(&format!("c-reference/{name}.c")),
            read(&format!("src/{name}.rs")),
        );
        let steps_of_c = steps(&c, "/* ", " */");
        assert_eq!(steps_of_c, steps(&rust, "// ", ""), "{name}");
        for (index, words) in steps_of_c.iter().enumerate() {
            let number = format!("{}. ", index + 1);
            assert!(
                words.starts_with(&number),
                "{name}: {words} is not step {number}"
            );
        }
    }
}

/// The steps of `serve.rs` that name a claim, as the README writes them: "`serve` 4, 6".
fn steps_for(id: &str, source: &str) -> String {
    let mut found = String::new();
    let mut function = "";
    for line in source.lines() {
        function = rust_functions(line).first().unwrap_or(&function);
        let Some(step) = steps(line, "// ", "").first().copied() else {
            continue;
        };
        let ids = step.rsplit_once('(').map_or("", |(_, ids)| ids);
        if ids.trim_end_matches(')').split(", ").any(|tag| tag == id) {
            let number = step.split('.').next().unwrap();
            found += &match found.is_empty() {
                true => format!("`{function}` {number}"),
                false => format!(", {number}"),
            };
        }
    }
    found
}

#[test]
fn each_claim_of_the_page_has_its_row_in_the_report_and_in_the_readme_with_its_steps() {
    let (source, rows) = (read("src/serve.rs"), read("tests/compare/claims.rs"));
    let readme = read("README.md");
    for id in IDS {
        assert!(
            rows.contains(&format!("\"{id}  ")),
            "no row of the report is for {id}"
        );
        let line = readme
            .lines()
            .find(|line| line.starts_with(&format!("| {id} |")));
        let place = format!("| {} |", steps_for(id, &source));
        let line = line.unwrap_or_else(|| panic!("the README has no row for {id}"));
        assert!(line.contains(&place), "the README's {id} is not at {place}");
    }
}

#[test]
fn what_the_porting_reference_names_exists() {
    let readme = read("README.md");
    let (_, reference) = readme.split_once("\n## Porting from C").unwrap();
    let (reference, _) = reference.split_once("\n## ").unwrap();
    let rows: Vec<&str> = reference
        .lines()
        .filter(|line| line.ends_with("` |"))
        .collect();
    assert!(rows.len() >= 13, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_end_matches(" |").rsplit(" | ").collect();
        let [test, place] = [0, 1].map(|cell| cells[cell].trim_matches('`').split_once("::"));
        let ((test_file, test), (file, function)) = (test.unwrap(), place.unwrap());
        let c = read(&format!("c-reference/{file}.c"));
        let rust = read(&format!("src/{file}.rs"));
        assert!(
            c_functions(&c).contains(&function),
            "{file}.c has no {function}"
        );
        assert!(
            rust_functions(&rust).contains(&function),
            "{file}.rs has no {function}"
        );
        let tests = read(&format!("tests/{test_file}.rs"));
        assert!(
            tests.contains(&format!("fn {test}()")),
            "{test_file} has no {test}"
        );
    }
}
