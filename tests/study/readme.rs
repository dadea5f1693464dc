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
