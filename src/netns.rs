//! The network that `rules` and `abi` work in.
//! C counterpart: `c-reference/netns.c`.

use crate::address::Endpoint;
use crate::output::exit_with_error;
use crate::sock::{bind_socket, close_fd};
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_INET6, CLONE_NEWNET, CLONE_NEWUSER, IFF_UP, SIOCSIFFLAGS, SOCK_STREAM, c_char,
    c_short, ifreq,
};
use std::mem;
use std::net::Ipv6Addr;

/// Moves the process to a new network namespace and brings its loopback interface up. An error is
/// unshare(2)'s.
pub fn enter_netns() -> Result<(), Errno> {
    // SAFETY: ifreq is integers, arrays and a pointer, for which zero is valid.
    let mut request: ifreq = unsafe { mem::zeroed() };

    // Any user may create a network namespace in a new user namespace; root needs none.
    // SAFETY: the process has one thread, which holds nothing that belongs to the old namespaces.
    if unsafe { libc::unshare(CLONE_NEWUSER | CLONE_NEWNET) } == -1
        // SAFETY: as above.
        && unsafe { libc::unshare(CLONE_NEWNET) } == -1
    {
        return Err(errno());
    }

    // The only interface of a new namespace is lo, and it is down.
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        exit_with_error("socket", "lo", errno());
    }
    request.ifr_name[..2].copy_from_slice(&[b'l' as c_char, b'o' as c_char]);
    request.ifr_ifru.ifru_flags = IFF_UP as c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    if unsafe { libc::ioctl(s, SIOCSIFFLAGS, &raw const request) } == -1 {
        exit_with_error("ioctl SIOCSIFFLAGS", "lo", errno());
    }
    close_fd(s);
    Ok(())
}

/// Returns whether ::1 can be bound. An error is the reason why not.
pub fn has_ipv6() -> Result<(), Errno> {
    let loopback = Endpoint {
        family: AF_INET6,
        address: Ipv6Addr::LOCALHOST,
        port: 0,
    };

    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET6, SOCK_STREAM, 0) };
    if s == -1 {
        return Err(errno());
    }
    let z = bind_socket(s, &loopback);
    close_fd(s);
    z
}
