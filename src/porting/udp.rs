//! Sends standard input as a datagram, and prints the reply's sender. Usage: `udp ADDRESS`.
//! C counterpart: `c-reference/porting/udp.c`.

use errno::errno;
use libc::{AF_INET, SO_RCVTIMEO, SOCK_DGRAM, SOL_SOCKET, STDIN_FILENO};
use libc::{c_int, htonl, htons, sa_family_t, sockaddr_in, socklen_t, timeval};
use std::net::Ipv4Addr;
use std::{env, fmt::Display, mem, process};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("udp: {what}: {reason}");
    process::exit(1)
}

/// Sends `n` bytes to `peer`, and receives the reply into the buffer. Sets `peer` to its sender.
fn ask(s: c_int, buffer: &mut [u8; 1024], n: usize, peer: &mut sockaddr_in) -> isize {
    // 1. Pass the size of the address, not that of a pointer to it.
    let mut len = size_of_val(peer) as socklen_t; // size_of_val(&peer) is 8
    let data = buffer.as_mut_ptr().cast();
    // SAFETY: `data` points to at least `n` bytes, and `len` is the size of `peer`.
    if unsafe { libc::sendto(s, data, n, 0, (&raw const *peer).cast(), len) } == -1 {
        return -1;
    }
    // SAFETY: `data` has room for 1024 bytes, and `len` is the size of `peer`.
    unsafe { libc::recvfrom(s, data, 1024, 0, (&raw mut *peer).cast(), &raw mut len) }
}

fn main() {
    let text = env::args_os().nth(1).unwrap_or_default();
    let Ok(ip) = text.to_string_lossy().parse::<Ipv4Addr>() else {
        eprintln!("usage: udp ADDRESS");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut peer: sockaddr_in = unsafe { mem::zeroed() };
    (peer.sin_family, peer.sin_port) = (AF_INET as sa_family_t, htons(9099));
    peer.sin_addr.s_addr = htonl(ip.to_bits());

    // 2. Wait for at most one second. A timeout of zero would be no limit.
    // SAFETY: timeval is integers, for which zero is valid.
    let mut timeout: timeval = unsafe { mem::zeroed() };
    timeout.tv_sec = 1;
    let optval = (&raw const timeout).cast();
    let optlen = size_of_val(&timeout) as socklen_t;
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_DGRAM, 0) };
    // SAFETY: `optlen` is the size of `timeout`.
    if s == -1 || unsafe { libc::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, optval, optlen) } == -1 {
        err("socket or setsockopt", errno());
    }

    // 3. Ask. After one second, recvfrom fails with EAGAIN.
    let mut buffer = [0u8; 1024];
    // SAFETY: `buffer` has room for its length.
    let mut n = unsafe { libc::read(STDIN_FILENO, buffer.as_mut_ptr().cast(), buffer.len()) };
    if n != -1 {
        n = ask(s, &mut buffer, n as usize, &mut peer);
    }
    if n == -1 {
        err(format_args!("read, sendto or recvfrom {ip}"), errno());
    }
    let host = Ipv4Addr::from_bits(u32::from_be(peer.sin_addr.s_addr));
    let port = u16::from_be(peer.sin_port);
    println!("{host}:{port} replies with {n} bytes");
}
