//! The study pages, each a self-contained file of HTML.

use crate::columns::{indent, piece, rows};
use crate::counterparts::{Line, Pair, Part};
use crate::readme::{IDS, PORTING};
use crate::story::{Calls, Moment, leave_out, run_remains, run_story};
use crate::support::{Result, builds, read_file, release};
use std::{collections::BTreeMap, fmt::Display};

/// A page with the heading `title`, which `body` follows.
fn page(title: &str, body: &str) -> String {
    let style = include_str!("style.css");
    format!(
        r##"<!DOCTYPE html>
<html lang="en"><head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} in C and in Rust</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<h1>{title} in C and in Rust</h1>
{body}</main>
<footer>The page of the book, its story and the names of its variables are Warren W. Gay’s: <cite>Linux Socket
Programming by Example</cite>, chapter 12, “Setting the SO_REUSEADDR Option”. Made by <code>make study</code>.</footer></body></html>
"##
    )
}

/// The page of a pair other than `serve`.
pub fn other(pair: &Pair) -> String {
    let (purpose, code) = (prose(pair.purpose()), code(pair, |_| String::new()));
    let purpose = purpose.replace("\"#", "\"../study.html#");
    let back = "<a href=\"../study.html\">Back to serve</a>";
    let body = format!("<p>{purpose} {back}</p>\n<main id=\"content\">\n{code}");
    page(&pair.name, &body)
}

/// The page of `serve`, the first of `pairs`: the restart, what remains, the code, and the claims.
pub fn serve(pairs: &[Pair], calls: &Calls, claims: &[[String; 4]]) -> Result<String> {
    let (notes, rust, release) = (notes(&pairs[0])?, &builds()[1], release());
    let (mut moments, mut remains, mut outcomes) = (String::new(), String::new(), String::new());
    for (at, moment) in (1..).zip(run_story(rust)?) {
        moments += &figure(&notes[&format!("M{at}")], at, moment);
    }
    let without = run_remains(rust, false)?;
    for (without, with) in without.iter().zip(run_remains(rust, true)?) {
        let cells = without.join("</td><td>");
        remains += &format!("<tr><td>{cells}</td><td>{}</td></tr>\n", with[3]);
    }
    for [id, words, steps, outcome] in claims {
        let steps = steps.split(", ").map(step_link).collect();
        let cells = [id.clone(), prose(words), steps, prose(outcome)].join("</td><td>");
        outcomes += &format!("<tr id=\"{id}\"><td>{cells}</td></tr>\n");
    }
    let below = |step| kernel(&calls[&step]) + &notes[&step.to_string()];
    let code = code(&pairs[0], below);
    let steps: String = calls.keys().map(step_link).collect();
    let link = |pair: &Pair| format!("<a href=\"study/{}\">{}</a>\n", pair.page(), pair.name);
    let (files, left) = (pairs[1..].iter().map(link).collect::<String>(), &notes["R"]);
    let body = format!(
        r##"<p>A forking server is killed while its child process still serves a client. Its restart fails, unless
SO_REUSEADDR is set. The server is shown in C and in Rust, with the same functions, the same numbered steps and
the same system calls. (F1) ... (K2) are the <a href="#claims">claims</a> of the page. Run on Linux {release}.</p>
<nav aria-label="This page"><a href="#restart">Restart</a> <a href="#remains">After the kill</a> <span>Steps</span>
{steps}<a href="#claims">Claims</a> <a href="#files">Files</a></nav>
<main id="content">
<h2 id="restart">The restart, as run on this machine</h2>
<div class="moments">
{moments}</div>
<h2 id="remains">After a child is killed</h2>
{left}<table>
<thead><tr><td></td><th scope="col">Server’s end</th><th scope="col">Client’s end</th>
<th scope="col">Restart without the option</th><th scope="col">Restart with it</th></tr></thead>
{remains}</table>
<h2>The server, step by step</h2>
<p>Lines side by side correspond; on a narrow screen, choose C or Rust. Marked are <b class="call">system calls</b>, <b class="unsafe">unsafe</b> and
<b class="cast">casts</b>. Below a step are its system calls, as strace recorded them, the same in both builds.
SERVER is the server; OLD is its child process for the first client, which still runs when the server is killed.
REFUSED is a restart without SO_REUSEADDR, and GRANTED one with it. Descriptor 3 is <code>s</code>, and 4 is
<code>c</code>. ADDRESS is the server’s address, OLD-PORT the client’s port, and LENGTH the length of the text.
“Porting” marks rows of <a href="../src/porting/README.md">the porting reference</a>.</p>
{code}<h2 id="claims">The page’s claims, as <code>make compare</code> tries them in both builds</h2>
<table>
<thead><tr><td></td><th scope="col">Claim</th><th scope="col">Steps</th><th scope="col">On Linux</th></tr></thead>
{outcomes}</table>
<h2 id="files">The other files, and small programs for porting</h2>
<p>{files}</p>
"##
    );
    Ok(page("SO_REUSEADDR in a forking server,", &body))
}

fn step_link(step: impl Display) -> String {
    format!("<a href=\"#step-{step}\">{step}</a>\n")
}

/// The notes on the steps, and others, as HTML. "Run without `CODE`:" gets its result.
fn notes(serve: &Pair) -> Result<BTreeMap<String, String>> {
    let file = read_file("tests/study/notes.md")?.replace("\n    ", " ");
    let mut notes = BTreeMap::new();
    for (key, note) in file.lines().filter_map(|line| line.split_once(". ")) {
        let mut note = note.to_string();
        if let Ok(step) = key.parse() {
            let mut steps = serve.parts[0].iter().filter_map(Part::number);
            if !steps.any(|known| known == step) {
                return Err(format!("notes.md: serve has no step {step}"));
            }
        }
        if let Some((_, code)) = note.split_once("Run without `") {
            note = format!("{note} {}", leave_out(code.trim_end_matches("`:"))?);
        }
        notes.insert(key.to_string(), format!("<p>{}</p>\n", prose(&note)));
    }
    Ok(notes)
}

/// A moment of Figure 12.1. The note is its title, the relation of server and child, and what to see.
fn figure(note: &str, at: usize, (facts, calls): Moment) -> String {
    let mut note = note.trim_start_matches("<p>").splitn(3, "; ");
    let [title, relation, words] = [(); 3].map(|()| note.next().unwrap_or_default());
    let mut html = format!("<section class=\"moment-{at}\">\n<h3>{at}. {title}</h3>\n<ol>\n");
    let roles = ["Server", "Child", "Client"].iter();
    for ((role, relation), facts) in roles.zip(["", relation, "connection"]).zip(facts) {
        let facts = facts.join("</span>\n<span>");
        html += &format!("<li><i>{relation}&nbsp;</i>\n<div><b>{role}</b>\n");
        html += &format!("<span>{facts}</span></div></li>\n");
    }
    html + &format!("</ol>\n<p>{words}{}</section>\n", kernel(&calls))
}

/// System calls; those that fail are marked.
fn kernel(calls: &[String]) -> String {
    let mut html = String::new();
    for call in calls {
        let fails = ["", " fail"][usize::from(call.contains(" = -1 "))];
        html += &format!("<span class=\"line{fails}\">{}\n</span>", escaped(call));
    }
    format!("<pre class=\"kernel\">{html}</pre>\n").replace("<pre class=\"kernel\"></pre>\n", "")
}

/// A file in both languages, with `below` each step, and the heads last.
fn code(pair: &Pair, below: impl Fn(usize) -> String) -> String {
    let steps = pair.parts[1].iter().filter_map(Part::number).count();
    let mut html = String::new();
    for (index, row) in pair.rows().into_iter().enumerate() {
        let part = row[0].or(row[1]).expect("one of both");
        let heading = prose(&part.heading);
        html += &match part.number() {
            None => format!("<section>\n<h3>{heading}</h3>\n"),
            Some(step) => format!("<section>\n<h4 id=\"step-{step}\">{heading}</h4>\n"),
        };
        let step = part.number().unwrap_or(steps + 2);
        for (to, word) in [(step + 1, "Next step"), (step - 1, "previous step")] {
            if (1..=steps).contains(&to) {
                html += &format!("<a class=\"turn\" href=\"#step-{to}\">{word}</a>\n");
            }
        }
        let (columns, traps) = (columns(pair, row, index), traps(pair, row[1]));
        let more = part.number().map_or(String::new(), &below);
        html += &format!("{columns}<div class=\"below\">\n{more}{traps}</div>\n</section>\n");
    }
    html
}

/// The rows of the porting reference that link to a line of `part` in Rust.
fn traps(pair: &Pair, part: Option<&Part>) -> String {
    let file = format!("../{}.rs", pair.name).replace("../porting/", "");
    let (mut html, table) = (String::new(), read_file(PORTING).unwrap_or_default());
    for (number, _) in part.iter().flat_map(|part| &part.lines) {
        let link = format!("]({file}#L{number})");
        for row in table.lines().filter(|row| row.contains(&link)) {
            let cells = row.trim_matches(['|', ' ']).split(" | ");
            let cells = cells.filter_map(|cell| cell.trim_start_matches('[').split("](").next());
            let cells: Vec<String> = cells.map(prose).collect();
            html += &format!("<p class=\"trap\">{}</p>\n", cells.join(" → "));
        }
    }
    html
}

/// The lines of a part in C and Rust; on a narrow screen, the reader chooses one language.
fn columns(pair: &Pair, parts: [Option<&Part>; 2], id: usize) -> String {
    let (mut choice, mut html, rows) = (String::new(), String::new(), rows(pair, parts));
    let calls = pair.calls();
    for (side, (language, class)) in [("C", "c"), ("Rust", "rust")].into_iter().enumerate() {
        let mut lines = String::new();
        for (row, both) in (2..).zip(&rows) {
            let line = both[side].iter();
            lines.extend(line.map(|line| code_line(row, line, &calls)));
        }
        let checked = ["", " checked"][side];
        choice += "<input type=\"radio\"";
        choice += &format!(" name=\"{id}\" id=\"{class}-{id}\" class=\"{class}\"{checked}>");
        choice += &format!("<label for=\"{class}-{id}\">{language}</label>\n");
        html += &format!("<pre class=\"{class}\" data-title=\"{language}\">{lines}</pre>\n");
    }
    let count = rows.len() + 1;
    format!("{choice}<div class=\"columns\" style=\"--rows:{count}\">\n{html}</div>\n")
}

/// A line in its row; where it is too long, it continues with a deeper indent.
fn code_line(row: usize, (number, text): &Line, calls: &[&str]) -> String {
    let (indent, mut at) = (indent(text), 0);
    let mut html = format!("<span class=\"line\" style=\"--row:{row};--in:{indent}\"");
    html += &format!(" data-number=\"{number}\">");
    while at < text.len() {
        let (kind, length) = piece(&text[..at], &text[at..], calls);
        let piece = escaped(&text[at..at + length]);
        html += &match kind {
            "" => piece,
            kind => format!("<b class=\"{kind}\">{piece}</b>"),
        };
        at += length;
    }
    // The newline is inside the span, so that it is copied and does not add an empty line.
    html + "\n</span>"
}

/// Text of Markdown: code is marked, and the claims in parentheses become links.
fn prose(text: impl AsRef<str>) -> String {
    let mut html = escaped(text.as_ref());
    while html.contains('`') {
        html = html.replacen('`', "<code>", 1).replacen('`', "</code>", 1);
    }
    for (id, before) in IDS.iter().flat_map(|id| [(id, "("), (id, ", ")]) {
        let link = format!("{before}<a href=\"#{id}\">{id}</a>");
        html = html.replace(&format!("{before}{id}"), &link);
    }
    html.replace("in step 2", "in <a href=\"#step-2\">step 2</a>")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
