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

/// Checks the links of the porting reference, each of which is code that leads to a line with that code.
pub fn check_porting(wrong: &mut Vec<String>) {
    let file = "src/porting/README.md";
    let text = read(file).unwrap_or_default();
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("#L")).collect();
    if rows.len() < 30 {
        wrong.push(format!("{file}: fewer than 30 rows in the tables"));
    }
    for row in rows {
        if !row.contains(".c#L") || !row.contains(".rs#L") {
            wrong.push(format!("{file}: a row links to one language only: {row}"));
        }
        let links = row.split("[`").skip(1).filter_map(wrong_link);
        wrong.extend(links.map(|reason| format!("{file}: {reason}")));
    }
}

/// Why the link at the start of `row` is wrong, if it is. It is CODE`](PATH#LNUMBER).
fn wrong_link(row: &str) -> Option<String> {
    let (code, target) = row.split_once("`](")?;
    let (path, number) = target.split(')').next()?.split_once("#L")?;
    let source = match read(&format!("src/porting/{path}")) {
        Ok(source) => source,
        Err(reason) => return Some(reason),
    };
    let code = code.replace("\\|", "|");
    let found = (1..)
        .zip(source.lines())
        .filter(|(_, line)| line.contains(&code));
    let found: Vec<String> = found.map(|(line, _)| line.to_string()).collect();
    if found.iter().any(|line| line == number) {
        return None;
    }
    let lines = found.join(", ");
    Some(format!(
        "`{code}` is not in line {number} of {path}, but in: {lines}"
    ))
}
