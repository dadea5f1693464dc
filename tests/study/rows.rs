//! The lines of C and Rust that correspond, and their colours.

use crate::counterparts::Pair;
use crate::source::{Line, Part};
use crate::support::align;
use std::collections::BTreeSet;

const KEYWORDS: &str = " bool break case char const continue default do else enum extern false fn \
    for if impl in int let long loop match mod mut pub return sizeof static struct switch true \
    unsigned use void while ";

/// The lines of a part in C and in Rust that correspond, with each argument of a system call that has
/// several in a line of its own.
pub fn rows(pair: &Pair, parts: [Option<&Part>; 2]) -> Vec<[Option<Line>; 2]> {
    let lines = parts.map(|part| part.map_or(&[][..], |part| &part.lines).iter());
    let split = |line| split(line, &pair.calls);
    align(
        lines.map(|lines| lines.flat_map(split).collect()),
        |c: &Line, rust: &Line| {
            let [one, other] = [c, rust].map(|line| {
                let words = line
                    .text
                    .split(|c| !is_word(c))
                    .filter(|word| !word.is_empty());
                words.collect::<BTreeSet<_>>()
            });
            let both = 200 * one.intersection(&other).count();
            usize::from(c.text == rust.text) + both / (one.len() + other.len()).max(1)
        },
    )
}

fn split(line: &Line, calls: &[String]) -> Vec<Line> {
    let text = &line.text;
    let several = |at: &usize| text[*at..].contains(", ") && !text[..*at].ends_with(is_word);
    let mut calls = calls.iter().map(|call| format!("{call}("));
    let open = calls.find_map(|call| Some(text.find(&call).filter(several)? + call.len()));
    let (head, arguments) = text.split_at(open.unwrap_or(text.len()));
    let mut depth = 0;
    let arguments = arguments.split_inclusive(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    });
    let number = line.number.clone();
    let mut lines = vec![Line {
        number,
        indent: line.indent,
        text: head.into(),
    }];
    lines.extend(arguments.map(|text| {
        let (number, indent) = (String::new(), line.indent + 4);
        Line {
            number,
            indent,
            text: text.trim_start().into(),
        }
    }));
    lines
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The kind of the piece at the beginning of `rest`, a class of style.css or nothing, and its length.
pub fn piece(before: &str, rest: &str, calls: &[String]) -> (&'static str, usize) {
    let word = |text: &str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    let (name, after) = rest.split_at(word(rest));
    let starts = |start: &str| rest.starts_with(start);
    // In C, a type in parentheses between an operator and its operand.
    let (inner, operand) = after
        .trim_start_matches('(')
        .split_once(')')
        .unwrap_or_default();
    let is_type = !inner.is_empty() && inner.chars().all(|c| is_word(c) || " *".contains(c));
    let cast = is_type && operand.starts_with(|c| is_word(c) || "&(".contains(c));
    let mut quotes = rest.match_indices('"').skip(1);
    match rest.as_bytes() {
        [b'/', b'/', ..] => ("comment", rest.len()),
        [b'/', b'*', ..] => ("comment", until("*/")),
        [b'*'] | [b'*', b' ' | b'/', ..] if before.is_empty() => ("comment", until("*/")),
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
        _ if starts("as ") => ("cast", 3 + word(&rest[3..])),
        _ if starts("cast()") && before.ends_with('.') => ("cast", 6),
        _ if after.starts_with('(') && calls.iter().any(|call| call == name) => {
            ("call", name.len())
        }
        _ if KEYWORDS.contains(&format!(" {name} ")) => ("word", name.len()),
        _ => ("", name.len()),
    }
}
