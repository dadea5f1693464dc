//! A moment of Figure 12.1 as an SVG with a description in words; colour carries no meaning.

use crate::moments::{Between, Moment, Process};

/// Width of the drawing, small enough for a telephone.
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
    let (line, x, words) = match moment.between {
        Between::Fork => (format!("<path d=\"{FORK}\"/>\n{HEAD}"), 48, "fork"),
        Between::ForkedOnce => {
            let line = format!("<path class=\"dashed\" d=\"{FORK}\"/>\n{HEAD}");
            (line, 48, "forked earlier")
        }
        Between::SameAddress => (SAME.into(), 241, "the same address"),
    };
    let boxes = moment.boxes.iter().zip(PLACES);
    let boxes: String = boxes.map(boxed).collect();
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n<title>{title}</title>\n<desc>{}</desc>\n\
         {line}\n{}<path d=\"M224 242V298M230 242V298\"/>\n{}{boxes}</svg>\n",
        describe(moment),
        text("note", (x, 127), words),
        text("note", (241, 275), "connection")
    )
}

fn text(class: &str, (x, y): (usize, usize), words: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>\n")
}

/// A process: its role, its id and its socket.
fn boxed((process, (x, y)): (&Process, (usize, usize))) -> String {
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
    let mut drawn = format!(
        "<rect{class} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
    );
    let pid = format!("process {}", process.pid);
    drawn += &text("role", (left, y + 28), process.role);
    drawn += &text("note end", (right, y + 28), &pid);
    drawn += &text("mono", (left, y + 54), &first);
    drawn += &text("mono", (left, y + 77), second);
    if !process.option.is_empty() {
        let option = format!("SO_REUSEADDR is {}", process.option);
        drawn += &text("note end", (right, y + 77), &option);
    }
    drawn
}

/// The drawing in words.
fn describe(moment: &Moment) -> String {
    let [server, child, client] = &moment.boxes;
    let (pid, option) = (server.pid, &server.option);
    let mut words = match &server.socket {
        None => format!(
            "The server, process {pid}, drawn dashed, forked the child, was then killed by SIGKILL and has \
             no socket any more."
        ),
        Some(socket) => {
            let place = format!("is in state {} on {}", socket.state, socket.local);
            if moment.between == Between::SameAddress {
                format!(
                    "The socket of a new server, process {pid}, {place}, the child's address; SO_REUSEADDR \
                     is {option}."
                )
            } else {
                format!(
                    "The socket of the server, process {pid}, {place}; SO_REUSEADDR is {option}. The server \
                     forked the child."
                )
            }
        }
    };
    for (name, process) in [("child", child), ("client", client)] {
        if let Some(socket) = &process.socket {
            words += &format!(
                " The {name}, process {}, has a socket on {} in state {}, connected to {}.",
                process.pid, socket.local, socket.state, socket.peer
            );
        }
    }
    words
}
