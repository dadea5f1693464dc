//! What the READMEs state about the code: the page's claims with their steps, and the porting table.

use crate::claims::CLAIMS;
use crate::counterparts::Pair;
use crate::source::{Part, Source, read};

/// The page's claims.
pub const IDS: [&str; 15] = [
    "F1", "F2", "F3", "F4", "F5", "T1", "T2", "T3", "T4", "R1", "R2", "C1", "C2", "K1", "K2",
];

/// A claim of the page, in the README's words.
pub struct Claim {
    pub id: &'static str,
    pub words: String,
    /// The numbers of the steps of `serve` that name it, and their functions.
    pub steps: Vec<(usize, String)>,
}

/// Reads the claims. One whose row is missing, or names other steps than the code does, goes into `wrong`.
pub fn read_claims(pairs: &[Pair], wrong: &mut Vec<String>) -> Vec<Claim> {
    let Some(serve) = pairs.iter().find(|pair| pair.name == "serve") else {
        wrong.push("there is no serve".into());
        return Vec::new();
    };
    let readme = read("README.md").unwrap_or_default();
    let mut claims = Vec::new();
    for id in IDS {
        if !CLAIMS.iter().any(|claim| claim.text.starts_with(id)) {
            wrong.push(format!("tests/compare/claims.rs has no row for claim {id}"));
        }
        let steps = steps_for(id, &serve.rust);
        let numbers: Vec<String> = steps.iter().map(|(number, _)| number.to_string()).collect();
        if steps.is_empty() {
            wrong.push(format!("serve has no step that names claim {id}"));
            continue;
        }
        let place = format!("| `{}` {} |", steps[0].1, numbers.join(", "));
        let start = format!("| {id} |");
        match readme.lines().find_map(|line| line.strip_prefix(&start)) {
            None => wrong.push(format!("README.md has no row for claim {id}")),
            Some(row) if !row.contains(&place) => wrong.push(format!(
                "README.md: the row of claim {id} should name its steps: {place}"
            )),
            Some(row) => claims.push(Claim {
                id,
                words: row.split(" |").next().unwrap_or_default().trim().into(),
                steps,
            }),
        }
    }
    claims
}

/// A step's text, and the claims in parentheses at its end.
pub fn split_ids(step: &str) -> (&str, Vec<&str>) {
    let (words, ids) = step.rsplit_once(" (").unwrap_or((step, ""));
    let ids: Vec<&str> = ids.trim_end_matches(')').split(", ").collect();
    if ids.iter().all(|id| IDS.contains(id)) {
        return (words, ids);
    }
    (step, Vec::new())
}

fn steps_for(id: &str, source: &Source) -> Vec<(usize, String)> {
    let place = |part: &Part| {
        let (_, ids) = split_ids(part.step.as_deref()?);
        ids.contains(&id)
            .then_some((part.number()?, part.function.clone()))
    };
    source.parts.iter().filter_map(place).collect()
}

/// Checks that the functions that the porting table names are in both languages, and its tests in
/// tests/. Each row of the table ends with `file::function` and `file::test`.
pub fn check_porting(pairs: &[Pair], wrong: &mut Vec<String>) {
    let file = "src/porting/README.md";
    let text = read(file).unwrap_or_default();
    let rows: Vec<&str> = text.lines().filter(|line| line.ends_with("` |")).collect();
    if rows.len() < 13 {
        wrong.push(format!("{file}: fewer than 13 rows in the porting table"));
    }
    for row in rows {
        let mut cells = row.trim_end_matches(" |").rsplit(" | ");
        let mut name = || cells.next()?.trim_matches('`').split_once("::");
        let (Some((test_file, test)), Some((place, function))) = (name(), name()) else {
            wrong.push(format!("{file}: a row names no function and test: {row}"));
            continue;
        };
        let mut pair = pairs.iter().filter(|pair| pair.name == place);
        let defines = |source: &Source| source.parts.iter().any(|part| part.function == function);
        if !pair.any(|pair| defines(&pair.c) && defines(&pair.rust)) {
            let both = "in both languages";
            wrong.push(format!("{file}: {place} does not define {function} {both}"));
        }
        match read(&format!("tests/{test_file}.rs")) {
            Ok(tests) if tests.contains(&format!("fn {test}()")) => {}
            Ok(_) => wrong.push(format!("{file}: tests/{test_file}.rs has no {test}")),
            Err(reason) => wrong.push(format!("{file}: {test}: {reason}")),
        }
    }
}
