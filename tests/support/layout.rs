//! Text in lines and columns, for the reports.

/// The width in the environment variable COLUMNS, but at least 80.
pub fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").unwrap_or_default();
    columns.parse().unwrap_or(80).max(80)
}

/// `text` in lines of at most `width` columns, broken at spaces where possible. The lines after the first
/// one are indented by four more columns.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    let mut rest: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    while rest.len() > width {
        let start = rest.iter().position(|c| *c != ' ').unwrap_or(0);
        let space = rest[..=width].iter().rposition(|c| *c == ' ');
        let end = space.filter(|space| *space > start).unwrap_or(width);
        lines.push(rest[..end].iter().collect());
        let further = " ".repeat((indent + 4).min(width / 2));
        let left: String = rest[end..].iter().collect();
        rest = (further + left.trim_start()).chars().collect();
    }
    lines.push(rest.iter().collect());
    lines
}

/// The width of a column where two of them are side by side in `width` columns.
pub fn half(width: usize) -> usize {
    (width - 3) / 2
}

/// `left` beside `right`, in lines of at most `width` columns, with three spaces between them.
pub fn side_by_side(left: &[String], right: &[String], width: usize) -> Vec<String> {
    let half = half(width);
    let cell = |lines: &[String], row: usize| lines.get(row).cloned().unwrap_or_default();
    let rows = (0..left.len().max(right.len()))
        .map(|row| format!("{:<half$}   {}", cell(left, row), cell(right, row)));
    rows.map(|row| row.trim_end().to_string()).collect()
}

/// Prints two calls side by side, marked with ! if they differ.
pub fn print_row(left: &str, right: &str) {
    let width = terminal_width() - 2;
    let mark = if left == right { ' ' } else { '!' };
    let [left, right] = [left, right].map(|call| wrapped(call, half(width)));
    for line in side_by_side(&left, &right, width) {
        println!("{mark} {line}");
    }
}

/// The first place at which two lists differ, and what is there.
pub fn first_difference<'a>(
    one: &'a [impl AsRef<str>],
    other: &'a [impl AsRef<str>],
) -> Option<(usize, [&'a str; 2])> {
    let at = |place| {
        let one = one.get(place).map_or("nothing", AsRef::as_ref);
        [one, other.get(place).map_or("nothing", AsRef::as_ref)]
    };
    let mut places = (0..one.len().max(other.len())).map(|place| (place, at(place)));
    places.find(|(_, [one, other])| one != other)
}
