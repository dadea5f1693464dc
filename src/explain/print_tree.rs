//! Prints the current Figure 12.1: the listener, its children, their clients.
//! C counterpart: `c-reference/explain/print_tree.c`.

use crate::address::format_endpoint;
use crate::conflict::TcpState;
use crate::explain::snapshot::{
    NO_PROCESS, NOT_ACCEPTED, NOT_VISIBLE, Process, Snapshot, SocketEntry, describe_unheld,
    find_peer, state_name,
};

/// Largest number of lines of the tree, and of sockets of one process. The table has them all.
const LINES_MAX: usize = 24;
const SOCKETS_MAX: usize = 6;

/// Counts a line. Returns whether there is room for it; prints dots after the last one.
fn has_room(lines: &mut usize) -> bool {
    if *lines == LINES_MAX {
        out!("...\n");
    }
    *lines += 1;
    *lines <= LINES_MAX
}

fn is_child(process: &Process, parent: &Process) -> bool {
    process.holds_port && parent.holds_port && process.parent == parent.pid
}

fn holds_socket(snapshot: &Snapshot, process: &Process, entry: &SocketEntry) -> bool {
    let mut holders = entry.holders.iter();
    holders.any(|holder| snapshot.processes[holder.process].pid == process.pid)
}

fn print_socket(snapshot: &Snapshot, number: usize, indent: &str, line: &str, lines: &mut usize) {
    let entry = &snapshot.sockets[number - 1];

    if !has_room(lines) {
        return;
    }
    out!("{indent}{line}{number}: {}", format_endpoint(&entry.local));
    match entry.state {
        TcpState::Listen => return out!(", listening\n"),
        TcpState::Close => return out!(", bound, not listening\n"),
        _ => out!(" <--> {}", format_endpoint(&entry.peer)),
    }
    if let Some(process) = find_peer(snapshot, entry) {
        out!(" ({} {})", process.pid, process.command);
    }
    if entry.state != TcpState::Established {
        out!(", {}", state_name(entry.state));
    }
    out!("\n");
}

/// Prints the sockets that belong below `heading`.
fn print_rest(snapshot: &Snapshot, heading: &str, lines: &mut usize) {
    let mut begun = false;

    for (index, entry) in snapshot.relevant().iter().enumerate() {
        if describe_unheld(entry) != Some(heading) {
            continue;
        }
        if !begun && has_room(lines) {
            out!("{heading}\n");
        }
        begun = true;
        print_socket(snapshot, index + 1, "", "     ", lines);
    }
}

/// Prints `process`, its sockets and its children. Its own line ends `indent` with a branch.
fn print_process(snapshot: &Snapshot, process: &Process, indent: &str, lines: &mut usize) {
    let mut sockets = 0;

    if !has_room(lines) {
        return;
    }
    if let Some(outer) = indent.len().checked_sub(" +-- ".len()) {
        out!("{} +-- ", &indent[..outer]);
    }
    out!("{} {}\n", process.pid, process.command);
    let all = snapshot.processes.iter();
    let children: Vec<&Process> = all.filter(|other| is_child(other, process)).collect();
    let line_before = |children: usize| if children > 0 { " |   " } else { "     " };
    let line = line_before(children.len());
    for (index, entry) in snapshot.relevant().iter().enumerate() {
        if holds_socket(snapshot, process, entry) {
            sockets += 1;
            if sockets <= SOCKETS_MAX {
                print_socket(snapshot, index + 1, indent, line, lines);
            }
        }
    }
    if sockets > SOCKETS_MAX && has_room(lines) {
        out!("{indent}{line}and {} more\n", sockets - SOCKETS_MAX);
    }

    for (index, child) in children.iter().enumerate() {
        let child_indent = format!("{indent}{}", line_before(children.len() - index - 1));
        print_process(snapshot, child, &child_indent, lines);
    }
}

/// Prints the processes with their sockets, each child below its parent.
pub fn print_tree(snapshot: &Snapshot) {
    let mut lines = 0;

    if snapshot.count == 0 || snapshot.processes.is_empty() {
        return;
    }
    out!("\n");
    for process in &snapshot.processes {
        let mut others = snapshot.processes.iter();
        let has_parent = others.any(|other| is_child(process, other));
        if process.holds_port && !has_parent {
            print_process(snapshot, process, "", &mut lines);
        }
    }
    print_rest(snapshot, NOT_ACCEPTED, &mut lines);
    print_rest(snapshot, NO_PROCESS, &mut lines);
    print_rest(snapshot, NOT_VISIBLE, &mut lines);
}
