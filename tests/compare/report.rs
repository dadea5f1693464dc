//! The report of `make compare`.

use crate::claims::{Claim, SLOW};
use crate::support::{Build, Result, in_order, release};
use std::collections::BTreeSet;

const HEAD: &str = "\
Claim ids: F Figure 12.1, T trouble, R remedy, C condition, K code.
Last column: does the page's claim hold on Linux? -: a check of our own.
";

const DIFFERS: &str = "
differs: a child that is killed closes its connection before the client does.
The connection stays in FIN_WAIT2 (60 s, tcp_fin_timeout) or, once the client
closes, in TIME_WAIT (60 s). Until then, bind without the option fails.";

/// Tries the rows with all builds, and prints the report. Returns the exit status.
pub fn report(rows: &[&Claim], columns: &[Build], print: &mut dyn FnMut(String)) -> u8 {
    print(format!("The page's claims on Linux {}\n{HEAD}", release()));
    let names = columns.iter().map(|build| build.name.clone());
    print(line("claim", names, "page"));

    let width = columns.len();
    let run = |number: usize| (rows[number / width].run)(&columns[number % width]);
    let mut sums = Sums::default();
    let mut cells = Vec::new();
    in_order(rows.len() * width, run, |number, cell| {
        cells.push(cell);
        if cells.len() == width {
            sums.print_row(rows[number / width], &cells, columns, print);
            cells.clear();
        }
    });
    sums.print(rows.iter().any(|claim| claim.text == SLOW), print);
    u8::from(sums.unexpected > 0)
}

fn line(text: &str, cells: impl Iterator<Item = String>, page: &str) -> String {
    let cells: String = cells.map(|cell| format!("{cell:<12}")).collect();
    format!("{text:<37}{cells}{page}")
}

/// Sums over the rows that have been printed.
#[derive(Default)]
struct Sums {
    /// The last cell of each row.
    pages: Vec<&'static str>,
    /// The page's claims.
    ids: BTreeSet<&'static str>,
    builds_differ: usize,
    unexpected: usize,
}

impl Sums {
    /// Prints a row. The two builds of this project decide whether the page's claim holds.
    fn print_row(
        &mut self,
        claim: &Claim,
        row: &[Result<String>],
        builds: &[Build],
        print: &mut dyn FnMut(String),
    ) {
        let expected = |value: &str| value == claim.linux || value == "-"; // -: not tried
        let (mut values, mut details) = (Vec::new(), Vec::new());
        for (cell, build) in row.iter().zip(builds) {
            let (value, detail) = match cell {
                Ok(text) => text.split_once('\n').unwrap_or((text, "")),
                Err(reason) => ("failed", &**reason),
            };
            let detail = match cell {
                Ok(text) if !expected(value) => {
                    format!(
                        "expected {}, seen {}",
                        claim.linux,
                        text.replace('\n', "; ")
                    )
                }
                Err(_) if claim.linux != "yes" => {
                    format!("expected {}, seen: {detail}", claim.linux)
                }
                _ => detail.to_string(),
            };
            values.push(value);
            if !detail.is_empty() {
                details.push((format!("{}: ", build.name), detail));
            }
        }

        let page = match claim.page {
            "" => "-",
            _ if !values[..2].iter().all(|value| expected(value)) => "?",
            page if page == claim.linux => "holds",
            _ => "differs",
        };
        self.pages.push(page);
        self.ids.extend(claim.text.get(..2).filter(|_| page != "-"));
        self.unexpected += values.iter().filter(|value| !expected(value)).count();
        let tried: BTreeSet<_> = values.iter().filter(|value| **value != "-").collect();
        self.builds_differ += usize::from(tried.len() > 1);

        let cells = values.iter().map(|value| {
            let mark = if expected(value) { "" } else { "!" };
            format!("{mark}{value}")
        });
        print(line(claim.text, cells, page));
        if details.len() > 1 && details.iter().all(|detail| detail.1 == details[0].1) {
            details.truncate(1);
            details[0].0.clear();
        }
        for (name, detail) in details {
            print(wrapped(&format!("{name}{detail}")));
        }
    }

    fn print(&self, slow: bool, print: &mut dyn FnMut(String)) {
        let count = |page| self.pages.iter().filter(|other| **other == page).count();
        let [holds, differs, undecided, own] = ["holds", "differs", "?", "-"].map(count);
        let rows = self.pages.len();
        if differs > 0 {
            print(DIFFERS.into());
        }
        if differs > 0 && !slow {
            print("make compare SLOW=1 restarts the server after TIME_WAIT as well.".into());
        }
        let agree = match self.builds_differ {
            0 => "the builds agree in all".to_string(),
            count => format!("the builds differ in {count}"),
        };
        let undecided = match undecided {
            0 => String::new(),
            count => format!(", {count} are undecided (?)"),
        };
        let (tested, claims) = (rows - own, self.ids.len());
        print(format!(
            "\n{rows} rows: {agree}. Of the {tested} rows on the page's {claims} claims,\n\
             {holds} hold and {differs} do not{undecided}; {own} rows are our own checks (-)."
        ));
        if self.unexpected > 0 {
            let count = self.unexpected;
            print(format!(
                "Unexpected cells (!): {count}; the reason is below each row."
            ));
        }
    }
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
