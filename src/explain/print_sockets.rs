//! The sockets of a port as a table, and below each of them who has it.
//!
//! A line that begins with a number is a socket, and the lines further in are about it.
//! Twin: `c-reference/explain/print_sockets.c`.

use crate::address::format_endpoint;
use crate::conflict::TcpState;
use crate::explain::snapshot::{Listed, Scene, is_out_of_sight, owners_of};
use crate::output::out;
use errno::Errno;
use libc::{AF_INET6, ENOENT, ENOSYS};

/// So many numbers of a set are printed.
const NUMBERS_MAX: usize = 8;

/// Prints the sockets of `scene`, with those who have them, and what could not be seen.
pub fn list(scene: &Scene) {
    if scene.sockets.len() + scene.others == 0 && scene.diag_error.is_none() {
        out!(
            "No TCP socket has port {} in this network namespace.\n",
            scene.port
        );
    }

    // 1. As wide as the widest, and a line for each.
    let rows: Vec<(String, String)> = scene
        .sockets
        .iter()
        .map(|socket| {
            (
                format_endpoint(&socket.local).to_string(),
                peer_text(socket),
            )
        })
        .collect();
    let local_width = rows
        .iter()
        .map(|(local, _)| local.len())
        .fold("local".len(), usize::max);
    let peer_width = rows
        .iter()
        .map(|(_, peer)| peer.len())
        .fold("peer".len(), usize::max);
    let number_width = rows.len().to_string().len();
    if !rows.is_empty() {
        out!(
            "{:>number_width$}  {:<11}  {:<local_width$}  {:<peer_width$}  reuseaddr  reuseport\n",
            "#",
            "state",
            "local",
            "peer"
        );
    }
    for (index, (socket, (local, peer))) in scene.sockets.iter().zip(&rows).enumerate() {
        out!(
            "{:>number_width$}  {:<11}  {local:<local_width$}  {peer:<peer_width$}  {}          {}\n",
            index + 1,
            socket.name,
            digit(socket.reuseaddr),
            digit(socket.reuseport)
        );
        print_details(scene, socket);
    }
    if scene.others > 0 {
        out!(
            "Not in the way: {} that have the port on other addresses.\n",
            scene.others
        );
    }
    print_notes(scene);
}

fn peer_text(socket: &Listed) -> String {
    match socket.state {
        TcpState::Listen | TcpState::Close => "-".to_string(),
        _ => format_endpoint(&socket.peer).to_string(),
    }
}

fn digit(option: Option<bool>) -> char {
    option.map_or('?', |set| if set { '1' } else { '0' })
}

fn print_details(scene: &Scene, socket: &Listed) {
    // 2. Each descriptor: a listener that a child keeps open has two.
    for owner in owners_of(scene, socket) {
        let process = &scene.processes[owner.process];
        out!(
            "    pid {} fd {} uid {} {}\n",
            process.pid,
            owner.fd,
            process.uid,
            process.command
        );
    }
    if is_out_of_sight(scene, socket) {
        out!("    no process that is seen from here\n");
    }
    if socket.inode == 0 {
        let text = ownerless(socket);
        match socket.seconds {
            Some(seconds) => out!("    {text}, for {seconds} s\n"),
            None => out!("    {text}\n"),
        }
    }
    if socket.local.family == AF_INET6 && socket.v6only == Some(true) {
        out!("    v6only\n");
    }
}

/// What it means that no process has it.
fn ownerless(socket: &Listed) -> &'static str {
    match socket.state {
        TcpState::Established | TcpState::CloseWait => "not accepted yet",
        TcpState::SynRecv => "not connected yet",
        _ if socket.seconds.is_none() => {
            "no process, until its peer has closed or the kernel gives up"
        }
        _ => "no process",
    }
}

/// What could not be found out, and where it can be.
fn print_notes(scene: &Scene) {
    // SAFETY: nothing goes in, a number comes out.
    let root = unsafe { libc::geteuid() } == 0;
    let mut out_of_sight = false;
    let mut unread = false;

    for socket in &scene.sockets {
        let hidden = is_out_of_sight(scene, socket);
        out_of_sight |= hidden;
        unread |= socket.reuseaddr.is_none() && socket.inode != 0 && !hidden;
    }

    // 3. The sockets are asked of the kernel, the rest of /proc and of the processes.
    if let Some(reason) = scene.diag_error {
        out!(
            "The sockets cannot be listed (sock_diag: {reason});\n\
             a bind is tried all the same.\n"
        );
    }
    if let Some(reason) = scene.proc_error {
        let mounted = match reason.0 {
            ENOENT => ": is it mounted?",
            _ => ".",
        };
        out!("The processes cannot be listed (/proc: {reason}){mounted}\n");
    } else if out_of_sight && scene.hidden && root {
        out!("Some processes are hidden, even from root: it takes CAP_SYS_PTRACE.\n");
    } else if out_of_sight && !root {
        out!("Other users' processes are hidden; root sees them (sudo).\n");
    } else if out_of_sight {
        out!(
            "Who has them may be in another PID namespace: look from there, or from the host.\n\
             A socket on its way through a UNIX one, or the kernel's own, has no process.\n"
        );
    }

    // 4. Where none was found, there was nobody to ask.
    if !unread {
        return;
    }
    match scene.getfd_error {
        None => {}
        Some(Errno(ENOSYS)) => {
            out!("Options cannot be read: pidfd_getfd needs Linux 5.6 or newer.\n")
        }
        Some(reason) => {
            let remedy = match root {
                true => ": CAP_SYS_PTRACE is missing",
                false => "; root may (sudo)",
            };
            out!("Options cannot be read (pidfd_getfd: {reason}){remedy}.\n");
        }
    }
}

/// Puts `number` into `numbers`, if it is not there and there is room.
pub fn add_number(numbers: &mut Vec<usize>, number: usize) {
    if numbers.len() <= NUMBERS_MAX && !numbers.contains(&number) {
        numbers.push(number);
    }
}

/// Prints `numbers`, and whether there are more.
pub fn print_numbers(numbers: &[usize]) {
    let texts: Vec<String> = numbers
        .iter()
        .take(NUMBERS_MAX)
        .map(usize::to_string)
        .collect();
    let more = if numbers.len() > NUMBERS_MAX {
        " and more"
    } else {
        ""
    };
    out!("{}{more}", texts.join(", "));
}
