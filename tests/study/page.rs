//! The study pages, each a self-contained file of HTML.

use crate::counterparts::Pair;
use crate::kernel::{Calls, WHO};
use crate::readme::IDS;
use crate::rows::{indent, piece, rows};
use crate::source::{Line, Part, read};
use crate::story::{Moment, leave_out, run_remains, run_story};
use crate::support::{Result, builds, release, text};
use std::collections::BTreeMap;

/// A page, in which `body` follows the title.
fn page(name: &str, body: &str) -> String {
    let style = include_str!("style.css");
    format!(
        r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} in C and in Rust, side by side</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<h1>{name} in C and in Rust, side by side</h1>
{body}<footer>
<p>The page of the book, its story and the names of its variables are Warren W. Gay’s: <cite>Linux Socket Programming
by Example</cite>, chapter 12, “Setting the SO_REUSEADDR Option”. This page is made by <code>make study</code>.</p>
</footer>
</body>
</html>
"##
    )
}

/// The page of a pair other than `serve`.
pub fn other(pair: &Pair) -> String {
    let (purpose, code) = (escaped(&pair.purpose()), code(pair, |_| String::new()));
    let back = "<a href=\"../study.html\">Back to serve</a>";
    let body = format!("<p>{purpose} {back}</p>\n<main id=\"content\">\n{code}</main>\n");
    page(&pair.name, &body)
}

/// The page of `serve`, the first of `pairs`: the restart, what remains, the code, and the claims.
pub fn serve(pairs: &[Pair], calls: &Calls, claims: &[[String; 4]]) -> Result<String> {
    let (notes, rust) = (notes(&pairs[0])?, &builds()[1]);
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
        let steps: String = steps.split(", ").map(step_link).collect();
        let cells = [id.clone(), prose(words), steps, prose(outcome)].join("</td><td>");
        outcomes += &format!("<tr id=\"{id}\"><td>{cells}</td></tr>\n");
    }
    let code = code(&pairs[0], |step| {
        let note = notes.get(&step.to_string()).map_or("", |note| note);
        let calls = kernel(&calls[&step]);
        format!("<div class=\"below\">\n{calls}<p>{note}</p>\n</div>\n")
    });
    let steps = calls.keys().map(|step| step_link(&step.to_string()));
    let steps: String = steps.collect();
    let link = |pair: &Pair| format!("<a href=\"study/{}\">{}</a>\n", pair.page(), pair.name);
    let files: String = pairs[1..].iter().map(link).collect();
    let (release, left, who) = (release(), &notes["R"], escaped(WHO));
    let body = format!(
        r##"<p>A forking server is killed while its child process still serves a client. Its restart fails, unless
SO_REUSEADDR is set. The server is shown in C and in Rust, with the same functions, the same numbered steps and
the same system calls. Run on Linux {release}.</p>
<nav class="bar" aria-label="This page">
<a href="#restart">Restart</a> <a href="#remains">After the kill</a> <span>Steps</span>
{steps}<a href="#claims">Claims</a> <a href="#files">Files</a>
</nav>
<main id="content">
<h2 id="restart">The restart, as run on this machine</h2>
<div class="moments">
{moments}</div>
<h2 id="remains">In the minute after a child is killed</h2>
<p>{left}</p>
<table>
<thead><tr><td></td><th scope="col">Server’s end</th><th scope="col">Client’s end</th>
<th scope="col">Restart without SO_REUSEADDR</th><th scope="col">Restart with it</th></tr></thead>
<tbody>
{remains}</tbody>
</table>
<h2 id="step-0">The server, step by step</h2>
<p>Lines side by side correspond. Marked are <b class="call">system calls</b>, <b class="unsafe">unsafe</b> and
<b class="cast">casts</b>. Below a step are its system calls, as strace recorded them, the same in both builds.
{who}</p>
{code}<h2 id="claims">The page’s claims</h2>
<p>Each is tried by <code>make compare</code>, in both builds.</p>
<table>
<thead><tr><td></td><th scope="col">Claim</th><th scope="col">Steps</th><th scope="col">On Linux</th></tr></thead>
<tbody>
{outcomes}</tbody>
</table>
<h2 id="files">The other files</h2>
<p>{files}</p>
</main>
"##
    );
    Ok(page("serve", &body))
}

fn step_link(step: &str) -> String {
    format!("<a href=\"#step-{step}\">{step}</a>\n")
}

/// The notes on the steps, and others, as HTML. To one that ends in "`CODE`:", a run without it is added.
fn notes(serve: &Pair) -> Result<BTreeMap<String, String>> {
    let file = read("tests/study/notes.md")?.replace("\n    ", " ");
    let mut notes = BTreeMap::new();
    for (key, note) in file.lines().filter_map(|line| line.split_once(". ")) {
        let mut note = note.to_string();
        if let Ok(step) = key.parse() {
            let part = serve
                .c
                .parts
                .iter()
                .find(|part| part.number() == Some(step));
            let part = part.ok_or(format!("notes.md: serve has no step {step}"))?;
            for (number, code) in &part.lines {
                if note.ends_with(&format!("`{}`:", code.trim())) {
                    note = format!("{note} {}", leave_out(number.parse().map_err(text)?)?);
                }
            }
        }
        notes.insert(key.to_string(), prose(&note));
    }
    Ok(notes)
}

/// A moment of Figure 12.1. The note is its title, the relation of server and child, and what to see.
fn figure(note: &str, at: usize, (facts, calls): Moment) -> String {
    let mut note = note.splitn(3, "; ");
    let [title, relation, words] = [(); 3].map(|()| note.next().unwrap_or_default());
    let mut boxes = String::new();
    let roles = [
        ("Server", ""),
        ("Child", relation),
        ("Client", "connection"),
    ];
    for ((role, relation), facts) in roles.iter().zip(facts) {
        let facts = facts.join("</span>\n<span>");
        boxes += &format!(
            "<li><i>{relation}&nbsp;</i>\n<div><b>{role}</b>\n<span>{facts}</span></div></li>\n"
        );
    }
    let calls = kernel(&calls);
    format!(
        "<section class=\"moment-{at}\">\n<h3>{at}. {title}</h3>\n<ol>\n{boxes}</ol>\n<p>{words}</p>\n{calls}</section>\n"
    )
}

/// System calls; those that fail are marked.
fn kernel(calls: &[String]) -> String {
    let mut html = String::new();
    for call in calls {
        let fails = ["", " fail"][usize::from(call.contains(" = -1 "))];
        html += &format!("<span class=\"line{fails}\">{}\n</span>", escaped(call));
    }
    format!("<pre class=\"kernel\">{html}</pre>\n")
}

/// A file in both languages, with `below` each step, and the heads last.
fn code(pair: &Pair, below: impl Fn(usize) -> String) -> String {
    let (mut html, mut function, mut parts) = (String::new(), "", pair.parts());
    parts.rotate_left(1);
    for (index, row) in parts.into_iter().enumerate() {
        let part = row[0].or(row[1]).expect("one of both");
        if part.function != function {
            function = &part.function;
            html += &format!("<h3><code>{function}</code></h3>\n");
        }
        html += "<section class=\"step\">\n";
        if let (Some(step), Some(text)) = (part.number(), &part.step) {
            let (text, next, previous) = (prose(text), step + 1, step - 1);
            html += &format!("<h4 id=\"step-{step}\">{text}</h4>\n<p class=\"turn\">");
            html += &format!("<a href=\"#step-{next}\">Next step</a>\n");
            html += &format!("<a href=\"#step-{previous}\">previous step</a></p>\n");
        }
        html += &columns(pair, row, index);
        html += &(part.number().map_or(String::new(), &below) + "</section>\n");
    }
    html
}

/// The lines of a part in C and Rust; on a narrow screen, the reader chooses one language.
fn columns(pair: &Pair, parts: [Option<&Part>; 2], id: usize) -> String {
    let (mut choice, mut html, rows) = (String::new(), String::new(), rows(pair, parts));
    for (side, (language, class)) in [("C", "c"), ("Rust", "rust")].into_iter().enumerate() {
        let lines = (1..)
            .zip(&rows)
            .filter_map(|(row, both)| Some((row, both[side].as_ref()?)));
        let lines: String = lines
            .map(|(row, line)| code_line(row, line, &pair.calls))
            .collect();
        let checked = ["", " checked"][side];
        choice += &format!(
            "<input type=\"radio\" id=\"{class}-{id}\" name=\"show-{id}\" class=\"{class}\"{checked}>"
        );
        choice += &format!("<label for=\"{class}-{id}\">{language}</label>\n");
        html += &format!(
            "<p class=\"{class}\">{language}</p>\n<pre class=\"{class}\"><code>{lines}</code></pre>\n"
        );
    }
    let count = rows.len();
    format!("{choice}<div class=\"columns\" style=\"--rows:{count}\">\n{html}</div>\n")
}

/// A line in its row; where it is too long, it continues with a deeper indent.
fn code_line(row: usize, (number, text): &Line, calls: &[String]) -> String {
    let (mut html, mut at, indent) = (String::new(), 0, indent(text));
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
    format!(
        "<span class=\"line\" style=\"--row:{row};--in:{indent}\" data-number=\"{number}\">{html}\n</span>"
    )
}

/// Text of Markdown: code is marked, and claims become links.
fn prose(text: &str) -> String {
    let mut html = escaped(text);
    while html.contains('`') {
        html = html.replacen('`', "<code>", 1).replacen('`', "</code>", 1);
    }
    for id in IDS {
        html = html.replace(id, &format!("<a href=\"#{id}\">{id}</a>"));
    }
    html
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
