//! A moment of Figure 12.1 as an SVG with a description in words; colour carries no meaning.

use crate::moments::{FORK, FORKED, Moment, Process, SAME};

/// Positions of server, child and client. The child is indented, as it was forked.
const PLACES: [(usize, usize); 3] = [(1, 2), (79, 150), (79, 298)];

/// The drawing, narrow enough for a telephone.
pub fn svg(moment: &Moment, title: &str) -> String {
    let head = "<path class=\"head\" d=\"M79 196l-12 -6v12z\"/>";
    let fork = |class| format!("<path{class} d=\"M36 94V196H69\"/>\n{head}");
    let (line, x) = match moment.relation {
        FORK => (fork(""), 48),
        FORKED => (fork(" class=\"dashed\""), 48),
        _ => ("<path class=\"same\" d=\"M227 94V150\"/>".into(), 241),
    };
    let boxes: String = moment.boxes.iter().zip(PLACES).map(boxed).collect();
    format!(
        "<svg viewBox=\"0 0 380 392\" role=\"img\">\n<title>{title}</title>\n<desc>{}</desc>\n\
         {line}\n{}<path d=\"M224 242V298M230 242V298\"/>\n{}{boxes}</svg>\n",
        describe(moment),
        text("note", (x, 127), moment.relation),
        text("note", (241, 275), "connection")
    )
}

fn text(class: &str, (x, y): (usize, usize), words: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>\n")
}

/// A process: its role, its id and its socket.
fn boxed((process, (x, y)): (&Process, (usize, usize))) -> String {
    let (left, right) = (x + 14, x + 286);
    let killed = ("killed by SIGKILL".into(), "its socket is closed");
    let socket = process.socket.as_ref();
    let (first, second) = socket.map_or(killed, |at| (at.local.to_string(), at.state));
    let class = socket.map_or(" class=\"dashed\"", |_| "");
    let mut drawn =
        format!("<rect{class} x=\"{x}\" y=\"{y}\" width=\"300\" height=\"92\" rx=\"6\"/>\n");
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
    let Process { pid, option, .. } = &moment.boxes[0];
    let (new, on, forked) = match moment.relation {
        SAME => ("a new", ", the child's address", ""),
        _ => ("the", "", " The server forked the child."),
    };
    let mut words = format!(
        "The server, process {pid}, drawn dashed, forked the child, was then killed by SIGKILL and has \
         no socket any more."
    );
    if let Some(socket) = &moment.boxes[0].socket {
        let (state, local) = (socket.state, socket.local);
        words = format!(
            "The socket of {new} server, process {pid}, is in state {state} on {local}{on}; \
             SO_REUSEADDR is {option}.{forked}"
        );
    }
    for process in &moment.boxes[1..] {
        if let Some(socket) = &process.socket {
            let (role, pid) = (process.role.to_lowercase(), process.pid);
            words += &format!(
                " The {role}, process {pid}, has a socket on {} in state {}, connected to {}.",
                socket.local, socket.state, socket.peer
            );
        }
    }
    words
}
