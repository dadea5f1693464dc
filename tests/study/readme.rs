//! What the READMEs state about the code: the page's claims with their steps, and the porting table.

use crate::claims::CLAIMS;
use crate::counterparts::Pair;
use crate::source::{Part, read};

/// The page's claims.
pub const IDS: [&str; 15] = [
    "F1", "F2", "F3", "F4", "F5", "T1", "T2", "T3", "T4", "R1", "R2", "C1", "C2", "K1", "K2",
];

/// Reads the page's claims from the README: id, claim, steps, and whether it holds. A claim whose row is
/// missing or differs from the code or the report goes into `wrong`.
pub fn read_claims(serve: &Pair, wrong: &mut Vec<String>) -> Vec<[String; 4]> {
    let readme = read("README.md").unwrap_or_default();
    let mut claims = Vec::new();
    for id in IDS {
        let mut rows = CLAIMS.iter().filter(|claim| claim.text.starts_with(id));
        if rows.clone().next().is_none() {
            wrong.push(format!("tests/compare/claims.rs has no row for claim {id}"));
        }
        let differs = rows.any(|claim| !claim.page.is_empty() && claim.page != claim.linux);
        let names = |part: &&Part| part.step.as_ref().is_some_and(|step| step.contains(id));
        let parts = serve.rust.parts.iter().filter(names);
        let function = parts.clone().next().map_or("", |part| &part.function);
        let steps: Vec<String> = parts
            .filter_map(|part| part.number().map(|step| step.to_string()))
            .collect();
        let (start, steps) = (format!("| {id} | "), steps.join(", "));
        let place = format!(" | `{function}` {steps} | ");
        let row = readme
            .lines()
            .find_map(|line| line.strip_prefix(&start)?.split_once(&place));
        match row {
            Some((words, outcome))
                if !steps.is_empty() && outcome.starts_with("holds") != differs =>
            {
                let outcome = outcome.trim_end_matches(" |");
                claims.push([id, words, &steps, outcome].map(String::from));
            }
            _ => wrong.push(format!(
                "README.md should have the row {start}...{place}{}",
                if differs { "only if ..." } else { "holds |" }
            )),
        }
    }
    claims
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
        let defines = |part: &Part| part.function == function;
        if !pair.any(|pair| pair.c.parts.iter().any(defines) && pair.rust.parts.iter().any(defines))
        {
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
