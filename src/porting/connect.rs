//! Tests whether a TCP server can be reached, for one second per address.
//! Usage: `connect HOST PORT`. C counterpart: `c-reference/porting/connect.c`.

use errno::{Errno, errno};
use libc::{EINPROGRESS, ETIMEDOUT, F_GETFL, F_SETFL, O_NONBLOCK, POLLOUT, SO_ERROR, SOCK_STREAM};
use libc::{SOL_SOCKET, addrinfo, c_int, pollfd, socklen_t};
use std::ffi::{CStr, CString};
use std::{env, fmt::Display, mem, os::unix::ffi::OsStringExt, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("connect: {what}: {reason}");
    process::exit(1)
}

/// Returns 0 if a connection to the address is established, or else the error.
fn try_address(p: &addrinfo) -> c_int {
    // 1. Make the socket non-blocking, so that connect does not wait.
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(p.ai_family, p.ai_socktype, p.ai_protocol) };
    if s == -1 {
        return errno().0;
    }
    // SAFETY: F_GETFL has no third argument.
    let flags = unsafe { libc::fcntl(s, F_GETFL) };
    // SAFETY: the third argument of F_SETFL is an int.
    unsafe { libc::fcntl(s, F_SETFL, flags | O_NONBLOCK) };
    // SAFETY: `ai_addrlen` is the size of the address.
    let z = unsafe { libc::connect(s, p.ai_addr, p.ai_addrlen) };
    let mut error = if z == 0 { 0 } else { errno().0 };

    // 2. Wait until the connection is established or has failed. SO_ERROR is the result.
    if error == EINPROGRESS {
        // SAFETY: pollfd is integers, for which zero is valid.
        let mut fd: pollfd = unsafe { mem::zeroed() };
        (fd.fd, fd.events) = (s, POLLOUT);
        error = ETIMEDOUT;
        let (mut len, optval) = (size_of_val(&error) as socklen_t, (&raw mut error).cast());
        // SAFETY: `fd` is one pollfd.
        if unsafe { libc::poll(&raw mut fd, 1, 1000) } == 1 {
            // SAFETY: `len` is the size of `error`.
            unsafe { libc::getsockopt(s, SOL_SOCKET, SO_ERROR, optval, &raw mut len) };
        }
    }
    // SAFETY: `s` is not used again.
    unsafe { libc::close(s) };
    error
}

fn main() {
    let args = env::args_os().skip(1);
    let mut args = args.map(|arg| CString::new(arg.into_vec()).expect("no NUL"));
    let (Some(host), Some(port)) = (args.next(), args.next()) else {
        err("usage", "connect HOST PORT")
    };
    let name = format!("{} {}", host.to_string_lossy(), port.to_string_lossy());

    // 3. Look up the addresses. Without ai_socktype, each would be in the list several times.
    // SAFETY: addrinfo is integers and pointers, for which zero is valid.
    let mut hints: addrinfo = unsafe { mem::zeroed() };
    hints.ai_socktype = SOCK_STREAM;
    let (host, port, mut list, mut error) = (host.as_ptr(), port.as_ptr(), ptr::null_mut(), -1);
    // SAFETY: `host` and `port` are C strings.
    let z = unsafe { libc::getaddrinfo(host, port, &raw const hints, &raw mut list) };
    if z != 0 {
        // SAFETY: no pointers; any argument value is safe.
        let reason = unsafe { libc::gai_strerror(z) };
        // SAFETY: gai_strerror(3) returns a static C string.
        let reason = unsafe { CStr::from_ptr(reason) };
        err(format_args!("getaddrinfo {name}"), reason.to_string_lossy());
    }

    // 4. Try each, until one succeeds.
    let mut next = list;
    // SAFETY: `next` is an entry of the list, or null at its end.
    while let Some(p) = unsafe { next.as_ref() }.filter(|_| error != 0) {
        (error, next) = (try_address(p), p.ai_next);
    }
    // SAFETY: the list is not used again.
    unsafe { libc::freeaddrinfo(list) };
    if error != 0 {
        err(format_args!("connect {name}"), Errno(error));
    }
    println!("connected to {name}");
}
