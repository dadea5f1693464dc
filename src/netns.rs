//! The private network namespace of `rules` and `abi`.
//! C counterpart: `c-reference/netns.c`.

use crate::address::Endpoint;
use crate::output::{exit_with_error, read_some, write_all};
use crate::sock::{bind_socket, close_fd};
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_INET6, CLONE_NEWNET, CLONE_NEWUSER, IFF_UP, SIOCSIFFLAGS, SOCK_STREAM, c_char,
    c_short, ifreq,
};
use std::mem::{self, MaybeUninit};
use std::net::Ipv6Addr;

/// Unshares the network and brings lo up. An error is the failed call's name and errno.
fn unshare_network() -> Result<(), (&'static str, Errno)> {
    // SAFETY: ifreq is integers, arrays and a pointer, for which zero is valid.
    let mut request: ifreq = unsafe { mem::zeroed() };

    // Root stays in its user namespace, which has other users. Any other user needs a new one.
    // SAFETY: the process has one thread, which holds nothing that belongs to the old namespaces.
    if unsafe { libc::unshare(CLONE_NEWNET) } == -1
        // SAFETY: as above.
        && unsafe { libc::unshare(CLONE_NEWUSER | CLONE_NEWNET) } == -1
    {
        return Err(("unshare", errno()));
    }

    // The only interface of a new namespace is lo, and it is down.
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        return Err(("socket lo", errno()));
    }
    request.ifr_name[..2].copy_from_slice(&[b'l' as c_char, b'o' as c_char]);
    request.ifr_ifru.ifru_flags = IFF_UP as c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    if unsafe { libc::ioctl(s, SIOCSIFFLAGS, &raw const request) } == -1 {
        return Err(("ioctl SIOCSIFFLAGS lo", errno()));
    }
    close_fd(s);
    Ok(())
}

/// Moves the process to a new network namespace and brings its loopback interface up. On failure,
/// prints the call that failed and `instead`, which describes the caller's fallback.
pub fn enter_netns(instead: &str) {
    let mut fds = [0; 2];
    let mut works = [MaybeUninit::uninit()];

    // A child process tries first: unshare(2) cannot be undone, and SIOCSIFFLAGS may then fail.
    // SAFETY: `fds` has room for two descriptors.
    if unsafe { libc::pipe(fds.as_mut_ptr()) } == -1 {
        exit_with_error("pipe", "to a child process", errno());
    }
    // SAFETY: the process has one thread, so no lock stays locked in the child.
    let pid = unsafe { libc::fork() };
    let reason = match pid {
        -1 => errno().to_string(),
        _ => "the child process was killed".into(),
    };
    if pid != 0 {
        close_fd(fds[1]);
        let works = read_some(fds[0], &mut works).unwrap_or_default();
        close_fd(fds[0]);
        if works.is_empty() {
            note!("reuseaddr: fork: {reason}; {instead}\n");
        }
        if works != [1] {
            return; // the child process, if there is one, has printed why
        }
    }
    let result = unshare_network();
    if let Err((call, reason)) = result {
        note!("reuseaddr: {call}: {reason}; {instead}\n");
    }
    if pid == 0 {
        let _ = write_all(fds[1], &[result.is_ok().into()]);
        // SAFETY: no pointers; does not return.
        unsafe { libc::_exit(0) };
    }
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
