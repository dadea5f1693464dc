//! The twins on the terminal: C left, Rust right, each step's words across.

use crate::counterparts::Twin;
use crate::kernel::{Calls, WHO};
use crate::source::Part;
use crate::support::wrapped;
use std::slice;

/// Columns between the twins, and those of a line's number.
const GAP: usize = 3;
const NUMBER: usize = 4;

/// All twins in lines of at most `width` columns; below a step of `serve`, its system calls.
pub fn columns(twins: &[Twin], calls: &Calls, width: usize) -> String {
    let mut lines = wrapped(
        &format!("Below each step of serve: what the kernel saw of it. {WHO}"),
        width,
    );
    for twin in twins {
        lines.push(String::new());
        lines.push("=".repeat(width));
        lines.extend(wrapped(
            &format!("{}: {}", twin.name, twin.purpose()),
            width,
        ));
        lines.push("=".repeat(width));
        lines.extend(side_by_side(
            slice::from_ref(&twin.c.path),
            slice::from_ref(&twin.rust.path),
            width,
        ));
        let mut function = "";
        for (c, rust) in twin.parts() {
            if c.function != function {
                function = &c.function;
                let heading = format!("---- {function} ");
                lines.extend(["".into(), format!("{heading:-<width$}")]);
            }
            if let Some(step) = &c.step {
                lines.push(String::new());
                lines.extend(wrapped(step, width));
            }
            lines.push(String::new());
            let [left, right] = [c, rust].map(|part| numbered(part, (width - GAP) / 2));
            lines.extend(side_by_side(&left, &right, width));
            let seen = calls.of(twin, c);
            if !seen.is_empty() {
                lines.push(String::new());
                lines.extend(
                    seen.iter()
                        .flat_map(|call| wrapped(&format!("    {call}"), width)),
                );
            }
        }
    }
    lines.join("\n") + "\n"
}

/// The lines of `part` in `width` columns, with their numbers.
fn numbered(part: &Part, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in part.shown() {
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
