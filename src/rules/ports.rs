//! Free ports.
//! C counterpart: `c-reference/rules/ports.c`.

use crate::conflict::TcpSocket;
use crate::output::exit_with_error;
use crate::rules::target::{V4_LO, bind_planned, open_planned};
use crate::sock::close_fd;
use errno::{Errno, errno};
use libc::{AF_INET, EADDRINUSE, SOCK_DGRAM, c_int};

/// Below the default ephemeral range, which begins at 32768.
pub const FIRST_PORT: u16 = 10000;
const LAST_PORT: u16 = 32767;

/// The search for free ports. It starts after `port`.
pub struct Ports {
    /// Conflicts with every socket on its port.
    pub wildcard: TcpSocket,
    /// The port taken last.
    pub port: u16,
    /// UDP socket that reserves the port, or -1.
    pub udp: c_int,
}

/// Binds `s` to `port`. Returns whether the port was free.
fn bind_free(s: c_int, plan: &TcpSocket, port: u16) -> bool {
    match bind_planned(s, plan, port) {
        Ok(()) => true,
        Err(Errno(EADDRINUSE)) => false,
        Err(reason) => exit_with_error("bind", "a free port", reason),
    }
}

/// Finds the next free port, and returns a new socket bound to it. Exits if no port is free.
pub fn take_port(ports: &mut Ports, plan: &TcpSocket) -> c_int {
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
        if !is_free {
            continue;
        }

        let s = open_planned(plan);
        if bind_free(s, plan, ports.port) {
            return s;
        }
        close_fd(s);
    }
    let ports = format!("ports {FIRST_PORT} to {LAST_PORT}");
    exit_with_error("bind", ports, Errno(EADDRINUSE))
}
