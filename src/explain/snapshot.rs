//! What is around a port at one moment, in a fixed order, and what may be asked of it.
//!
//! Twin: `c-reference/explain/snapshot.c`.

use crate::address::Endpoint;
use crate::conflict::TcpState;
use crate::explain::procfs::find_owners;
use crate::explain::sock_diag::find_sockets;
use errno::Errno;
use libc::{c_int, ino_t, pid_t, uid_t};
use std::cmp::Ordering;

/// A socket as sock_diag(7) lists it; its options as getsockopt(2) says, if they can be read.
pub struct Listed {
    /// Of its state.
    pub name: &'static str,
    /// What that is to the rule.
    pub state: TcpState,
    pub local: Endpoint,
    pub peer: Endpoint,
    /// The kernel's name for it, whatever becomes of it.
    pub cookie: u64,
    /// 0: no process has it, or none yet.
    pub inode: ino_t,
    /// TIME_WAIT and FIN_WAIT2 without a process: how long still.
    pub seconds: Option<u32>,
    pub reuseaddr: Option<bool>,
    pub reuseport: Option<bool>,
    pub v6only: Option<bool>,
}

/// A process that has one of the sockets.
pub struct Process {
    pub pid: pid_t,
    pub parent: pid_t,
    /// The effective one.
    pub uid: uid_t,
    pub command: String,
    /// The port, and not only a peer.
    pub holds: bool,
}

/// A process's descriptor for a socket.
pub struct Owner {
    pub inode: ino_t,
    /// Which one of the scene.
    pub process: usize,
    pub fd: c_int,
}

/// What is seen around a port.
#[derive(Default)]
pub struct Scene {
    pub port: u16,
    /// Those that have the port.
    pub sockets: Vec<Listed>,
    /// So many more have it, on addresses that do not matter.
    pub others: usize,
    /// Theirs, if they are on this machine.
    pub peers: Vec<Listed>,
    /// Those that have one of all these, by pid.
    pub processes: Vec<Process>,
    /// By inode, pid and descriptor.
    pub owners: Vec<Owner>,
    /// Whether there are processes whose descriptors may not be seen.
    pub hidden: bool,
    /// Why the sockets cannot be listed,
    pub diag_error: Option<Errno>,
    /// or the processes,
    pub proc_error: Option<Errno>,
    /// or the options of a socket be read.
    pub getfd_error: Option<Errno>,
}

/// What is around `port` now.
pub fn look(port: u16) -> Scene {
    let mut scene = Scene {
        port,
        ..Scene::default()
    };
    find_sockets(&mut scene);
    find_owners(&mut scene);
    scene
}

/// Leaves out the sockets that the kernel lists no more, and puts the others in order.
pub fn keep_present(scene: &mut Scene) {
    let mut now = Scene {
        port: scene.port,
        ..Scene::default()
    };

    // 1. What is listed again is as it is now; what was known of it is still so.
    find_sockets(&mut now);
    scene.diag_error = scene.diag_error.or(now.diag_error);
    scene.sockets.sort_by(by_cookie);
    now.sockets.retain_mut(|socket| {
        let known = scene
            .sockets
            .binary_search_by(|known| by_cookie(known, socket));
        let Ok(known) = known else { return false };
        let known = &scene.sockets[known];
        socket.reuseaddr = known.reuseaddr;
        socket.reuseport = known.reuseport;
        socket.v6only = socket.v6only.or(known.v6only);
        true
    });
    scene.sockets = now.sockets;

    // 2. In an order that does not hang on the kernel's tables.
    scene.sockets.sort_by(by_rank);
}

/// Marks the processes that have one of the sockets.
pub fn mark_holders(scene: &mut Scene) {
    let sockets = scene.sockets.iter();
    let holders: Vec<usize> = sockets
        .flat_map(|socket| owners_of(scene, socket))
        .map(|owner| owner.process)
        .collect();
    for process in holders {
        scene.processes[process].holds = true;
    }
}

fn by_cookie(left: &Listed, right: &Listed) -> Ordering {
    left.cookie.cmp(&right.cookie)
}

/// Who listens first, then who is bound, then the connections.
fn by_rank(left: &Listed, right: &Listed) -> Ordering {
    let [left_rank, right_rank] = [left, right].map(|socket| match socket.state {
        TcpState::Listen => 0,
        TcpState::Close => 1,
        _ => 2,
    });
    left_rank
        .cmp(&right_rank)
        .then_with(|| compare(&left.local, &right.local))
        .then_with(|| compare(&left.peer, &right.peer))
        .then_with(|| left.inode.cmp(&right.inode))
}

fn compare(left: &Endpoint, right: &Endpoint) -> Ordering {
    let key = |endpoint: &Endpoint| (endpoint.address, endpoint.port, endpoint.family);
    key(left).cmp(&key(right))
}

/// Those who have `socket`.
pub fn owners_of<'a>(scene: &'a Scene, socket: &Listed) -> &'a [Owner] {
    let start = scene
        .owners
        .partition_point(|owner| owner.inode < socket.inode);
    let rest = &scene.owners[start..];
    let count = rest
        .iter()
        .take_while(|owner| owner.inode == socket.inode)
        .count();
    &rest[..count]
}

/// Whether a process seems to have `socket`, but none is seen.
pub fn is_out_of_sight(scene: &Scene, socket: &Listed) -> bool {
    socket.inode != 0 && owners_of(scene, socket).is_empty()
}
