//! What the READMEs state about the code: the page's claims with their steps, and the porting reference.

use crate::claims::CLAIMS;
use crate::counterparts::{Pair, Part, read};

/// The page's claims.
pub const IDS: [&str; 15] = [
    "F1", "F2", "F3", "F4", "F5", "T1", "T2", "T3", "T4", "R1", "R2", "C1", "C2", "K1", "K2",
];

/// The porting reference.
pub const PORTING: &str = "src/porting/README.md";

/// Reads the claims from the README: id, words, steps, and outcome on Linux. A claim whose row is missing
/// or does not agree with the steps of `serve` and with `make compare` goes into `wrong`.
pub fn read_claims(serve: &Pair, wrong: &mut Vec<String>) -> Vec<[String; 4]> {
    let (readme, mut claims) = (read("README.md").unwrap_or_default(), Vec::new());
    for id in IDS {
        let parts = serve.rust.parts.iter();
        let names = |part: &&Part| part.number().is_some() && part.heading.contains(id);
        let first = parts.clone().position(|part| names(&part)).unwrap_or(0);
        let function = parts
            .clone()
            .take(first)
            .rfind(|part| part.number().is_none());
        let function = function.map_or("", |part| &part.heading);
        let steps = parts
            .filter(names)
            .filter_map(Part::number)
            .map(|step| step.to_string());
        let steps = steps.collect::<Vec<_>>().join(", ");
        let (start, place) = (format!("| {id} | "), format!(" | `{function}` {steps} | "));
        let row = readme
            .lines()
            .find_map(|line| line.strip_prefix(&start)?.split_once(&place));
        let compared = CLAIMS.iter().filter(|claim| claim.text.starts_with(id));
        let holds = compared
            .clone()
            .all(|claim| ["", claim.linux].contains(&claim.page));
        let row = row.filter(|(_, outcome)| outcome.starts_with("holds") == holds);
        match row.filter(|_| compared.count() > 0 && !steps.is_empty()) {
            Some((words, outcome)) => {
                let outcome = outcome.trim_end_matches(" |");
                claims.push([id, words, &steps, outcome].map(String::from));
            }
            None => wrong.push(format!(
                "README.md, serve and tests/compare/claims.rs do not agree: {start}...{place}..."
            )),
        }
    }
    claims
}

/// Checks the links of the porting reference, each of which is code that leads to a line with that code.
pub fn check_porting(wrong: &mut Vec<String>) {
    let table = read(PORTING).unwrap_or_default();
    let rows: Vec<&str> = table.lines().filter(|line| line.contains("#L")).collect();
    if rows.len() < 30 {
        wrong.push(format!("{PORTING}: fewer than 30 rows in the tables"));
    }
    for row in rows {
        if !row.contains(".c#L") || !row.contains(".rs#L") {
            wrong.push(format!(
                "{PORTING}: a row links to one language only: {row}"
            ));
        }
        let links = row.split("[`").skip(1).filter_map(wrong_link);
        wrong.extend(links.map(|reason| format!("{PORTING}: {reason}")));
    }
}

/// Why the link at the start of `row` is wrong, if it is. It is CODE`](PATH#LNUMBER).
fn wrong_link(row: &str) -> Option<String> {
    let (code, target) = row.split_once("`](")?;
    let (path, number) = target.split(')').next()?.split_once("#L")?;
    let code = code.replace("\\|", "|");
    let source = read(&format!("src/porting/{path}")).unwrap_or_else(|reason| reason);
    let lines = (1..)
        .zip(source.lines())
        .filter(|(_, line)| line.contains(&code));
    let lines: Vec<String> = lines.map(|(line, _)| line.to_string()).collect();
    let (right, found) = (lines.iter().any(|line| line == number), lines.join(", "));
    (!right).then(|| format!("`{code}` is not in line {number} of {path}, but in: {found}"))
}
