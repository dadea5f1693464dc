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
