//! Prints a table of the sockets, with the holders below each socket.
//! C counterpart: `c-reference/explain/print_sockets.c`.

use crate::address::format_endpoint;
use crate::conflict::TcpState;
use crate::explain::snapshot::{
    IDS_MAX, Snapshot, SocketEntry, describe_unheld, has_unseen_holder, is_unaccepted, state_name,
};
use errno::Errno;
use libc::{AF_INET6, ENOSYS, EPERM};

fn peer_text(entry: &SocketEntry) -> String {
    match entry.state {
        TcpState::Listen | TcpState::Close => "-".into(),
        _ => format_endpoint(&entry.peer).to_string(),
    }
}

fn digit(option: Option<bool>) -> char {
    option.map_or('?', |set| if set { '1' } else { '0' })
}

/// Prints the lines below `entry`: its holders, or why there is none.
fn print_details(snapshot: &Snapshot, entry: &SocketEntry) {
    for holder in entry.holders.iter().take(IDS_MAX) {
        let process = &snapshot.processes[holder.process];
        let (pid, uid, fd) = (process.pid, process.uid, holder.fd);
        out!(
            "    held by pid {pid} ({}), fd {fd}, uid {uid}\n",
            process.command
        );
    }
    if entry.holders.len() > IDS_MAX {
        out!("    more descriptors: {}\n", entry.holders.len() - IDS_MAX);
    }
    if let Some(seconds) = entry.seconds {
        out!("    no process, {seconds} s left\n");
    } else if entry.state == TcpState::SynRecv {
        out!("    no process; the handshake is not complete\n");
    } else if entry.inode == 0 && !is_unaccepted(entry) {
        out!("    no process; kept until the peer closes or the kernel gives up\n");
    } else if let Some(description) = describe_unheld(entry) {
        out!("    {description}\n");
    }
    if entry.local.family == AF_INET6 && entry.v6only == Some(true) {
        out!("    v6only\n");
    }
}

/// Prints what could not be read, and what would help.
fn print_notes(snapshot: &Snapshot) {
    // SAFETY: no arguments; always succeeds.
    let root = unsafe { libc::geteuid() } == 0;
    let sockets = snapshot.relevant();
    let unseen = sockets.iter().any(has_unseen_holder);
    let unread = |entry: &SocketEntry| entry.reuseaddr.is_none() && !entry.holders.is_empty();

    if let Some(error) = snapshot.diag_error {
        out!(
            "The sockets cannot be listed (sock_diag: {error}).\n\
             The trial binds below do not depend on the list.\n"
        );
    }
    if let Some(error) = snapshot.proc_error {
        out!("The processes cannot be listed (/proc: {error}); is it mounted?\n");
    } else if unseen && snapshot.hidden && root {
        out!("Some processes are hidden even from root; CAP_SYS_PTRACE is missing.\n");
    } else if unseen && !root {
        out!("Other users' processes are hidden; run as root to see them.\n");
    } else if unseen {
        out!(
            "The owner may be in another PID namespace; run explain there or on the host.\n\
             A socket in flight over a UNIX socket (SCM_RIGHTS) has no process, nor has a\n\
             socket of the kernel.\n"
        );
    }
    match snapshot.getfd_error.filter(|_| sockets.iter().any(unread)) {
        None => {}
        Some(Errno(ENOSYS)) => {
            out!("Options cannot be read: pidfd_getfd needs Linux 5.6 or newer.\n")
        }
        Some(error) => {
            let end = match error {
                Errno(EPERM) if root => "CAP_SYS_PTRACE is missing.\n",
                Errno(EPERM) => "Run as root to read them.\n",
                _ => "",
            };
            out!("Options cannot be read (pidfd_getfd: {error}).\n{end}");
        }
    }
}

/// Prints the sockets and their holders, then what could not be read.
pub fn print_sockets(snapshot: &Snapshot) {
    let sockets = snapshot.relevant();
    let mut local_width = "local".len();
    let mut peer_width = "peer".len();
    let number_width = sockets.len().to_string().len();

    if sockets.len() + snapshot.others == 0 && snapshot.diag_error.is_none() {
        let port = snapshot.port;
        out!("No TCP socket uses port {port} in this network namespace.\n");
    }

    for entry in sockets {
        local_width = local_width.max(format_endpoint(&entry.local).to_string().len());
        peer_width = peer_width.max(peer_text(entry).len());
    }
    if !sockets.is_empty() {
        let (number, state, local, peer) = ("#", "state", "local", "peer");
        out!(
            "{number:>number_width$}  {state:<11}  {local:<local_width$}  {peer:<peer_width$}  \
             reuseaddr  reuseport  uid\n"
        );
    }
    for (index, entry) in sockets.iter().enumerate() {
        let (number, state) = (index + 1, state_name(entry.state));
        let (local, peer) = (format_endpoint(&entry.local).to_string(), peer_text(entry));
        let (reuseaddr, reuseport) = (digit(entry.reuseaddr), digit(entry.reuseport));
        let uid = match entry.inode {
            0 => "-".into(),
            _ => entry.uid.to_string(),
        };
        out!(
            "{number:>number_width$}  {state:<11}  {local:<local_width$}  {peer:<peer_width$}  \
             {reuseaddr}          {reuseport}          {uid}\n"
        );
        print_details(snapshot, entry);
    }
    if snapshot.others > 0 {
        let others = snapshot.others;
        out!("Sockets on other addresses of this port, without conflict: {others}.\n");
    }
    print_notes(snapshot);
}
