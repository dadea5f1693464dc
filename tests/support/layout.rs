//! Text in lines and columns, and lists that are compared.

/// The width in the environment variable COLUMNS, but at least 80.
pub fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").unwrap_or_default();
    columns.parse().unwrap_or(80).max(80)
}

/// `text` in lines of at most `width` columns, broken at spaces, or after a punctuation mark if a word is too
/// long. The lines after the first one are indented by four more columns.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    let mut rest: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    while rest.len() > width {
        let start = rest.iter().position(|c| *c != ' ').unwrap_or(0);
        let space = rest[..=width].iter().rposition(|c| *c == ' ');
        let mark = rest[..width].iter().rposition(|c| ":(),.={_/".contains(*c));
        let end = space
            .or(mark.map(|mark| mark + 1))
            .filter(|end| *end > start);
        let end = end.unwrap_or(width);
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

/// Two lists side by side, each in its order, so that the sum of the scores of the items side by side is
/// greatest. Items with a score of 0 are never side by side.
pub fn align<T>([one, other]: [Vec<T>; 2], score: impl Fn(&T, &T) -> usize) -> Vec<[Option<T>; 2]> {
    // From each pair of places on: the greatest sum, and the items that come first.
    let mut best = vec![vec![(0, [false; 2]); other.len() + 1]; one.len() + 1];
    for i in (0..=one.len()).rev() {
        for j in (0..=other.len()).rev() {
            let ways = [[false, true], [true, false], [true, true]];
            let ways = ways.into_iter().filter_map(|way| {
                let [down, right] = way.map(usize::from);
                let (rest, _) = best.get(i + down)?.get(j + right)?;
                let score = match way {
                    [true, true] => Some(score(&one[i], &other[j])).filter(|score| *score > 0)?,
                    _ => 0,
                };
                Some((rest + score, way))
            });
            best[i][j] = ways.max_by_key(|(sum, _)| *sum).unwrap_or_default();
        }
    }
    let (mut i, mut j, mut aligned) = (0, 0, Vec::new());
    let [mut one, mut other] = [one, other].map(|list| list.into_iter().peekable());
    while best[i][j].1 != [false; 2] {
        let [down, right] = best[i][j].1;
        aligned.push([one.next_if(|_| down), other.next_if(|_| right)]);
        (i, j) = (i + usize::from(down), j + usize::from(right));
    }
    aligned
}

/// Prints the calls of two programs in one list, in which those that only one of them makes have its name.
/// Returns how many those are.
pub fn print_calls(names: [&str; 2], calls: [&[String]; 2]) -> usize {
    let [one, other] = calls.map(|calls| calls.iter().collect());
    let mut different = 0;
    for row in align([one, other], |one, other| usize::from(one == other)) {
        let (name, call) = match row {
            [Some(call), Some(_)] => ("", call),
            [Some(call), None] => (names[0], call),
            [None, call] => (names[1], call.expect("one of both")),
        };
        println!("{name:>6}  {call}");
        different += usize::from(!name.is_empty());
    }
    different
}
