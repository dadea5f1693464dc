//! A pair on the terminal: C left, Rust right, the text of each step across.

use crate::counterparts::Pair;
use crate::kernel::{Calls, WHO};
use crate::rows::{indent, rows};
use crate::source::Line;
use crate::support::{half, side_by_side, wrapped};
use std::iter;

/// The pair in lines of at most `width` columns, the heads of the files last. Below a step of `serve` are
/// its system calls.
pub fn columns(pair: &Pair, calls: &Calls, width: usize) -> String {
    let mut lines = wrapped(&format!("{}: {}", pair.name, pair.purpose()), width);
    let [c, rust] = [&pair.c.path, &pair.rust.path].map(|path| vec![format!("     {path}")]);
    lines.extend(side_by_side(&c, &rust, width));
    let mut parts = pair.parts();
    parts.rotate_left(1);
    for row in parts {
        let part = row[0].or(row[1]).expect("one of both");
        let heading = part
            .step
            .clone()
            .unwrap_or(format!("---- {}", part.function));
        lines.push(String::new());
        lines.extend(wrapped(&heading, width));
        for row in rows(pair, row) {
            let [c, rust] = row.map(|line| numbered(line, half(width)));
            lines.extend(side_by_side(&c, &rust, width));
        }
        let step = part.number().filter(|_| pair.name == "serve");
        for call in step.iter().filter_map(|step| calls.get(step)).flatten() {
            lines.extend(wrapped(&format!("     {call}"), width));
        }
    }
    let who = wrapped(&format!("\n{WHO}"), width);
    lines.extend(who.into_iter().filter(|_| pair.name == "serve"));
    lines.join("\n") + "\n"
}

/// A line in `width` columns with its number. Where there is little room, it is indented by half.
fn numbered(line: Option<Line>, width: usize) -> Vec<String> {
    let Some((number, text)) = line else {
        return Vec::new();
    };
    let left_out = if width < 60 { indent(&text) / 2 } else { 0 };
    let numbers = iter::once(number).chain(iter::repeat(String::new()));
    let pieces = numbers.zip(wrapped(&text[left_out..], width - 5));
    pieces
        .map(|(number, piece)| format!("{number:>4} {piece}"))
        .collect()
}
