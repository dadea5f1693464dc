//! What the READMEs state about the code: the page's claims with their steps, and the porting reference.

use crate::claims::CLAIMS;
use crate::counterparts::{Pair, Part};
use crate::support::read_file;

/// The page's claims.
pub const IDS: [&str; 15] = [
    "F1", "F2", "F3", "F4", "F5", "T1", "T2", "T3", "T4", "R1", "R2", "C1", "C2", "K1", "K2",
];

/// The porting reference.
pub const PORTING: &str = "src/porting/README.md";

/// The claims: id, words, steps, outcome. A row that `serve` or `make compare` contradict is `wrong`.
pub fn read_claims(serve: &Pair, wrong: &mut Vec<String>) -> Vec<[String; 4]> {
    let (readme, mut claims) = (read_file("README.md").unwrap_or_default(), Vec::new());
    for id in IDS {
        let (mut function, mut place, mut steps) = ("", "", Vec::new());
        for Part { heading, .. } in &serve.parts[1] {
            let (step, text) = heading.split_once(". ").unwrap_or_default();
            if step.is_empty() {
                function = heading;
            } else if text.contains(id) {
                (place, steps) = (function, [steps, vec![step]].concat());
            }
        }
        let (start, steps) = (format!("| {id} | "), steps.join(", "));
        let place = format!(" | `{place}` {steps} | ");
        let mut compared = CLAIMS.iter().filter(|claim| claim.text.starts_with(id));
        let tried = compared.clone().next().is_some();
        let holds = compared.all(|claim| ["", claim.linux].contains(&claim.page));
        let rows = readme.lines();
        let rows = rows.filter_map(|line| line.strip_prefix(&start)?.split_once(&place));
        let mut rows = rows.filter(|(_, outcome)| outcome.starts_with("holds") == holds);
        match rows.next() {
            Some((words, outcome)) if tried && !steps.is_empty() => {
                let outcome = outcome.trim_end_matches(" |");
                claims.push([id, words, &steps, outcome].map(String::from));
            }
            _ => wrong.push(format!("README.md: wrong or no row {start}...{place}")),
        }
    }
    claims
}

/// Checks the links of the porting reference, each of which is code that leads to a line with that code.
pub fn check_porting(wrong: &mut Vec<String>) {
    let table = read_file(PORTING).unwrap_or_default();
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
    let source = read_file(&format!("src/porting/{path}")).unwrap_or_else(|reason| reason);
    let lines = (1..)
        .zip(source.lines())
        .filter(|(_, line)| line.contains(&code));
    let lines: Vec<String> = lines.map(|(line, _)| line.to_string()).collect();
    let (right, found) = (lines.iter().any(|line| line == number), lines.join(", "));
    (!right).then(|| format!("`{code}` is not in line {number} of {path}, but in: {found}"))
}
