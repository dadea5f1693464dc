//! A UDP echo server, which exits at the end of its standard input. Usage: `epoll ADDRESS`.
//! C counterpart: `c-reference/porting/epoll.c`.

use errno::errno;
use libc::{AF_INET, EAGAIN, EINTR, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLIN};
use libc::{SOCK_DGRAM, SOCK_NONBLOCK, STDIN_FILENO, c_int, epoll_event};
use libc::{htonl, htons, sa_family_t, sockaddr_in, socklen_t};
use std::{env, fmt::Display, mem, net::Ipv4Addr, process};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("epoll: {what}: {reason}");
    process::exit(1)
}

/// Receives a datagram, and sets `peer` to the address of its sender.
fn receive(s: c_int, buffer: &mut [u8; 2048], peer: &mut sockaddr_in) -> isize {
    // 1. Pass the size of the address, not that of a pointer to it.
    let mut len = size_of_val(peer) as socklen_t; // size_of_val(&peer) is 8
    let (data, peer) = (buffer.as_mut_ptr().cast(), (&raw mut *peer).cast());
    // SAFETY: `data` has room for 2048 bytes, and `len` is the size of `peer`.
    unsafe { libc::recvfrom(s, data, 2048, 0, peer, &raw mut len) }
}

fn main() {
    let text = env::args_os().nth(1).unwrap_or_default();
    let ip = text.to_string_lossy().parse::<Ipv4Addr>();
    let ip = ip.unwrap_or_else(|_| err("usage", "epoll ADDRESS"));
    // SAFETY: sockaddr_in is integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 2. Bind a socket that does not block. Watch it, and standard input.
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0) };
    if s == -1 {
        err("socket", errno());
    }
    // SAFETY: `len` is the size of `address`.
    if unsafe { libc::bind(s, (&raw const address).cast(), len) } == -1 {
        err(format_args!("bind {ip}"), errno());
    }
    // SAFETY: no pointers; any argument value is safe.
    let ep = unsafe { libc::epoll_create1(EPOLL_CLOEXEC) };
    for fd in [STDIN_FILENO, s] {
        let (events, u64) = (EPOLLIN as u32, fd as u64);
        let mut event = epoll_event { events, u64 };
        // SAFETY: `event` is an epoll_event.
        if unsafe { libc::epoll_ctl(ep, EPOLL_CTL_ADD, fd, &raw mut event) } == -1 {
            err(format_args!("epoll_ctl {fd}"), errno());
        }
    }

    loop {
        // 3. Wait. SIGSTOP and SIGCONT make this fail with EINTR, even without a handler.
        let mut ready = epoll_event { events: 0, u64: 0 };
        let mut buffer = [0u8; 2048];
        // SAFETY: `ready` is one epoll_event.
        let count = unsafe { libc::epoll_wait(ep, &raw mut ready, 1, -1) };
        if count == -1 && errno().0 != EINTR {
            err("epoll_wait", errno());
        }
        let ended = count == 1 && ready.u64 == STDIN_FILENO as u64;
        // SAFETY: `buffer` has room for 2048 bytes.
        if ended && unsafe { libc::read(STDIN_FILENO, buffer.as_mut_ptr().cast(), 2048) } <= 0 {
            return;
        }

        // 4. Echo until EAGAIN. A reply that cannot be sent is lost, as any datagram may be.
        while let n @ 0.. = receive(s, &mut buffer, &mut address) {
            let (data, peer) = (buffer.as_ptr().cast(), (&raw const address).cast());
            // SAFETY: `buffer` contains `n` bytes, and `len` is the size of `address`.
            unsafe { libc::sendto(s, data, n as usize, 0, peer, len) };
        }
        if errno().0 != EAGAIN {
            err(format_args!("recvfrom {ip}"), errno());
        }
    }
}
