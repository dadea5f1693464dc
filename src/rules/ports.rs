//! Ports that are free.
//!
//! C counterpart: `c-reference/rules/ports.c`.

use crate::address::Endpoint;
use crate::netns::has_ipv6;
use crate::output::exit_with_error;
use crate::rules::target::{Target, open_target, with_port};
use crate::sock::{bind_socket, close_fd, open_socket};
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_INET6, AF_UNIX, EADDRINUSE, SOCK_STREAM, c_char, c_int, sa_family_t, sockaddr_un,
    socklen_t,
};
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicI32, AtomicU16, Ordering};

/// Ports below those that Linux, unless told otherwise, chooses for clients (32768 and up).
pub const FIRST_PORT: u16 = 10000;
/// The last of them.
pub const LAST_PORT: u16 = 32767;

/// A socket for `place` with its options, bound to the next of these ports that nobody on this network
/// uses, and the port. Bails where that fails.
pub fn take_port(target: &Target, reuseaddr: bool, reuseport: bool) -> (c_int, u16) {
    loop {
        let port = next_port();
        let s = open_target(target, reuseaddr, reuseport);
        match bind_socket(s, &with_port(target.endpoint, port)) {
            Ok(()) => return (s, port),
            // 3. Somebody else may come in between, on a network that we share.
            Err(Errno(EADDRINUSE)) => {}
            Err(reason) => exit_with_error("bind", target.name, reason),
        }
        close_fd(s);
    }
}

/// Returns the next port that nobody uses.
fn next_port() -> u16 {
    static PORT: AtomicU16 = AtomicU16::new(0);
    static LOCK: AtomicI32 = AtomicI32::new(-1);

    // 4. Two of us on one network begin at different ports.
    let mut wildcard = match has_ipv6() {
        Ok(()) => Endpoint {
            family: AF_INET6,
            address: Ipv6Addr::UNSPECIFIED,
            port: 0,
        },
        Err(_) => Endpoint {
            family: AF_INET,
            address: Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(),
            port: 0,
        },
    };
    let mut port = PORT.load(Ordering::Relaxed);
    if port == 0 {
        // SAFETY: nothing goes in, a number comes out.
        let pid = unsafe { libc::getpid() };
        port = FIRST_PORT + (i64::from(pid) * 997 % i64::from(LAST_PORT - FIRST_PORT)) as u16;
    }
    loop {
        port = if port < LAST_PORT {
            port + 1
        } else {
            FIRST_PORT
        };

        // 5. And where they meet, one passes on: an AF_UNIX name says that the port is taken.
        let lock = LOCK.swap(-1, Ordering::Relaxed);
        if lock != -1 {
            close_fd(lock);
        }
        let Some(lock) = reserve(port) else { continue };
        LOCK.store(lock, Ordering::Relaxed);

        // 6. All addresses without SO_REUSEADDR: then nobody has any of them.
        let s = open_socket(wildcard.family, false, false, false);
        wildcard.port = port;
        let z = bind_socket(s, &wildcard);
        close_fd(s);
        match z {
            Ok(()) => {
                PORT.store(port, Ordering::Relaxed);
                return port;
            }
            Err(Errno(EADDRINUSE)) => {}
            Err(reason) => exit_with_error("bind", "a wildcard address", reason),
        }
    }
}

/// Binds an abstract name for `port`. Returns the socket, unless somebody has it.
fn reserve(port: u16) -> Option<c_int> {
    // SAFETY: sockaddr_un is a number and an array: all zeros is a value of it.
    let mut name: sockaddr_un = unsafe { mem::zeroed() };
    name.sun_family = AF_UNIX as sa_family_t;
    let text = format!("reuseaddr rules {port}");
    for (to, from) in name.sun_path[1..].iter_mut().zip(text.bytes()) {
        *to = from as c_char;
    }
    // SAFETY: numbers go in, a number comes out.
    let lock = unsafe { libc::socket(AF_UNIX, SOCK_STREAM, 0) };
    if lock == -1 {
        exit_with_error("socket", "AF_UNIX", errno());
    }
    let length = size_of_val(&name) as socklen_t;
    // SAFETY: the kernel reads a sockaddr_un where there is one, and its size is said.
    if unsafe { libc::bind(lock, (&raw const name).cast(), length) } == 0 {
        return Some(lock);
    }
    if errno().0 != EADDRINUSE {
        exit_with_error("bind", "AF_UNIX", errno());
    }
    close_fd(lock);
    None
}
