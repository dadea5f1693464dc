//! Free ports.
//! C counterpart: `c-reference/rules/ports.c`.

use crate::conflict::{Bucket, Kernel, TcpSocket};
use crate::output::exit_with_error;
use crate::rules::target::*;
use crate::sock::{close_fd, own_uid};
use errno::{Errno, errno};
use libc::{AF_INET, EADDRINUSE, SOCK_DGRAM, c_int, uid_t};

/// Below the default ephemeral range, which begins at 32768.
pub const FIRST_PORT: u16 = 10000;
const LAST_PORT: u16 = 32767;

/// Descriptors of a socket on the port, and of its peer.
pub struct Ends {
    /// -1 if it is closed.
    pub fd: c_int,
    /// -1 if the socket is not connected.
    pub peer: c_int,
}

/// The ports under test, one after the other.
pub struct Ports {
    /// Conflicts with every socket on its port.
    pub wildcard: TcpSocket,
    /// The port taken last.
    pub port: u16,
    /// UDP socket that reserves the port, or -1.
    pub udp: c_int,
    /// Whether ::1 can be bound.
    pub ipv6: bool,
    /// A user id that this process may give a socket, or its own.
    pub other_user: uid_t,
    pub kernel: Kernel,
    /// What the kernel remembers of `port`.
    pub bucket: Bucket,
    /// The sockets on `port`.
    pub sockets: Vec<TcpSocket>,
    /// Their descriptors, in the same order.
    pub ends: Vec<Ends>,
    pub results: usize,
    pub contradictions: usize,
}

pub fn is_usable(ports: &Ports, target: &Target) -> bool {
    ports.ipv6 || target.socket.family == AF_INET
}

pub fn has_other_user(ports: &Ports) -> bool {
    ports.other_user != own_uid()
}

/// Returns the socket of `target` with the options, user and device of `plan`.
pub fn with_plan(ports: &Ports, target: &Target, plan: &Plan) -> TcpSocket {
    let mut socket = with_options(target, plan.reuseaddr, plan.reuseport);
    if plan.other_user {
        socket.uid = ports.other_user;
    }
    socket.device = plan.device;
    socket
}

/// Counts a result. Returns whether it is as predicted.
pub fn count_result(ports: &mut Ports, is_right: bool) -> bool {
    ports.results += 1;
    ports.contradictions += usize::from(!is_right);
    is_right
}

/// Binds `s` to `port`. Returns whether the port was free.
fn bind_free(s: c_int, plan: &TcpSocket, port: u16) -> bool {
    match bind_planned(s, plan, port) {
        Ok(()) => true,
        Err(Errno(EADDRINUSE)) => false,
        Err(reason) => exit_with_error("bind", "a free port", reason),
    }
}

/// Finds the next free port. Exits if no port is free.
pub fn take_port(ports: &mut Ports) {
    for _ in FIRST_PORT..=LAST_PORT {
        ports.port += 1;
        if ports.port > LAST_PORT {
            ports.port = FIRST_PORT;
        }

        // Other processes that run rules on this network skip a port whose UDP port is in use.
        if ports.udp != -1 {
            close_fd(ports.udp);
        }
        // SAFETY: no pointers; any argument value is safe.
        ports.udp = unsafe { libc::socket(AF_INET, SOCK_DGRAM, 0) };
        if ports.udp == -1 {
            exit_with_error("socket", "UDP", errno());
        }
        if !bind_free(ports.udp, &V4_LO.socket, ports.port) {
            continue;
        }

        // Without options, a wildcard conflicts with every other socket on the port.
        let s = open_planned(&ports.wildcard);
        let is_free = bind_free(s, &ports.wildcard, ports.port);
        close_fd(s);
        if is_free {
            return;
        }
    }
    exit_with_error(
        "bind",
        format_args!("ports {FIRST_PORT} to {LAST_PORT}"),
        Errno(EADDRINUSE),
    )
}
