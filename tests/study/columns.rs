//! The pairs on the terminal: C left, Rust right, the text of each step across.

use crate::counterparts::Pair;
use crate::kernel::{Calls, WHO};
use crate::source::Part;
use crate::support::{half, side_by_side, wrapped};
use std::slice;

/// Columns of a line's number.
const NUMBER: usize = 4;

/// All pairs in lines of at most `width` columns; below a step of `serve`, its system calls.
pub fn columns(pairs: &[Pair], calls: &Calls, width: usize) -> String {
    let head = "Below each step of serve: its system calls, as the kernel saw them.";
    let mut lines = wrapped(&format!("{head} {WHO}"), width);
    for pair in pairs {
        let title = format!("{}: {}", pair.name, pair.purpose());
        lines.extend([String::new(), "=".repeat(width)]);
        lines.extend(wrapped(&title, width));
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
            let [left, right] = row.map(|part| numbered(part, half(width)));
            lines.extend(side_by_side(&left, &right, width));
            for (index, call) in calls.of(pair, part).iter().enumerate() {
                lines.extend((index == 0).then(String::new));
                lines.extend(wrapped(&format!("    {call}"), width));
            }
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
