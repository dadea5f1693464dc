//! How the page's claims stand on this kernel: the rows of `make compare`, run now.

use crate::claims::{CLAIMS, Claim, SLOW};
use crate::readme::IDS;
use crate::support::{Result, builds};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Rows that run at the same time.
const WORKERS: usize = 8;

/// How a claim stands: it holds if both lists are empty.
#[derive(Default)]
pub struct Standing {
    /// Where Linux does other than the page says.
    pub differs: Vec<String>,
    /// Where a build does other than Linux is known to do.
    pub unexpected: Vec<String>,
}

/// Tries every claim in both builds; the row that takes a minute is left out.
pub fn try_claims() -> BTreeMap<&'static str, Standing> {
    let rows: Vec<(&str, &Claim)> = CLAIMS
        .iter()
        .filter(|claim| claim.text != SLOW)
        .filter_map(|claim| Some((*IDS.iter().find(|id| claim.text.starts_with(*id))?, claim)))
        .collect();
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            let (sender, next, rows) = (sender.clone(), &next, &rows);
            scope.spawn(move || {
                loop {
                    let row = next.fetch_add(1, Ordering::Relaxed);
                    let Some((_, claim)) = rows.get(row) else {
                        break;
                    };
                    let [c, rust] = [0, 1].map(|build| (claim.run)(&builds()[build], builds()));
                    sender.send((row, c, rust)).expect("we receive");
                }
            });
        }
    });
    drop(sender);

    // The rows end in any order.
    let mut seen: Vec<(usize, Result<String>, Result<String>)> = receiver.iter().collect();
    seen.sort();
    let mut standings: BTreeMap<&str, Standing> = BTreeMap::new();
    for (row, c, rust) in seen {
        let (id, claim) = rows[row];
        let standing = standings.entry(id).or_default();
        let words = claim.text[id.len()..].trim();
        // What follows the first line of what was seen are details.
        let [c, rust] = [&c, &rust].map(|cell| match cell {
            Ok(text) => text.lines().next().unwrap_or_default(),
            Err(reason) => reason,
        });
        if (c, rust) != (claim.linux, claim.linux) {
            let expected = claim.linux;
            standing.unexpected.push(format!(
                "{words}: {c} in C, {rust} in Rust, and not {expected}"
            ));
        } else if !claim.page.is_empty() && claim.page != claim.linux {
            let colon = if words.ends_with(" is") { "" } else { ":" };
            standing
                .differs
                .push(format!("{words}{colon} {c}; by the page: {}", claim.page));
        }
    }
    standings
}
