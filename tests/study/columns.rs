//! The pairs on the terminal: C left, Rust right, the text of each step across.

use crate::counterparts::Pair;
use crate::kernel::{Calls, WHO};
use crate::source::Part;
use crate::support::wrapped;
use std::slice;

/// Columns between C and Rust, and of a line's number.
const GAP: usize = 3;
const NUMBER: usize = 4;

/// All pairs in lines of at most `width` columns; below a step of `serve`, its system calls.
pub fn columns(pairs: &[Pair], calls: &Calls, width: usize) -> String {
    let mut lines = wrapped(
        &format!("Below each step of serve: its system calls, as the kernel saw them. {WHO}"),
        width,
    );
    for pair in pairs {
        lines.extend([String::new(), "=".repeat(width)]);
        lines.extend(wrapped(
            &format!("{}: {}", pair.name, pair.purpose()),
            width,
        ));
        lines.push("=".repeat(width));
        let [c, rust] = [&pair.c.path, &pair.rust.path].map(slice::from_ref);
        lines.extend(side_by_side(c, rust, width));
        let mut function = "";
        for row in pair.parts() {
            let Some(part) = row[0].or(row[1]) else {
                continue;
            };
            if part.function != function {
                function = &part.function;
                let heading = format!("---- {function} ");
                lines.extend(["".into(), format!("{heading:-<width$}")]);
            }
            if let Some(step) = &part.step {
                lines.push(String::new());
                lines.extend(wrapped(step, width));
            }
            lines.push(String::new());
            let [left, right] = row.map(|part| numbered(part, (width - GAP) / 2));
            lines.extend(side_by_side(&left, &right, width));
            let seen = calls.of(pair, part);
            lines.extend(seen.first().map(|_| String::new()));
            let seen = seen.iter().map(|call| format!("    {call}"));
            lines.extend(seen.flat_map(|call| wrapped(&call, width)));
        }
    }
    lines.join("\n") + "\n"
}

/// The lines of `part` in `width` columns, with their numbers.
fn numbered(part: Option<&Part>, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in part.map_or(&[][..], Part::shown) {
        let mut number = line.number.to_string();
        for piece in wrapped(&line.text, width - NUMBER - 1) {
            lines.push(format!("{number:>NUMBER$} {piece}"));
            number.clear();
        }
    }
    lines
}

fn side_by_side(left: &[String], right: &[String], width: usize) -> Vec<String> {
    let half = (width - GAP) / 2;
    let cell = |lines: &[String], row: usize| lines.get(row).cloned().unwrap_or_default();
    let rows = (0..left.len().max(right.len()))
        .map(|row| format!("{:<half$}{:GAP$}{}", cell(left, row), "", cell(right, row)));
    rows.map(|row| row.trim_end().to_string()).collect()
}
