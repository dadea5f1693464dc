//! The lines of C and Rust that correspond, and their colours.

use super::counterparts::{Line, Part};
use crate::support::align;
use std::collections::BTreeSet;

const KEYWORDS: &str = " bool break case char const continue default do else enum false fn for if int \
    let loop match mut pub return sizeof static struct switch true unsigned use void while ";

/// The lines of a part in C and in Rust that correspond.
pub fn rows(parts: [Option<&Part>; 2]) -> Vec<[Option<&Line>; 2]> {
    let lines = parts.map(|part| {
        let lines = part.map_or(&[][..], |part| &part.lines);
        let end = lines.iter().rposition(|(_, text)| !text.is_empty());
        lines.iter().take(end.map_or(0, |last| last + 1)).collect()
    });
    align(lines, |(_, c), (_, rust)| {
        let [one, other] = [c, rust].map(|text| {
            let words = text.split(|c| !is_word(c));
            BTreeSet::from_iter(words.filter(|word| !word.is_empty()))
        });
        let both = 200 * one.intersection(&other).count();
        usize::from(c.trim() == rust.trim()) + both / (one.len() + other.len()).max(1)
    })
}

/// The number of spaces at the start of a line.
pub fn indent(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The kind of the piece at the beginning of `rest`, a class of style.css or nothing, and its length.
pub fn piece(before: &str, rest: &str, calls: &[&str]) -> (&'static str, usize) {
    let word = |text: &str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    let (name, after) = rest.split_at(word(rest));
    // In C, a type in parentheses between an operator and its operand.
    let (inner, operand) = rest.split_once(')').unwrap_or_default();
    let is_type = inner.len() > 1 && inner.chars().all(|c| is_word(c) || "( *".contains(c));
    let cast = is_type && operand.starts_with(|c| is_word(c) || "&(".contains(c));
    let is_call = calls.contains(&name);
    let mut quotes = rest.match_indices('"').skip(1);
    match rest.as_bytes() {
        [b'/', b'/', ..] => ("comment", rest.len()),
        [b'/', b'*', ..] => ("comment", until("*/")),
        [b'*'] | [b'*', b' ' | b'/', ..] if before.trim().is_empty() => ("comment", until("*/")),
        [b'"', ..] => {
            let end = quotes.find(|(at, _)| !rest[..*at].ends_with('\\'));
            ("text", end.map_or(rest.len(), |(at, _)| at + 1))
        }
        // A lifetime has no second quote at that place.
        [b'\'', b'\\', _, b'\'', ..] => ("text", 4),
        [b'\'', _, b'\'', ..] => ("text", 3),
        [b'(', ..] if cast && !before.ends_with(is_word) => ("cast", until(")")),
        _ if name.is_empty() => ("", rest.chars().next().map_or(1, char::len_utf8)),
        _ if name == "unsafe" => ("unsafe", name.len()),
        _ if rest.starts_with("as ") => ("cast", 3 + word(&rest[3..])),
        _ if rest.starts_with("cast()") => ("cast", 6),
        _ if after.starts_with('(') && is_call => ("call", name.len()),
        _ if KEYWORDS.contains(&format!(" {name} ")) => ("word", name.len()),
        _ => ("", name.len()),
    }
}
