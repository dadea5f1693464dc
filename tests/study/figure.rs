//! A moment of Figure 12.1 as an SVG, in words too: nothing is told by colour alone.

use crate::moments::{Between, Moment, Process};
use std::fmt::Write;

/// Width of the drawing, so that its letters are readable on a telephone.
const WIDTH: usize = 380;
const HEIGHT: usize = 392;
/// Where server, child and client stand; who was forked stands further in.
const PLACES: [(usize, usize); 3] = [(1, 2), (79, 150), (79, 298)];
const BOX: (usize, usize) = (300, 92);
/// From the server to the child.
const FORK: &str = "M36 94V196H69";
const HEAD: &str = "<path class=\"head\" d=\"M79 196l-12 -6v12z\"/>";
const SAME: &str = "<path class=\"same\" d=\"M227 94V150\"/>";

/// The drawing.
pub fn svg(moment: &Moment, title: &str) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n<title>{title}</title>\n<desc>{}</desc>\n",
        describe(moment)
    );
    let (line, x, words) = match moment.between {
        Between::Fork => (format!("<path d=\"{FORK}\"/>\n{HEAD}"), 48, "fork"),
        Between::ForkedOnce => {
            let line = format!("<path class=\"dashed\" d=\"{FORK}\"/>\n{HEAD}");
            (line, 48, "forked it before")
        }
        Between::SameAddress => (SAME.into(), 241, "the same address"),
    };
    let _ = write!(
        svg,
        "{line}\n<text class=\"note\" x=\"{x}\" y=\"127\">{words}</text>\n"
    );
    svg += "<path d=\"M224 242V298M230 242V298\"/>\n";
    svg += "<text class=\"note\" x=\"241\" y=\"275\">connection</text>\n";
    for (process, place) in moment.boxes.iter().zip(PLACES) {
        svg += &boxed(process, place);
    }
    svg + "</svg>\n"
}

/// A process: what it is, its number, and its socket.
fn boxed(process: &Process, (x, y): (usize, usize)) -> String {
    let (width, height) = BOX;
    let (left, right) = (x + 14, x + width - 14);
    let class = match process.socket {
        Some(_) => "",
        None => " class=\"dashed\"",
    };
    let mut text = format!(
        "<rect{class} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n\
         <text class=\"role\" x=\"{left}\" y=\"{}\">{}</text>\n\
         <text class=\"note end\" x=\"{right}\" y=\"{}\">process {}</text>\n",
        y + 28,
        process.role,
        y + 28,
        process.pid
    );
    let (first, second) = match &process.socket {
        Some(socket) => (socket.local.to_string(), socket.state),
        None => ("killed by SIGKILL".into(), "its socket is gone"),
    };
    for (line, words) in [(54, first.as_str()), (77, second)] {
        let _ = writeln!(
            text,
            "<text class=\"mono\" x=\"{left}\" y=\"{}\">{words}</text>",
            y + line
        );
    }
    if !process.option.is_empty() {
        let _ = writeln!(
            text,
            "<text class=\"note end\" x=\"{right}\" y=\"{}\">SO_REUSEADDR is {}</text>",
            y + 77,
            process.option
        );
    }
    text
}

/// What the drawing shows.
fn describe(moment: &Moment) -> String {
    let [server, child, client] = &moment.boxes;
    let mut words = match (&server.socket, moment.between) {
        (Some(socket), Between::SameAddress) => format!(
            "A new server, process {}, is in state {} on {}, the child's address; SO_REUSEADDR is {}.",
            server.pid, socket.state, socket.local, server.option
        ),
        (Some(socket), _) => format!(
            "The server, process {}, is in state {} on {}; SO_REUSEADDR is {}. It forked the child.",
            server.pid, socket.state, socket.local, server.option
        ),
        (None, _) => format!(
            "The server, process {}, drawn dashed, has been killed by SIGKILL, and its socket is gone. It \
             forked the child before.",
            server.pid
        ),
    };
    for (name, process) in [("child", child), ("client", client)] {
        if let Some(socket) = &process.socket {
            let _ = write!(
                words,
                " The {name}, process {}, has a socket on {} in state {}, connected to {}.",
                process.pid, socket.local, socket.state, socket.peer
            );
        }
    }
    words
}
