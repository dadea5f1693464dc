//! The lines of C and Rust that correspond, side by side on the terminal, and their colours.

use crate::counterparts::{Line, Pair, Part};
use crate::story::Calls;
use crate::support::{align, half, side_by_side, wrapped};
use std::{collections::BTreeSet, iter};

const KEYWORDS: &str = " bool break case char const continue default do else enum false fn for if int \
    let loop match mut pub return sizeof static struct switch true unsigned use void while ";

/// The pair in lines of at most `width` columns, with the system calls below each step of `serve`.
pub fn columns(pair: &Pair, calls: &Calls, width: usize) -> String {
    let mut lines = wrapped(&format!("{}: {}", pair.name, pair.purpose()), width);
    let [c, rust] = pair
        .paths
        .each_ref()
        .map(|path| vec![format!("     {path}")]);
    lines.extend(side_by_side(&c, &rust, width));
    for row in pair.rows() {
        let part = row[0].or(row[1]).expect("one of both");
        lines.push(String::new());
        lines.extend(wrapped(&part.heading, width));
        for row in rows(pair, row) {
            let [c, rust] = row.map(|line| numbered(line, half(width)));
            lines.extend(side_by_side(&c, &rust, width));
        }
        let step = part.number().filter(|_| pair.name == "serve");
        for call in step.iter().filter_map(|step| calls.get(step)).flatten() {
            lines.extend(wrapped(&format!("     {call}"), width));
        }
    }
    lines.join("\n") + "\n"
}

/// A line in `width` columns with its number. Where there is little room, it is indented by half.
fn numbered(line: Option<Line>, width: usize) -> Vec<String> {
    let (number, text) = line.unwrap_or_default();
    let left_out = if width < 60 { indent(&text) / 2 } else { 0 };
    let numbers = iter::once(number).chain(iter::repeat(String::new()));
    let pieces = numbers.zip(wrapped(&text[left_out..], width - 5));
    let line = |(number, piece)| format!("{number:>4} {piece}");
    pieces.map(line).collect()
}

/// The lines of a part in C and in Rust that correspond.
pub fn rows(pair: &Pair, parts: [Option<&Part>; 2]) -> Vec<[Option<Line>; 2]> {
    let calls = pair.calls();
    let lines = parts.map(|part| part.map_or(&[][..], |part| &part.lines));
    let lines = lines.map(|lines| {
        let end = lines.iter().rposition(|(_, text)| !text.is_empty());
        let lines = lines.iter().take(end.map_or(0, |last| last + 1));
        lines.flat_map(|line| split(line, &calls)).collect()
    });
    align(lines, |(_, c): &Line, (_, rust): &Line| {
        let [one, other] = [c, rust].map(|text| {
            let words = text.split(|c| !is_word(c));
            BTreeSet::from_iter(words.filter(|word| !word.is_empty()))
        });
        let both = 200 * one.intersection(&other).count();
        usize::from(c.trim() == rust.trim()) + both / (one.len() + other.len()).max(1)
    })
}

/// The line, with one line for each argument of a system call that has several.
fn split((number, text): &Line, calls: &[&str]) -> Vec<Line> {
    let ends_word = |before: &str| before.ends_with(is_word) || before.contains('/');
    let several = |at: &usize| text[*at..].contains(", ") && !ends_word(&text[..*at]);
    let mut calls = calls.iter().map(|call| format!("{call}("));
    let open = calls.find_map(|call| Some(text.find(&call).filter(several)? + call.len()));
    let (head, arguments) = text.split_at(open.unwrap_or(text.len()));
    let mut depth = 0;
    let arguments = arguments.split_inclusive(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    });
    let indent = " ".repeat(indent(text) + 4);
    let arguments = arguments.map(|text| (String::new(), indent.clone() + text.trim_start()));
    let head = (number.clone(), head.to_string());
    [head].into_iter().chain(arguments).collect()
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
