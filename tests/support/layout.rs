//! Two lists, compared and side by side.

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
