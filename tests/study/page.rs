//! The study pages, each a self-contained file of HTML.

use crate::counterparts::Pair;
use crate::kernel::WHO;
use crate::readme::{Claim, IDS};
use crate::rows::{piece, rows};
use crate::source::{Line, Part, read};
use crate::story::{Moment, leave_out};
use crate::support::Result;

/// What the pages show: the system calls of `serve`, each with its step; the notes, each with its key; the
/// moments of the figure; what remains, without SO_REUSEADDR and with it; the report of `make compare`.
pub struct Study<'a> {
    pub pairs: &'a [Pair],
    pub calls: Vec<(usize, String)>,
    pub claims: Vec<Claim>,
    pub notes: Vec<(String, String)>,
    pub moments: Vec<Moment>,
    pub remains: [Vec<[String; 4]>; 2],
    pub report: Vec<String>,
    pub seen_on: String,
}

/// The notes, each with its key. To a note about `CODE` that ends in a colon, a run without it is added.
pub fn read_notes(serve: &Pair) -> Result<Vec<(String, String)>> {
    let mut notes: Vec<(String, String)> = Vec::new();
    for line in read("tests/study/notes.md")?.lines().skip(2) {
        match (line.strip_prefix("    "), notes.last_mut()) {
            (Some(more), Some((_, note))) => *note += &format!(" {more}"),
            _ => notes.extend(
                line.split_once(". ")
                    .map(|(key, note)| (key.into(), note.into())),
            ),
        }
    }
    for (key, note) in &mut notes {
        let Ok(step) = key.parse() else { continue };
        let mut parts = serve.c.parts.iter();
        let part = parts.find(|part| part.number() == Some(step));
        let part = part.ok_or(format!("notes.md: serve has no step {step}"))?;
        if let Some(code) = note
            .strip_suffix("`:")
            .and_then(|note| note.rsplit('`').next())
        {
            let line = part.lines.iter().find(|line| line.text == code);
            let line = line.ok_or(format!("notes.md: no line {code} in step {step}"))?;
            *note += &format!(" {}", leave_out(&line.number)?);
        }
    }
    Ok(notes)
}

impl Study<'_> {
    /// The page of `pair`. That of `serve` also has the restart, what remains, and the claims.
    pub fn page(&self, pair: &Pair) -> String {
        let (style, name, code) = (include_str!("style.css"), &pair.name, self.code(pair));
        let purpose = escaped(&pair.purpose());
        let back = format!("<p>{purpose} <a href=\"../study.html\">Back to serve</a></p>\n");
        let main = format!("{back}</header>\n<main id=\"content\">\n{code}");
        let main = if name == "serve" {
            self.serve(pair)
        } else {
            main
        };
        let folder = if name == "serve" { "study/" } else { "" };
        let files = self.pairs[1..].iter();
        let files =
            files.map(|pair| format!("<a href=\"{folder}{}\">{}</a>\n", pair.page(), pair.name));
        let files: String = files.collect();
        format!(
            r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name} in C and in Rust, side by side</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1>{name} in C and in Rust, side by side</h1>
{main}</main>
<nav id="files" aria-label="Files">
<h2>The other files</h2>
<p>{files}</p>
</nav>
<footer>
<p>The page of the book, its story and the names of its variables are Warren W. Gay’s: <cite>Linux Socket Programming
by Example</cite>, chapter 12, “Setting the SO_REUSEADDR Option”. This page is made by <code>make study</code>.</p>
</footer>
</body>
</html>
"##
        )
    }

    fn serve(&self, serve: &Pair) -> String {
        let steps = serve.rust.parts.iter().filter_map(Part::number);
        let steps: String = steps
            .map(|step| format!("<a href=\"#step-{step}\">{step}</a>\n"))
            .collect();
        let (moments, remains) = (self.moments(), self.remains[0].iter().zip(&self.remains[1]));
        let remains = remains.map(|(without, with)| [&without[..], &with[3..]].concat());
        let remains: String = remains.map(|cells| row("", &cells)).collect();
        let claims: String = self.claims.iter().map(|claim| self.claim(claim)).collect();
        let (code, seen_on, left, who) =
            (self.code(serve), &self.seen_on, self.note("R"), prose(WHO));
        format!(
            r##"<p>A forking server is killed while its child process still serves a client. Its restart fails, unless
SO_REUSEADDR is set. The server is shown in C and in Rust, with the same functions, the same numbered steps and
the same system calls.</p>
<p class="soft">Run on {seen_on}.</p>
</header>
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
<h2>The server, step by step</h2>
<p>Lines side by side correspond. Marked are <b class="call">system calls</b>, <b class="unsafe">unsafe</b> and
<b class="cast">casts</b>. Below the code of a step are its system calls, as strace recorded them, the same in both
builds. {who}</p>
{code}<h2 id="claims">The page’s claims</h2>
<p>Tried in both builds, as by <code>make compare</code>. Where a claim differs: what C and Rust did.</p>
<table>
<thead><tr><th scope="col">Id</th><th scope="col">Claim</th><th scope="col">Steps</th>
<th scope="col">On Linux</th></tr></thead>
<tbody>
{claims}</tbody>
</table>
"##
        )
    }

    /// The HTML of a note.
    fn note(&self, key: &str) -> String {
        let note = self.notes.iter().find(|(of, _)| of == key);
        note.map_or(String::new(), |(_, note)| prose(note))
    }

    /// Figure 12.1 in four moments.
    fn moments(&self) -> String {
        let mut html = String::new();
        for (at, (facts, calls)) in (1..).zip(&self.moments) {
            let note = self.note(&format!("M{at}"));
            let mut parts = note.splitn(3, "; ");
            let [title, relation, words] = [(); 3].map(|()| parts.next().unwrap_or_default());
            let mut boxes = String::new();
            let roles = [
                ("Server", ""),
                ("Child", relation),
                ("Client", "connection"),
            ];
            for ((role, relation), facts) in roles.iter().zip(facts) {
                let facts = facts.join("</span>\n<span>");
                boxes += &format!("<li><i>{relation}&nbsp;</i>\n<div><b>{role}</b>\n");
                boxes += &format!("<span>{facts}</span></div></li>\n");
            }
            let calls = kernel(calls.iter());
            html += &format!("<section class=\"moment-{at}\">\n<h3>{at}. {title}</h3>\n");
            html += &format!("<ol>\n{boxes}</ol>\n<p>{words}</p>\n{calls}</section>\n");
        }
        html
    }

    /// The row of a claim: its steps and its outcome.
    fn claim(&self, Claim { id, words, steps }: &Claim) -> String {
        let link = |(step, _): &(usize, String)| format!("<a href=\"#step-{step}\">{step}</a>");
        let steps: Vec<String> = steps.iter().map(link).collect();
        let rows = self.report.iter().filter(|row| row.starts_with(id));
        let rows: Vec<&str> = rows.filter_map(|row| row.strip_suffix("differs")).collect();
        let differs = format!("<b>differs</b>\n<pre>{}</pre>", rows.join("\n"));
        let outcome = if rows.is_empty() {
            "holds".into()
        } else {
            differs
        };
        row(
            id,
            &[id.to_string(), prose(words), steps.join(" "), outcome],
        )
    }

    /// A file in both languages.
    fn code(&self, pair: &Pair) -> String {
        let (mut html, mut function) = (String::new(), "");
        for (index, row) in pair.parts().into_iter().enumerate() {
            let (Some(part), columns) = (row[0].or(row[1]), columns(pair, row, index)) else {
                continue;
            };
            if part.function.is_empty() {
                html += "<details>\n<summary>The heads of the files</summary>\n";
                html += &format!("{columns}</details>\n");
                continue;
            }
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
            html += &columns;
            if let Some(step) = part.number().filter(|_| pair.name == "serve") {
                let calls = self.calls.iter().filter(|(of, _)| *of == step);
                let calls = kernel(calls.map(|(_, call)| call));
                let note = self.note(&step.to_string());
                html += &format!("<div class=\"below\">\n{calls}<p>{note}</p>\n</div>\n");
            }
            html += "</section>\n";
        }
        html
    }
}

/// A row of a table.
fn row(id: &str, cells: &[String]) -> String {
    let cells = cells.join("</td><td>");
    let id = if id.is_empty() {
        String::new()
    } else {
        format!(" id=\"{id}\"")
    };
    format!("<tr{id}><td>{cells}</td></tr>\n")
}

/// System calls; those that fail are marked.
fn kernel<'a>(calls: impl Iterator<Item = &'a String>) -> String {
    let mut html = String::new();
    for call in calls {
        let fails = if call.contains(" = -1 ") { " fail" } else { "" };
        html += &format!("<span class=\"line{fails}\">{}\n</span>", escaped(call));
    }
    format!("<pre class=\"kernel\"><code>{html}</code></pre>\n")
}

/// The lines of a part in C and Rust; on a narrow screen, the reader chooses one language.
fn columns(pair: &Pair, parts: [Option<&Part>; 2], id: usize) -> String {
    let (mut choice, mut html) = (String::new(), String::new());
    let rows = rows(pair, parts);
    for (side, (language, checked)) in [("C", ""), ("Rust", " checked")].into_iter().enumerate() {
        let lines = (1..)
            .zip(&rows)
            .filter_map(|(row, both)| Some((row, both[side].as_ref()?)));
        let lines: String = lines
            .map(|(row, line)| code_line(row, line, &pair.calls))
            .collect();
        let class = language.to_lowercase();
        let ids = format!("id=\"{class}-{id}\" name=\"show-{id}\"");
        choice += &format!("<input type=\"radio\" {ids} class=\"{class}\"{checked}>");
        choice += &format!("<label for=\"{class}-{id}\">{language}</label>\n");
        html += &format!("<p class=\"{class}\">{language}</p>\n");
        html += &format!("<pre class=\"{class}\"><code>{lines}</code></pre>\n");
    }
    let count = rows.len();
    format!("{choice}<div class=\"columns\" style=\"--rows:{count}\">\n{html}</div>\n")
}

/// A line in its row; where it is too long, it continues with a deeper indent.
fn code_line(
    row: usize,
    Line {
        number,
        indent,
        text,
    }: &Line,
    calls: &[String],
) -> String {
    let mut html = format!("<span class=\"line\" style=\"--row:{row};--in:{indent}\"");
    html += &format!(" data-number=\"{number}\">{}", " ".repeat(*indent));
    let mut at = 0;
    while at < text.len() {
        let (kind, length) = piece(&text[..at], &text[at..], calls);
        let piece = escaped(&text[at..at + length]);
        html += &if kind.is_empty() {
            piece
        } else {
            format!("<b class=\"{kind}\">{piece}</b>")
        };
        at += length;
    }
    // The newline is inside the span, so that it is copied and does not add an empty line.
    html + "\n</span>"
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
