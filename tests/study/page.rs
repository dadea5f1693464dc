//! The study page: a single, self-contained file of HTML.

use crate::counterparts::Pair;
use crate::figure::svg;
use crate::kernel::{Calls, WHO};
use crate::moments::Moment;
use crate::outcome::Outcome;
use crate::readme::{Claim, split_ids};
use crate::source::{Line, Part};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The three moments of the figure, and the claims shown with each.
const MOMENTS: [(&str, &[&str]); 3] = [
    (
        "Before the kill",
        &["F1", "F2", "F3", "F4", "F5", "R1", "K1", "K2"],
    ),
    ("The server is killed", &["T1", "T2", "T3", "T4"]),
    ("The server is restarted", &["R2", "C1", "C2"]),
];

const STYLE: &str = include_str!("style.css");

/// What the page shows.
pub struct Study<'a> {
    pub pairs: &'a [Pair],
    pub calls: &'a Calls,
    pub moments: &'a [Moment; 3],
    pub claims: &'a [Claim],
    pub outcomes: &'a BTreeMap<&'static str, Outcome>,
    /// Kernel and date: "Linux 6.18.44 on 2026-11-23".
    pub seen_on: String,
}

/// The page.
pub fn page(study: &Study) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>SO_REUSEADDR in C and in Rust, side by side</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the page</a>\n\
         <header>\n<h1>SO_REUSEADDR in C and in Rust, side by side</h1>\n\
         <p>A forking server is killed while its child process still serves a client. If SO_REUSEADDR is \
         set, the server can be restarted at once; otherwise it cannot. The server is shown in C and in \
         Rust, with the same functions, the same numbered steps and the same system calls.</p>\n\
         <p class=\"seen-on\">Run on {}, in C and in Rust.</p>\n</header>\n",
        escaped(&study.seen_on)
    );
    write_contents(&mut html, study.pairs);
    html += "<main id=\"content\">\n";
    write_story(&mut html, study);
    for pair in study.pairs {
        write_pair(&mut html, pair, study.calls);
    }
    html += "</main>\n<footer>\n<p>The page of the book, its story and the names of its variables are Warren W. \
             Gay’s: <cite>Linux Socket Programming by Example</cite>, chapter 12, “Setting the SO_REUSEADDR \
             Option”. This page is made by <code>make study</code>.</p>\n</footer>\n</body>\n</html>\n";
    html
}

fn write_contents(html: &mut String, pairs: &[Pair]) {
    *html += "<nav aria-label=\"Contents\">\n<ul>\n<li><b>The story</b><span>\
              <a href=\"#story\">Figure 12.1 and its claims</a></span></li>\n";
    for group in pairs.chunk_by(|pair, next| pair.group == next.group) {
        let links = group
            .iter()
            .map(|pair| format!(" <a href=\"#{0}\">{0}</a>", pair.name));
        let (title, links) = (group[0].group, links.collect::<String>());
        let _ = writeln!(html, "<li><b>{title}</b><span>{links}</span></li>");
    }
    *html += "</ul>\n</nav>\n";
}

/// Figure 12.1 in three moments, each with its claims.
fn write_story(html: &mut String, study: &Study) {
    *html += "<section id=\"story\">\n<h2>Figure 12.1, as run on this machine</h2>\n<div class=\"moments\">\n";
    for ((title, ids), moment) in MOMENTS.iter().zip(study.moments) {
        let _ = write!(
            html,
            "<section>\n<h3>{title}</h3>\n{}<ul class=\"claims\">\n",
            svg(moment, title)
        );
        for claim in study.claims.iter().filter(|claim| ids.contains(&claim.id)) {
            write_claim(html, claim, &study.outcomes[claim.id]);
        }
        *html += "</ul>\n</section>\n";
    }
    *html += "</div>\n</section>\n";
}

fn write_claim(html: &mut String, claim: &Claim, outcome: &Outcome) {
    let steps: Vec<String> = claim
        .steps
        .iter()
        .map(|(number, _)| format!("<a href=\"#serve-{number}\">{number}</a>"))
        .collect();
    let plural = if steps.len() == 1 { "step" } else { "steps" };
    let function = claim.steps.first().map_or("", |(_, function)| function);
    let _ = writeln!(
        html,
        "<li id=\"{id}\"><p><b>{id}</b> {}</p>\n<p class=\"where\"><code>{function}</code>, {plural} {}</p>",
        escaped(&claim.words),
        steps.join(", "),
        id = claim.id,
    );
    let (class, details) = if !outcome.unexpected.is_empty() {
        ("unexpected", &outcome.unexpected)
    } else if !outcome.differs.is_empty() {
        ("differs", &outcome.differs)
    } else {
        ("holds", &outcome.differs)
    };
    let _ = writeln!(html, "<p class=\"outcome {class}\"><b>{class}</b></p>");
    if !details.is_empty() {
        let details = details
            .iter()
            .map(|words| format!("<li>{}</li>\n", escaped(words)));
        let _ = write!(html, "<ul>\n{}</ul>\n", details.collect::<String>());
    }
    *html += "</li>\n";
}

/// A file in both languages.
fn write_pair(html: &mut String, pair: &Pair, calls: &Calls) {
    let name = &pair.name;
    let _ = write!(
        html,
        "<section id=\"{name}\" class=\"pair\">\n<h2>{name}</h2>\n<p>{}</p>\n",
        escaped(&sentence(&pair.purpose()))
    );
    if name == "serve" {
        let _ = writeln!(
            html,
            "<p class=\"who\">Below each step: its system calls, the same in both. {}</p>",
            escaped(WHO)
        );
    }
    let _ = writeln!(
        html,
        "<div class=\"columns files\"><p>{}</p><p>{}</p></div>",
        pair.c.path, pair.rust.path
    );
    let mut function = None;
    for [c, rust] in pair.parts() {
        let Some(part) = c.or(rust) else { continue };
        if function != Some(&part.function) {
            function = Some(&part.function);
            let _ = match part.function.as_str() {
                "" => writeln!(html, "<h3>The head</h3>"),
                function => writeln!(html, "<h3><code>{function}</code></h3>"),
            };
        }
        if let (Some(number), Some(step)) = (part.number(), &part.step) {
            write_step(html, name, number, step);
        }
        let codes = [("C", c), ("Rust", rust)]
            .map(|(name, part)| (name, part.map_or(&[][..], Part::shown)));
        if codes.iter().any(|(_, lines)| !lines.is_empty()) {
            *html += "<div class=\"columns\">\n";
            for (language, lines) in codes {
                write_code(html, language, lines);
            }
            *html += "</div>\n";
        }
        let seen = calls.of(pair, part);
        if !seen.is_empty() {
            *html += "<div class=\"kernel\">\n<p>The kernel saw</p>\n<pre><code>";
            for call in seen {
                let _ = write!(html, "<span class=\"line\">{}\n</span>", escaped(call));
            }
            *html += "</code></pre>\n</div>\n";
        }
    }
    *html += "</section>\n";
}

/// The heading of a step, with links to the claims that it names.
fn write_step(html: &mut String, name: &str, number: usize, step: &str) {
    let (words, ids) = split_ids(step);
    let words = words.split_once(". ").map_or(words, |(_, words)| words);
    let links: Vec<String> = ids
        .iter()
        .map(|id| format!("<a href=\"#{id}\">{id}</a>"))
        .collect();
    let mut links = links.join(", ");
    if !links.is_empty() {
        links = format!(" <span class=\"ids\">({links})</span>");
    }
    let _ = writeln!(
        html,
        "<h4 id=\"{name}-{number}\"><span class=\"step\">{number}.</span> {}{links}</h4>",
        escaped(words)
    );
}

fn write_code(html: &mut String, language: &str, lines: &[Line]) {
    let _ = write!(
        html,
        "<div>\n<p class=\"language\">{language}</p>\n<pre><code>"
    );
    for line in lines {
        write_line(html, line);
    }
    *html += "</code></pre>\n</div>\n";
}

/// A line; where it is too long, it continues with a deeper indent.
fn write_line(html: &mut String, line: &Line) {
    let _ = write!(
        html,
        "<span class=\"line\" style=\"--in:{}\"><span class=\"number\">{}</span>",
        line.indent(),
        line.number
    );
    for (comment, text) in line.pieces() {
        let (open, close) = if comment { ("<i>", "</i>") } else { ("", "") };
        let _ = write!(html, "{open}{}{close}", escaped(text));
    }
    // The newline is inside the span, so that it is copied and does not add an empty line.
    *html += "\n</span>";
}

/// The text with a capital at its start.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
