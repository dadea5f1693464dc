//! A moment of Figure 12.1 as an SVG with a description in words; colour carries no meaning.

use crate::moments::{Between, Moment, Process};
use std::fmt::Write;

/// Width of the drawing: small enough that its letters are readable on a telephone.
const WIDTH: usize = 380;
const HEIGHT: usize = 392;
/// Positions of server, child and client. The child is indented, as it was forked.
const PLACES: [(usize, usize); 3] = [(1, 2), (79, 150), (79, 298)];
const BOX: (usize, usize) = (300, 92);
/// The line from the server to the child.
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
            (line, 48, "forked earlier")
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

/// A process: its role, its id and its socket.
fn boxed(process: &Process, (x, y): (usize, usize)) -> String {
    let (width, height) = BOX;
    let (left, right) = (x + 14, x + width - 14);
    let (class, first, second) = match &process.socket {
        Some(socket) => ("", socket.local.to_string(), socket.state),
        None => (
            " class=\"dashed\"",
            "killed by SIGKILL".into(),
            "its socket is closed",
        ),
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

/// The drawing in words.
fn describe(moment: &Moment) -> String {
    let [server, child, client] = &moment.boxes;
    let mut words = match (&server.socket, moment.between) {
        (Some(socket), Between::SameAddress) => format!(
            "The socket of a new server, process {}, is in state {} on {}, the child's address; SO_REUSEADDR \
             is {}.",
            server.pid, socket.state, socket.local, server.option
        ),
        (Some(socket), _) => format!(
            "The socket of the server, process {}, is in state {} on {}; SO_REUSEADDR is {}. The server \
             forked the child.",
            server.pid, socket.state, socket.local, server.option
        ),
        (None, _) => format!(
            "The server, process {}, drawn dashed, forked the child, was then killed by SIGKILL and has no \
             socket any more.",
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
