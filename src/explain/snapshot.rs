//! The data that `explain` collects, and look-ups on it.
//! C counterpart: `c-reference/explain/snapshot.c`.

use crate::address::Endpoint;
use crate::conflict::TcpState;
use crate::sock::own_uid;
use errno::Errno;
use libc::{c_int, pid_t, uid_t};
use std::cmp::Ordering;
use std::fs;
use std::sync::LazyLock;

/// Whether existing sockets conflict with a new socket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conflict {
    No,
    Maybe, // depends on an option that could not be read
    Yes,
}

/// A process's descriptor for a socket.
pub struct Holder {
    pub process: usize, // index in the snapshot
    pub fd: c_int,
}

/// A socket as listed by sock_diag(7), with its options as read by getsockopt(2): None if unknown.
pub struct SocketEntry {
    pub udp: bool,
    pub state: TcpState,
    pub local: Endpoint,
    pub peer: Endpoint,
    pub device: u32,          // index of the network device that it is bound to, or 0
    pub inode: u64,           // 0 if no process holds the socket
    pub uid: uid_t, // owner of the inode, mapped to this user namespace; unknown if `inode` is 0
    pub seconds: Option<u32>, // remaining in TIME_WAIT, or in FIN_WAIT2 without a process
    pub reuseaddr: Option<bool>,
    pub reuseport: Option<bool>,
    pub v6only: Option<bool>,
    pub outgoing: bool,       // whether it is probably a client's connection
    pub inferred: bool,       // whether the first two options are inferred from other sockets
    pub blocks: bool, // whether it conflicts, or may conflict, with a server that sets SO_REUSEADDR
    pub holders: Vec<Holder>, // one for each process
}

/// A process that holds a socket of the snapshot.
pub struct Process {
    pub pid: pid_t,
    pub thread: pid_t, // whose descriptors were read; not `pid` if it has its own table
    pub parent: pid_t,
    pub uid: uid_t,      // effective user id
    pub suspended: bool, // by a signal or a tracer
    pub command: String,
}

/// An address and port that a server may bind.
pub struct Target {
    pub endpoint: Endpoint,
    pub error: Option<Errno>, // of binding to the address, regardless of the port
    pub trial: Option<c_int>, // errno or 0 of a bind with SO_REUSEADDR
    pub results: [Conflict; 2], // without SO_REUSEADDR, and with it
}

/// The sockets and processes that use a port. An error is None if there was none.
#[derive(Default)]
pub struct Snapshot {
    pub port: u16,
    pub targets: Vec<Target>,
    pub sockets: Vec<SocketEntry>, // in the order of the output, after predict()
    pub processes: Vec<Process>,
    pub ephemeral: [u16; 2],        // first and last ephemeral port, or zeros
    pub denied: bool,               // whether this user may not bind the port
    pub changed: bool,              // whether a socket was closed before its options were read
    pub hidden: bool,               // whether the descriptors of some process cannot be read
    pub foreign: bool,              // whether /proc shows another PID namespace
    pub diag_error: Option<Errno>,  // of listing the sockets
    pub proc_error: Option<Errno>,  // of listing the processes
    pub getfd_error: Option<Errno>, // of copying a descriptor, to read its options
}

/// The states with the kernel's names, but BOUND for CLOSE: a closed socket without a port is not
/// listed.
#[rustfmt::skip]
pub const STATES: [(TcpState, &str); 11] = [
    (TcpState::Established, "ESTABLISHED"), (TcpState::SynSent, "SYN_SENT"),
    (TcpState::SynRecv, "SYN_RECV"), (TcpState::FinWait1, "FIN_WAIT1"),
    (TcpState::FinWait2, "FIN_WAIT2"), (TcpState::TimeWait, "TIME_WAIT"),
    (TcpState::Close, "BOUND"), (TcpState::CloseWait, "CLOSE_WAIT"),
    (TcpState::LastAck, "LAST_ACK"), (TcpState::Listen, "LISTEN"), (TcpState::Closing, "CLOSING"),
];

/// Returns whether a process should hold `entry`'s socket but none was found.
pub fn has_unseen_holder(entry: &SocketEntry) -> bool {
    entry.inode != 0 && entry.holders.is_empty()
}

/// Returns whether another snapshot may find the holder of a socket: a process of this user, or any
/// user if all can be inspected.
pub fn may_find_holder(snapshot: &Snapshot) -> bool {
    let visible = |entry: &&SocketEntry| !snapshot.hidden || entry.uid == own_uid();
    snapshot
        .sockets
        .iter()
        .filter(visible)
        .any(has_unseen_holder)
}

/// Returns whether a process that cannot be inspected may hold `entry`, and this matters.
pub fn may_have_hidden_holder(snapshot: &Snapshot, entry: &SocketEntry) -> bool {
    let other_user = entry.inode != 0 && entry.uid != own_uid();
    snapshot.hidden && (has_unseen_holder(entry) || entry.blocks && other_user)
}

/// Returns whether `entry` is a connection that its listener has not accepted yet.
pub fn is_unaccepted(entry: &SocketEntry) -> bool {
    entry.inode == 0 && matches!(entry.state, TcpState::Established | TcpState::CloseWait)
}

/// Returns the worst result of all targets, for a server that sets SO_REUSEADDR if `with`.
pub fn worst_result(snapshot: &Snapshot, with: bool) -> Conflict {
    let results = snapshot
        .targets
        .iter()
        .map(|target| target.results[usize::from(with)]);
    results.max().unwrap_or(Conflict::No)
}

/// Orders sockets as they are printed, those that block first. Equal ones can share a line.
pub fn compare_groups(left: &SocketEntry, right: &SocketEntry) -> Ordering {
    let key = |entry: &SocketEntry| {
        let (state, address) = (entry.state, entry.local.address);
        let rank = (
            entry.udp,
            !entry.blocks,
            state != TcpState::Listen,
            state != TcpState::Close,
        );
        let others = [entry.reuseport, entry.v6only].map(|option| option == Some(true));
        let options = (entry.reuseaddr, others, entry.inferred, entry.inode == 0);
        let state = (state as c_int, entry.outgoing);
        (rank, address, state, entry.device, options)
    };
    key(left).cmp(&key(right))
}

/// Orders as [`compare_groups`] does, and equal ones independently of the kernel's hash tables.
pub fn by_group(left: &SocketEntry, right: &SocketEntry) -> Ordering {
    let key = |entry: &SocketEntry| (entry.peer.address, entry.peer.port, entry.inode);
    compare_groups(left, right).then_with(|| key(left).cmp(&key(right)))
}

/// Returns `bytes` with a question mark for each that is not printable, and spaces for NULs.
pub fn printable(bytes: &[u8]) -> String {
    let printable = |&byte| match byte {
        0 => ' ',
        b' '..=b'~' => char::from(byte),
        _ => '?',
    };
    bytes.iter().map(printable).collect()
}

/// Returns the name of user `uid`, or the number if `/etc/passwd` does not have it.
pub fn user_name(uid: uid_t) -> String {
    static PASSWD: LazyLock<Vec<u8>> =
        LazyLock::new(|| fs::read("/etc/passwd").unwrap_or_default());
    let number = uid.to_string();
    let mut lines = PASSWD.split(|&byte| byte == b'\n');
    let name = lines.find_map(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        let name = fields.next()?;
        (fields.nth(1)? == number.as_bytes()).then(|| printable(name))
    });
    name.unwrap_or(number)
}
