//! A client: sends its standard input, prints what it receives. Usage: `select ADDRESS`.
//! C counterpart: `c-reference/porting/select.c`.

use errno::errno;
use libc::{AF_INET, FD_ISSET, FD_SET, FD_SETSIZE, FD_ZERO, SHUT_WR, SOCK_STREAM, STDIN_FILENO};
use libc::{STDOUT_FILENO, c_int, fd_set, htonl, htons, sa_family_t, sockaddr_in, socklen_t};
use std::net::Ipv4Addr;
use std::{env, fmt::Display, mem, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("select: {what}: {reason}");
    process::exit(1)
}

/// Copies what can be read. Returns 0 at end of file.
fn copy(from: c_int, to: c_int) -> isize {
    let mut buffer = [0u8; 4096];
    // SAFETY: `buffer` has room for its length.
    let n = unsafe { libc::read(from, buffer.as_mut_ptr().cast(), buffer.len()) };
    // SAFETY: `buffer` contains `n` bytes.
    if n == -1 || n > 0 && unsafe { libc::write(to, buffer.as_ptr().cast(), n as usize) } != n {
        err("read or write", errno());
    }
    n
}

fn main() {
    let text = env::args_os().nth(1).unwrap_or_default();
    let Ok(ip) = text.to_string_lossy().parse::<Ipv4Addr>() else {
        eprintln!("usage: select ADDRESS");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 1. Connect. An fd_set has room for descriptors below FD_SETSIZE only.
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s >= FD_SETSIZE as c_int {
        err("socket", format_args!("descriptor {s} is too large"));
    }
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: `len` is the size of `address`.
    if s == -1 || unsafe { libc::connect(s, (&raw const address).cast(), len) } == -1 {
        err(format_args!("connect {ip}"), errno());
    }

    let mut stdin_open = true;
    loop {
        // 2. Fill the set again before each call: select leaves in it what is readable.
        // SAFETY: fd_set is an array of integers, for which zero is valid.
        let mut set: fd_set = unsafe { mem::zeroed() };
        let set = &raw mut set;
        // SAFETY: `set` points to an fd_set.
        unsafe { FD_ZERO(set) };
        // SAFETY: `set` points to an fd_set.
        unsafe { FD_SET(s, set) };
        if stdin_open {
            // SAFETY: `set` points to an fd_set.
            unsafe { FD_SET(STDIN_FILENO, set) };
        }

        // 3. Wait. nfds is the highest descriptor plus one.
        let none = ptr::null_mut();
        // SAFETY: `set` points to an fd_set; the other pointers may be null.
        if unsafe { libc::select(s + 1, set, none, none, ptr::null_mut()) } == -1 {
            err("select", errno());
        }

        // 4. Copy. After standard input has ended, the server may still send.
        // SAFETY: `set` points to an fd_set.
        if unsafe { FD_ISSET(s, set) } && copy(s, STDOUT_FILENO) == 0 {
            return;
        }
        // SAFETY: `set` points to an fd_set.
        if unsafe { FD_ISSET(STDIN_FILENO, set) } && copy(STDIN_FILENO, s) == 0 {
            stdin_open = false;
            // SAFETY: no pointers; any argument value is safe.
            unsafe { libc::shutdown(s, SHUT_WR) };
        }
    }
}
