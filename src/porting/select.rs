//! A client: sends its standard input and prints what it receives. Usage: `select ADDRESS`.
//! C counterpart: `c-reference/porting/select.c`.

use errno::errno;
use libc::{AF_INET, FD_ISSET, FD_SET, FD_ZERO, SHUT_WR, SOCK_STREAM, STDIN_FILENO};
use libc::{STDOUT_FILENO, c_int, fd_set, htonl, htons, sa_family_t, sockaddr_in, socklen_t};
use std::{env, fmt::Display, mem, net::Ipv4Addr, process, ptr::null_mut};

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
    if n == -1 {
        err("read", errno());
    }
    let mut left = &buffer[..n as usize];
    while !left.is_empty() {
        // SAFETY: `left` has its length.
        match unsafe { libc::write(to, left.as_ptr().cast(), left.len()) } {
            -1 => err("write", errno()),
            z => left = &left[z as usize..], // short after SIGSTOP
        }
    }
    n
}

fn main() {
    let text = env::args_os().nth(1).unwrap_or_default();
    let ip = text.to_string_lossy().parse::<Ipv4Addr>();
    let ip = ip.unwrap_or_else(|_| err("usage", "select ADDRESS"));
    // SAFETY: sockaddr_in is integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 1. Connect.
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        err("socket", errno());
    }
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: `len` is the size of `address`.
    if unsafe { libc::connect(s, (&raw const address).cast(), len) } == -1 {
        err(format_args!("connect {ip}"), errno());
    }

    // SAFETY: fd_set is integers, for which zero is valid.
    let mut set: fd_set = unsafe { mem::zeroed() };
    let set = &raw mut set;
    loop {
        // 2. Wait. select leaves in the set only what is readable. nfds is s + 1.
        // SAFETY: `set` points to an fd_set.
        unsafe { FD_ZERO(set) };
        // SAFETY: `set` points to an fd_set.
        unsafe { FD_SET(STDIN_FILENO, set) };
        // SAFETY: `set` points to an fd_set.
        unsafe { FD_SET(s, set) }; // aborts if s >= FD_SETSIZE (1024)
        // SAFETY: `set` points to an fd_set; the other pointers may be null.
        if unsafe { libc::select(s + 1, set, null_mut(), null_mut(), null_mut()) } == -1 {
            err("select", errno());
        }
        // SAFETY: `set` points to an fd_set.
        if unsafe { FD_ISSET(s, set) } && copy(s, STDOUT_FILENO) == 0 {
            return;
        }
        // SAFETY: `set` points to an fd_set.
        if unsafe { FD_ISSET(STDIN_FILENO, set) } && copy(STDIN_FILENO, s) == 0 {
            break;
        }
    }

    // 3. Standard input has ended. Copy until the server closes.
    // SAFETY: no pointers; any argument value is safe.
    unsafe { libc::shutdown(s, SHUT_WR) };
    while copy(s, STDOUT_FILENO) > 0 {}
}
