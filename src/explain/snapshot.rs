//! The data that `explain` collects, and look-ups on it.
//! C counterpart: `c-reference/explain/snapshot.c`.

use crate::address::Endpoint;
use crate::conflict::TcpState;
use errno::Errno;
use libc::{c_int, pid_t, uid_t};
use std::cmp::Ordering;

/// A process's descriptor for a socket.
#[derive(Clone)]
pub struct Holder {
    /// Index in the snapshot.
    pub process: usize,
    pub fd: c_int,
}

/// A socket as listed by sock_diag(7), with its options as read by getsockopt(2): None if unknown.
#[derive(Clone)]
pub struct SocketEntry {
    /// On the port. False for peers and for sockets that are left out.
    pub relevant: bool,
    pub state: TcpState,
    pub local: Endpoint,
    pub peer: Endpoint,
    /// Identifies the socket for its whole life.
    pub cookie: u64,
    /// 0 if no process holds the socket.
    pub inode: u64,
    /// Owner of the socket's inode, as in this user namespace. Unknown if `inode` is 0.
    pub uid: uid_t,
    /// Seconds remaining in TIME_WAIT, or in FIN_WAIT2 without a process.
    pub seconds: Option<u32>,
    pub reuseaddr: Option<bool>,
    pub reuseport: Option<bool>,
    pub v6only: Option<bool>,
    pub holders: Vec<Holder>,
}

/// A process that holds a socket of the snapshot.
pub struct Process {
    pub pid: pid_t,
    pub parent: pid_t,
    /// Effective user id.
    pub uid: uid_t,
    pub command: String,
    /// Whether it holds a relevant socket.
    pub holds_port: bool,
}

/// The sockets and processes that use a port. An error is None if there was none.
#[derive(Default)]
pub struct Snapshot {
    pub port: u16,
    /// Relevant ones first, after [`sort_sockets`].
    pub sockets: Vec<SocketEntry>,
    /// Number of relevant sockets, after [`sort_sockets`].
    pub count: usize,
    /// Number of sockets on the port that are left out.
    pub others: usize,
    /// By pid.
    pub processes: Vec<Process>,
    /// Of the ephemeral range; 0 if it cannot be read.
    pub first_port: u16,
    /// Of the ephemeral range.
    pub last_port: u16,
    /// Whether the descriptors of some process cannot be read.
    pub hidden: bool,
    /// Error of listing the sockets.
    pub diag_error: Option<Errno>,
    /// Error of listing the processes.
    pub proc_error: Option<Errno>,
    /// Error of copying a descriptor, to read its options.
    pub getfd_error: Option<Errno>,
    /// Errors of the trial bind without SO_REUSEADDR, and with it.
    pub bind_errors: [Option<Errno>; 2],
}

impl Snapshot {
    /// The relevant sockets, after [`sort_sockets`].
    pub fn relevant(&self) -> &[SocketEntry] {
        &self.sockets[..self.count]
    }
}

/// A reason or a piece of advice, in words, and the sockets and processes that it is about.
pub struct Remark {
    /// `%s`: the ephemeral range if `sockets` is empty, the seconds, or the processes.
    pub text: &'static str,
    pub sockets: Vec<usize>,
    pub pids: Vec<usize>,
    /// The longest time left.
    pub seconds: Option<u32>,
}

/// Maximum number of ids printed in a list, and of descriptors printed for a socket.
pub const IDS_MAX: usize = 8;

/// What [`describe_unheld`] returns, and the headings of such sockets in the tree.
pub const NOT_ACCEPTED: &str = "not accepted yet";
pub const NO_PROCESS: &str = "no process";
pub const NOT_VISIBLE: &str = "owner not visible";

/// Returns the state's name in the kernel, but BOUND for [`TcpState::Close`].
pub fn state_name(state: TcpState) -> &'static str {
    match state {
        TcpState::Established => "ESTABLISHED",
        TcpState::SynSent => "SYN_SENT",
        TcpState::SynRecv => "SYN_RECV",
        TcpState::FinWait1 => "FIN_WAIT1",
        TcpState::FinWait2 => "FIN_WAIT2",
        TcpState::TimeWait => "TIME_WAIT",
        TcpState::Close => "BOUND", // a closed socket without a port is not listed
        TcpState::CloseWait => "CLOSE_WAIT",
        TcpState::LastAck => "LAST_ACK",
        TcpState::Listen => "LISTEN",
        TcpState::Closing => "CLOSING",
    }
}

/// Returns whether a process should hold `entry`'s socket but none was found.
pub fn has_unseen_holder(entry: &SocketEntry) -> bool {
    entry.inode != 0 && entry.holders.is_empty()
}

/// Returns whether `entry` is a connection that its listener has not accepted yet.
pub fn is_unaccepted(entry: &SocketEntry) -> bool {
    entry.inode == 0 && matches!(entry.state, TcpState::Established | TcpState::CloseWait)
}

/// Returns in words why no holder of `entry`'s socket is known, or None if one is.
pub fn describe_unheld(entry: &SocketEntry) -> Option<&'static str> {
    if has_unseen_holder(entry) {
        return Some(NOT_VISIBLE);
    }
    if is_unaccepted(entry) {
        return Some(NOT_ACCEPTED);
    }
    (entry.inode == 0).then_some(NO_PROCESS)
}

/// Returns a process that holds the other end of `entry`'s connection.
pub fn find_peer<'a>(snapshot: &'a Snapshot, entry: &SocketEntry) -> Option<&'a Process> {
    let mut sockets = snapshot.sockets.iter();
    let peer = sockets.find(|peer| {
        !peer.holders.is_empty()
            && peer.local.port == entry.peer.port
            && peer.local.address == entry.peer.address
            && peer.peer.port == entry.local.port
            && peer.peer.address == entry.local.address
    })?;
    Some(&snapshot.processes[peer.holders[0].process])
}

fn rank(entry: &SocketEntry) -> usize {
    match entry.state {
        _ if !entry.relevant => 3,
        TcpState::Listen => 0,
        TcpState::Close => 1,
        _ => 2,
    }
}

/// Makes the order independent of the kernel's hash tables.
fn by_rank(left: &SocketEntry, right: &SocketEntry) -> Ordering {
    let key = |entry: &SocketEntry| {
        let (local, peer) = (entry.local, entry.peer);
        (
            rank(entry),
            local.address,
            peer.address,
            peer.port,
            entry.inode,
        )
    };
    key(left).cmp(&key(right))
}

/// Puts the relevant sockets first, in the order of the table, and sets `count` and `holds_port`.
pub fn sort_sockets(snapshot: &mut Snapshot) {
    snapshot.sockets.sort_by(by_rank);
    for entry in snapshot.sockets.iter().take_while(|entry| entry.relevant) {
        for holder in &entry.holders {
            snapshot.processes[holder.process].holds_port = true;
        }
        snapshot.count += 1;
    }
}

/// Adds `id` to `list`, unless `list` has it already or has one more than are printed.
pub fn add_id(list: &mut Vec<usize>, id: usize) {
    if list.len() <= IDS_MAX && !list.contains(&id) {
        list.push(id);
    }
}

/// Returns the remark with this text in `list`, which is added if it is missing.
pub fn find_remark<'a>(list: &'a mut Vec<Remark>, text: &'static str) -> &'a mut Remark {
    let known = list.iter().position(|remark| remark.text == text);
    let index = known.unwrap_or(list.len());
    if index == list.len() {
        list.push(Remark {
            text,
            sockets: Vec::new(),
            pids: Vec::new(),
            seconds: None,
        });
    }
    &mut list[index]
}
