//! The page's Figure 12.1 as it is now: who listens, its children, and their clients.
//!
//! Twin: `c-reference/explain/print_tree.c`.

use crate::address::{Endpoint, format_endpoint};
use crate::conflict::TcpState;
use crate::explain::snapshot::{Listed, Process, Scene, is_out_of_sight, owners_of};
use crate::output::out;

/// So many lines are drawn, and so many of one process's sockets; the list has all.
const LINES_MAX: usize = 24;
const SOCKETS_MAX: usize = 6;

/// What those are called that belong to no process that is drawn.
const UNACCEPTED: &str = "not accepted yet";
const NO_PROCESS: &str = "no process";
const UNSEEN: &str = "not seen from here";

/// Draws the processes of `scene` with their sockets, parents above children.
pub fn draw(scene: &Scene) {
    let mut lines = 0;

    if scene.processes.is_empty() {
        return;
    }
    out!("\n");
    // 1. Whose parent has none of the sockets is the head of a family.
    for process in &scene.processes {
        let mut others = scene.processes.iter();
        if process.holds && !others.any(|other| is_child(process, other)) {
            draw_process(scene, process, "", "", &mut lines);
        }
    }

    // 2. And some sockets have outlived their process.
    draw_rest(scene, UNACCEPTED, &mut lines);
    draw_rest(scene, NO_PROCESS, &mut lines);
    draw_rest(scene, UNSEEN, &mut lines);
}

/// Draws a process, its sockets and then its children.
fn draw_process(scene: &Scene, process: &Process, before: &str, below: &str, lines: &mut usize) {
    if !has_room(lines) {
        return;
    }
    out!("{before}{} {}\n", process.pid, process.command);
    let others = scene.processes.iter();
    let children: Vec<&Process> = others.filter(|other| is_child(other, process)).collect();
    let line = if children.is_empty() {
        "     "
    } else {
        " |   "
    };
    let mut sockets = 0;
    for (index, socket) in scene.sockets.iter().enumerate() {
        if has(scene, process, socket) {
            sockets += 1;
            if sockets <= SOCKETS_MAX {
                draw_socket(scene, index + 1, below, line, lines);
            }
        }
    }
    if sockets > SOCKETS_MAX && has_room(lines) {
        out!("{below}{line}and {} more\n", sockets - SOCKETS_MAX);
    }

    // 3. The line ends at the last child.
    for (index, child) in children.iter().enumerate() {
        let line = if index + 1 < children.len() {
            " |   "
        } else {
            "     "
        };
        draw_process(
            scene,
            child,
            &format!("{below} +-- "),
            &format!("{below}{line}"),
            lines,
        );
    }
}

/// Draws the sockets that belong under `heading`, and no process.
fn draw_rest(scene: &Scene, heading: &str, lines: &mut usize) {
    let mut begun = false;

    for (index, socket) in scene.sockets.iter().enumerate() {
        if find_heading(scene, socket) != Some(heading) {
            continue;
        }
        if !begun && has_room(lines) {
            out!("{heading}\n");
        }
        begun = true;
        draw_socket(scene, index + 1, "", "     ", lines);
    }
}

/// What a socket is called that no process has, or none that can be seen.
fn find_heading(scene: &Scene, socket: &Listed) -> Option<&'static str> {
    if is_out_of_sight(scene, socket) {
        return Some(UNSEEN);
    }
    if socket.inode != 0 {
        return None;
    }
    Some(match socket.state {
        TcpState::Established | TcpState::CloseWait => UNACCEPTED,
        _ => NO_PROCESS,
    })
}

fn draw_socket(scene: &Scene, number: usize, below: &str, line: &str, lines: &mut usize) {
    let socket = &scene.sockets[number - 1];

    if !has_room(lines) {
        return;
    }
    out!("{below}{line}{number}: {}", format_endpoint(&socket.local));
    match socket.state {
        TcpState::Listen => return out!(" listens\n"),
        TcpState::Close => return out!(" is bound\n"),
        _ => out!(" <--> {}", format_endpoint(&socket.peer)),
    }
    if let Some(process) = find_peer(scene, socket) {
        out!(" of {} {}", process.pid, process.command);
    }
    match socket.state {
        TcpState::Established => out!("\n"),
        _ => out!(", {}\n", socket.name),
    }
}

/// Who has the other end, if that can be seen from here.
fn find_peer<'a>(scene: &'a Scene, socket: &Listed) -> Option<&'a Process> {
    let ends = |from: &Endpoint, to: &Endpoint| (from.address, from.port, to.address);
    let wanted = ends(&socket.peer, &socket.local);
    let all = scene.peers.iter().chain(&scene.sockets);
    let mut peers = all.filter(|peer| ends(&peer.local, &peer.peer) == wanted);
    let owner = peers.find_map(|peer| owners_of(scene, peer).first())?;
    Some(&scene.processes[owner.process])
}

fn is_child(process: &Process, parent: &Process) -> bool {
    process.holds && parent.holds && process.parent == parent.pid
}

fn has(scene: &Scene, process: &Process, socket: &Listed) -> bool {
    let mut owners = owners_of(scene, socket).iter();
    owners.any(|owner| scene.processes[owner.process].pid == process.pid)
}

/// Counts a line. Returns whether there is room for it; where there is no more, dots say so.
fn has_room(lines: &mut usize) -> bool {
    *lines += 1;
    if *lines == LINES_MAX + 1 {
        out!("...\n");
    }
    *lines <= LINES_MAX
}
