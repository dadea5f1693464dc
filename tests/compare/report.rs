//! The report of `make compare`.

use crate::claims::{Claim, SLOW};
use crate::support::*;

const HEAD: &str = "\
Claim ids: F Figure 12.1, T trouble, R remedy, C condition, K code.
Last column: does the page's claim hold on Linux? -: a check of our own.
";

const DIFFERS: &str = "
differs: a child that is killed closes its connection before the client does.
The connection stays in FIN_WAIT2 (60 s, tcp_fin_timeout) or, once the client
closes, in TIME_WAIT (60 s). Until then, bind without the option fails.";

/// Tries the rows with all builds, and prints the report. Returns the exit status.
pub fn report(rows: &[&Claim], builds: &[Build], print: &mut dyn FnMut(String)) -> u8 {
    print(format!("The page's claims on Linux {}\n{HEAD}", release()));
    let names: Vec<String> = builds.iter().map(|build| build.name.clone()).collect();
    print(line("claim", &names, "page"));

    let width = builds.len();
    let run = |number: usize| (rows[number / width].run)(&builds[number % width]);
    let (mut results, mut printed) = (Vec::new(), Vec::new());
    in_order(rows.len() * width, run, |number, result| {
        results.push(result);
        if results.len() == width {
            let results = mem::take(&mut results);
            printed.push(print_row(rows[number / width], &results, builds, print));
        }
    });

    let count = |page| printed.iter().filter(|(_, other)| *other == page).count();
    let [holds, differs, undecided, own] = ["holds", "differs", "?", "-"].map(count);
    if differs > 0 {
        print(DIFFERS.into());
        if rows.iter().all(|claim| claim.text != SLOW) {
            print("make compare SLOW=1 restarts the server after TIME_WAIT as well.".into());
        }
    }
    let tried = printed
        .iter()
        .map(|(cells, _)| cells.iter().filter(|cell| *cell != "-"));
    let agree = match tried
        .filter(|cells| BTreeSet::from_iter(cells.clone()).len() > 1)
        .count()
    {
        0 => "the builds agree in all".to_string(),
        count => format!("the builds differ in {count}"),
    };
    let undecided = match undecided {
        0 => String::new(),
        count => format!(", {count} are undecided (?)"),
    };
    let claims = rows.iter().filter(|claim| !claim.page.is_empty());
    let ids = claims.map(|claim| &claim.text[..2]);
    let (rows, tested) = (rows.len(), rows.len() - own);
    print(format!(
        "\n{rows} rows: {agree}. Of the {tested} rows on the page's {} claims,\n\
         {holds} hold and {differs} do not{undecided}; {own} rows are our own checks (-).",
        BTreeSet::from_iter(ids).len()
    ));
    let cells = printed.iter().flat_map(|(cells, _)| cells);
    let unexpected = cells.filter(|cell| cell.starts_with('!')).count();
    if unexpected > 0 {
        let reasons = "the reason is below each row";
        print(format!("Unexpected cells (!): {unexpected}; {reasons}."));
    }
    u8::from(unexpected > 0)
}

fn line(text: &str, cells: &[String], page: &str) -> String {
    let cells: String = cells.iter().map(|cell| format!("{cell:<12}")).collect();
    format!("{text:<37}{cells}{page}")
}

/// Prints a row. Returns its cells, of which the last one is separate: the two builds of this project decide
/// whether the page's claim holds.
fn print_row(
    claim: &Claim,
    results: &[Result<String>],
    builds: &[Build],
    print: &mut dyn FnMut(String),
) -> (Vec<String>, &'static str) {
    let (mut cells, mut details) = (Vec::new(), Vec::new());
    for (result, build) in results.iter().zip(builds) {
        let failed = |reason| format!("failed\n{reason}");
        let seen = result.as_ref().map_or_else(failed, String::clone);
        let (value, detail) = seen.split_once('\n').unwrap_or((&seen, ""));
        let unexpected = ![claim.linux, "-"].contains(&value); // -: not tried
        let mut detail = detail.to_string();
        if unexpected && claim.linux != "yes" {
            detail = format!(
                "expected {}, seen {}",
                claim.linux,
                seen.replace('\n', "; ")
            );
        }
        cells.push(format!("{}{value}", if unexpected { "!" } else { "" }));
        if !detail.is_empty() {
            details.push((format!("{}: ", build.name), detail));
        }
    }
    let page = match claim.page {
        "" => "-",
        _ if cells[..2].iter().any(|cell| cell.starts_with('!')) => "?",
        page if page == claim.linux => "holds",
        _ => "differs",
    };
    print(line(claim.text, &cells, page));
    if details.len() > 1 && details.iter().all(|detail| detail.1 == details[0].1) {
        details.truncate(1);
        details[0].0.clear();
    }
    for (name, detail) in details {
        print(wrapped(&format!("{name}{detail}")));
    }
    (cells, page)
}

/// `text` below a row: in lines of at most 80 columns if its words are short, the first one indented least.
fn wrapped(text: &str) -> String {
    let mut lines = vec!["     ".to_string()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("the first line");
        if last.len() + word.len() < 80 {
            *last += &format!(" {word}");
        } else {
            lines.push(format!("          {word}"));
        }
    }
    lines.join("\n")
}
