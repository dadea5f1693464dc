//! The study page: a single, self-contained file of HTML.

use crate::counterparts::Pair;
use crate::figure::svg;
use crate::kernel::{Calls, WHO};
use crate::moments::Moment;
use crate::outcome::Outcome;
use crate::readme::{Claim, split_ids};
use crate::source::{Line, Part};
use std::collections::BTreeMap;

/// The three moments of the figure, and the claims shown with each.
const MOMENTS: [(&str, &str); 3] = [
    ("Before the kill", "F1 F2 F3 F4 F5 R1 K1 K2"),
    ("The server is killed", "T1 T2 T3 T4"),
    ("The server is restarted", "R2 C1 C2"),
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
    let contents = contents(study.pairs);
    let story = story(study);
    let pairs = study.pairs.iter().map(|pair| both_files(pair, study.calls));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>SO_REUSEADDR in C and in Rust, side by side</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the page</a>\n\
         <header>\n<h1>SO_REUSEADDR in C and in Rust, side by side</h1>\n\
         <p>A forking server is killed while its child process still serves a client. If SO_REUSEADDR is \
         set, the server can be restarted at once; otherwise it cannot. The server is shown in C and in \
         Rust, with the same functions, the same numbered steps and the same system calls.</p>\n\
         <p class=\"seen-on\">Run on {}, in C and in Rust.</p>\n</header>\n\
         {contents}<main id=\"content\">\n{story}{}</main>\n\
         <footer>\n<p>The page of the book, its story and the names of its variables are Warren W. \
         Gay’s: <cite>Linux Socket Programming by Example</cite>, chapter 12, “Setting the SO_REUSEADDR \
         Option”. This page is made by <code>make study</code>.</p>\n</footer>\n</body>\n</html>\n",
        escaped(&study.seen_on),
        pairs.collect::<String>()
    )
}

fn contents(pairs: &[Pair]) -> String {
    let groups = pairs.chunk_by(|pair, next| pair.group == next.group);
    let groups = groups.map(|group| {
        let link = |pair: &Pair| format!(" <a href=\"#{0}\">{0}</a>", pair.name);
        let links: String = group.iter().map(link).collect();
        format!("<li><b>{}</b><span>{links}</span></li>\n", group[0].group)
    });
    format!(
        "<nav aria-label=\"Contents\">\n<ul>\n<li><b>The story</b><span>\
         <a href=\"#story\">Figure 12.1 and its claims</a></span></li>\n{}</ul>\n</nav>\n",
        groups.collect::<String>()
    )
}

/// Figure 12.1 in three moments, each with its claims.
fn story(study: &Study) -> String {
    let moments = MOMENTS.iter().zip(study.moments);
    let moments = moments.map(|((title, ids), moment)| {
        let claims = study.claims.iter().filter(|claim| ids.contains(claim.id));
        let claims = claims.map(|claim| item(claim, &study.outcomes[claim.id]));
        format!(
            "<section>\n<h3>{title}</h3>\n{}<ul class=\"claims\">\n{}</ul>\n</section>\n",
            svg(moment, title),
            claims.collect::<String>()
        )
    });
    format!(
        "<section id=\"story\">\n<h2>Figure 12.1, as run on this machine</h2>\n\
         <div class=\"moments\">\n{}</div>\n</section>\n",
        moments.collect::<String>()
    )
}

/// A claim with its steps and its outcome.
fn item(claim: &Claim, outcome: &Outcome) -> String {
    let Claim { id, words, steps } = claim;
    let plural = if steps.len() == 1 { "step" } else { "steps" };
    let function = steps.first().map_or("", |(_, function)| function);
    let link = |(number, _): &(usize, String)| format!("<a href=\"#serve-{number}\">{number}</a>");
    let links: Vec<String> = steps.iter().map(link).collect();
    let (class, details) = match (&*outcome.unexpected, &*outcome.differs) {
        ([], []) => ("holds", &[][..]),
        ([], differs) => ("differs", differs),
        (unexpected, _) => ("unexpected", unexpected),
    };
    let details = details.iter();
    let details = details.map(|text| format!("<li>{}</li>\n", escaped(text)));
    let mut list: String = details.collect();
    if !list.is_empty() {
        list = format!("<ul>\n{list}</ul>\n");
    }
    format!(
        "<li id=\"{id}\"><p><b>{id}</b> {}</p>\n<p class=\"where\"><code>{function}</code>, {plural} {}</p>\n\
         <p class=\"outcome {class}\"><b>{class}</b></p>\n{list}</li>\n",
        escaped(words),
        links.join(", ")
    )
}

/// A file in both languages.
fn both_files(pair: &Pair, calls: &Calls) -> String {
    let name = &pair.name;
    let mut html = format!(
        "<section id=\"{name}\" class=\"pair\">\n<h2>{name}</h2>\n<p>{}</p>\n",
        escaped(&sentence(&pair.purpose()))
    );
    if name == "serve" {
        let head = "Below each step: its system calls, the same in both.";
        html += &format!("<p class=\"who\">{head} {}</p>\n", escaped(WHO));
    }
    html += &format!(
        "<div class=\"columns files\"><p>{}</p><p>{}</p></div>\n",
        pair.c.path, pair.rust.path
    );
    let mut function = None;
    for [c, rust] in pair.parts() {
        let Some(part) = c.or(rust) else { continue };
        if function != Some(&part.function) {
            function = Some(&part.function);
            html += &match part.function.as_str() {
                "" => "<h3>The head</h3>\n".to_string(),
                function => format!("<h3><code>{function}</code></h3>\n"),
            };
        }
        if let (Some(number), Some(step)) = (part.number(), &part.step) {
            html += &step_heading(name, number, step);
        }
        let [c, rust] = [c, rust].map(|part| part.map_or(&[][..], Part::shown));
        if !c.is_empty() || !rust.is_empty() {
            let (c, rust) = (code("C", c), code("Rust", rust));
            html += &format!("<div class=\"columns\">\n{c}{rust}</div>\n");
        }
        let line = |call| format!("<span class=\"line\">{}\n</span>", escaped(call));
        let seen: String = calls.of(pair, part).into_iter().map(line).collect();
        if !seen.is_empty() {
            html += "<div class=\"kernel\">\n<p>The kernel saw</p>\n";
            html += &format!("<pre><code>{seen}</code></pre>\n</div>\n");
        }
    }
    html + "</section>\n"
}

/// The heading of a step, with links to the claims that it names.
fn step_heading(name: &str, number: usize, step: &str) -> String {
    let (words, ids) = split_ids(step);
    let words = words.split_once(". ").map_or(words, |(_, words)| words);
    let links = ids.iter().map(|id| format!("<a href=\"#{id}\">{id}</a>"));
    let mut links = links.collect::<Vec<_>>().join(", ");
    if !links.is_empty() {
        links = format!(" <span class=\"ids\">({links})</span>");
    }
    format!(
        "<h4 id=\"{name}-{number}\"><span class=\"step\">{number}.</span> {}{links}</h4>\n",
        escaped(words)
    )
}

fn code(language: &str, lines: &[Line]) -> String {
    let lines: String = lines.iter().map(code_line).collect();
    let head = format!("<p class=\"language\">{language}</p>");
    format!("<div>\n{head}\n<pre><code>{lines}</code></pre>\n</div>\n")
}

/// A line; where it is too long, it continues with a deeper indent.
fn code_line(line: &Line) -> String {
    let pieces = line.pieces.iter().map(|(comment, text)| match comment {
        true => format!("<i>{}</i>", escaped(text)),
        false => escaped(text),
    });
    // The newline is inside the span, so that it is copied and does not add an empty line.
    format!(
        "<span class=\"line\" style=\"--in:{}\"><span class=\"number\">{}</span>{}\n</span>",
        line.indent(),
        line.number,
        pieces.collect::<String>()
    )
}

/// The text with a capital at its start.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
