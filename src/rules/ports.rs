//! Where the sockets of `rules` live: a network namespace of their own, or free ports.
//!
//! Twin: `c-reference/rules/ports.c`.

use crate::output::bail;
use crate::sock::{Place, bind_socket, open_socket};
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_INET6, AF_UNIX, CLONE_NEWNET, CLONE_NEWUSER, EADDRINUSE, IFF_UP, SIOCSIFFLAGS,
    SOCK_STREAM, c_char, c_int, c_short, ifreq, sa_family_t, sockaddr_un, socklen_t,
};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI32, AtomicU16, Ordering};

/// Ports below those that Linux, unless told otherwise, chooses for clients (32768 and up).
pub const FIRST_PORT: u16 = 10000;
/// The last of them.
pub const LAST_PORT: u16 = 32767;

/// Moves to a network namespace of our own, lo up. An error is unshare(2)'s.
pub fn own_network() -> Result<(), Errno> {
    // 1. A user namespace lets anybody have a network namespace; root may do without one.
    // SAFETY: this process has one thread, and nothing of it depends on its namespaces.
    if unsafe { libc::unshare(CLONE_NEWUSER | CLONE_NEWNET) } == -1
        // SAFETY: as above.
        && unsafe { libc::unshare(CLONE_NEWNET) } == -1
    {
        return Err(errno());
    }

    // 2. It begins with lo, which is down.
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        bail("socket", "lo", errno());
    }
    // SAFETY: ifreq is arrays, numbers and a pointer: all zeros is a value of it.
    let mut request: ifreq = unsafe { mem::zeroed() };
    request.ifr_name[..2].copy_from_slice(&[b'l' as c_char, b'o' as c_char]);
    request.ifr_ifru.ifru_flags = IFF_UP as c_short;
    // SAFETY: SIOCSIFFLAGS reads an ifreq, which request is.
    if unsafe { libc::ioctl(s, SIOCSIFFLAGS, &raw const request) } == -1 {
        bail("ioctl SIOCSIFFLAGS", "lo", errno());
    }
    // SAFETY: s is ours, and not used again.
    unsafe { libc::close(s) };
    Ok(())
}

/// Whether ::1 can be bound; an error says why not.
pub fn has_ipv6() -> Result<(), Errno> {
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::socket(AF_INET6, SOCK_STREAM, 0) };
    if s == -1 {
        return Err(errno());
    }
    let z = bind_socket(s, IpAddr::V6(Ipv6Addr::LOCALHOST), 0);
    // SAFETY: s is ours, and not used again.
    unsafe { libc::close(s) };
    z
}

/// A socket for `place` with its options, bound to the next of these ports that nobody on this network
/// uses, and the port. Bails where that fails.
pub fn take_port(place: &Place, reuseaddr: bool, reuseport: bool) -> (c_int, u16) {
    loop {
        let port = next_port();
        let s = open_socket(place, reuseaddr, reuseport);
        match bind_socket(s, place.address, port) {
            Ok(()) => return (s, port),
            // 3. Somebody else may come in between, on a network that we share.
            Err(Errno(EADDRINUSE)) => {}
            Err(reason) => bail("bind", place.name, reason),
        }
        // SAFETY: s is ours, and not used again.
        unsafe { libc::close(s) };
    }
}

/// Returns the next port that nobody uses.
fn next_port() -> u16 {
    const IPV4: Place = Place {
        name: "0.0.0.0",
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        reach: IpAddr::V4(Ipv4Addr::LOCALHOST),
        v6only: false,
    };
    const BOTH: Place = Place {
        name: "::",
        address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        reach: IpAddr::V6(Ipv6Addr::LOCALHOST),
        v6only: false,
    };
    static WILDCARD: LazyLock<&Place> = LazyLock::new(|| match has_ipv6() {
        Ok(()) => &BOTH,
        Err(_) => &IPV4,
    });
    static PORT: AtomicU16 = AtomicU16::new(0);
    static LOCK: AtomicI32 = AtomicI32::new(-1);

    // 4. Two of us on one network begin at different ports.
    let wildcard = *WILDCARD;
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
            // SAFETY: the lock is ours, and not used again.
            unsafe { libc::close(lock) };
        }
        let Some(lock) = reserve(port) else { continue };
        LOCK.store(lock, Ordering::Relaxed);

        // 6. All addresses without SO_REUSEADDR: then nobody has any of them.
        let s = open_socket(wildcard, false, false);
        let z = bind_socket(s, wildcard.address, port);
        // SAFETY: s is ours, and not used again.
        unsafe { libc::close(s) };
        match z {
            Ok(()) => {
                PORT.store(port, Ordering::Relaxed);
                return port;
            }
            Err(Errno(EADDRINUSE)) => {}
            Err(reason) => bail("bind", wildcard.name, reason),
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
        bail("socket", "AF_UNIX", errno());
    }
    let length = size_of_val(&name) as socklen_t;
    // SAFETY: the kernel reads a sockaddr_un where there is one, and its size is said.
    if unsafe { libc::bind(lock, (&raw const name).cast(), length) } == 0 {
        return Some(lock);
    }
    if errno().0 != EADDRINUSE {
        bail("bind", "AF_UNIX", errno());
    }
    // SAFETY: it is ours, and not used again.
    unsafe { libc::close(lock) };
    None
}
