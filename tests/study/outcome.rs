//! What the rows of `make compare` show on this kernel, run now, for each claim of the page.

use crate::claims::{CLAIMS, Claim, SLOW};
use crate::readme::IDS;
use crate::support::{Result, builds, in_order};
use std::collections::BTreeMap;

/// The outcome of a claim's rows. The claim holds if both lists are empty.
#[derive(Default)]
pub struct Outcome {
    /// Where Linux differs from the page.
    pub differs: Vec<String>,
    /// Where a build differs from what is known of Linux.
    pub unexpected: Vec<String>,
}

/// Tries every claim in both builds, except for the row that takes a minute.
pub fn try_claims() -> BTreeMap<&'static str, Outcome> {
    let rows = CLAIMS.iter().filter(|claim| claim.text != SLOW);
    let id_of = |claim: &Claim| IDS.into_iter().find(|id| claim.text.starts_with(id));
    let rows = rows.filter_map(|claim| Some((id_of(claim)?, claim)));
    let rows: Vec<_> = rows.collect();
    let mut outcomes: BTreeMap<&str, Outcome> = BTreeMap::new();
    let run = |row: usize| builds().each_ref().map(rows[row].1.run);
    in_order(rows.len(), run, |row, cells: [Result<String>; 2]| {
        let (id, claim) = rows[row];
        let outcome = outcomes.entry(id).or_default();
        let text = claim.text[id.len()..].trim();
        // Only the first line of a result is the cell.
        let [c, rust] = cells.each_ref().map(|cell| match cell {
            Ok(text) => text.lines().next().unwrap_or_default(),
            Err(reason) => reason,
        });
        let Claim { page, linux, .. } = claim;
        if (c, rust) != (linux, linux) {
            let seen = format!("{text}: expected {linux}, seen {c} in C and {rust} in Rust");
            outcome.unexpected.push(seen);
        } else if !page.is_empty() && page != linux {
            let colon = if text.ends_with(" is") { "" } else { ":" };
            let seen = format!("{text}{colon} {linux}; according to the page: {page}");
            outcome.differs.push(seen);
        }
    });
    outcomes
}
