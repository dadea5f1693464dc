//! An echo server for many clients in one process. Usage: `epoll ADDRESS`.
//! C counterpart: `c-reference/porting/epoll.c`.

use errno::errno;
use libc::{AF_INET, EAGAIN, EINTR, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLET, EPOLLIN, MSG_DONTWAIT};
use libc::{MSG_NOSIGNAL, SO_REUSEADDR, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SOMAXCONN};
use libc::{c_int, epoll_event, htonl, htons, sa_family_t, sockaddr_in, socklen_t};
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::{env, mem, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("epoll: {what}: {reason}");
    process::exit(1)
}

fn main() {
    let ip = env::args_os().nth(1).unwrap_or_default();
    let Ok(ip) = ip.to_string_lossy().parse::<Ipv4Addr>() else {
        eprintln!("usage: epoll ADDRESS");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 1. Listen on a non-blocking socket.
    let on: c_int = 1;
    let (optval, optlen) = ((&raw const on).cast(), size_of_val(&on) as socklen_t);
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };
    // SAFETY: `optlen` is the size of `on`.
    if s == -1 || unsafe { libc::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen) } == -1 {
        err("socket or setsockopt", errno());
    }
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: `len` is the size of `address`.
    let bound = unsafe { libc::bind(s, (&raw const address).cast(), len) } == 0;
    // SAFETY: no pointers; any argument value is safe.
    if !bound || unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("bind or listen {ip}"), errno());
    }

    // 2. Watch it. EPOLLET reports it once, however many clients are in its queue.
    let (events, u64) = ((EPOLLIN | EPOLLET) as u32, s as u64);
    let mut event = epoll_event { events, u64 };
    // SAFETY: no pointers; any argument value is safe.
    let ep = unsafe { libc::epoll_create1(EPOLL_CLOEXEC) };
    // SAFETY: `event` is an epoll_event, which the kernel copies.
    if ep == -1 || unsafe { libc::epoll_ctl(ep, EPOLL_CTL_ADD, s, &raw mut event) } == -1 {
        err("epoll_create1 or epoll_ctl", errno());
    }

    loop {
        // 3. Wait. SIGSTOP and SIGCONT make this fail with EINTR, even without a handler.
        let mut ready = [event; 16];
        // SAFETY: `ready` has room for 16 events.
        let count = unsafe { libc::epoll_wait(ep, ready.as_mut_ptr(), 16, -1) };
        if count == -1 && errno().0 != EINTR {
            err("epoll_wait", errno());
        }
        for event in ready.iter_mut().take(count.max(0) as usize) {
            let mut fd = event.u64 as c_int;
            if fd != s {
                // 4. Echo. Close at end of file, on an error, and if the client does not read.
                let mut buffer = [0u8; 4096];
                let (data, flags) = (buffer.as_mut_ptr().cast(), MSG_DONTWAIT | MSG_NOSIGNAL);
                // SAFETY: `data` has room for the length of `buffer`.
                let n = unsafe { libc::recv(fd, data, buffer.len(), 0) };
                // SAFETY: `data` points to `n` bytes.
                if n <= 0 || unsafe { libc::send(fd, data, n as usize, flags) } != n {
                    // SAFETY: `fd` is not used again.
                    unsafe { libc::close(fd) };
                }
                continue;
            }

            // 5. Accept until EAGAIN. The new sockets block: they do not inherit the flag.
            loop {
                // SAFETY: with null pointers, the client's address is not returned.
                fd = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
                if fd == -1 {
                    break;
                }
                let (events, u64) = (EPOLLIN as u32, fd as u64);
                *event = epoll_event { events, u64 };
                // SAFETY: `event` is an epoll_event, which the kernel copies.
                if unsafe { libc::epoll_ctl(ep, EPOLL_CTL_ADD, fd, event) } == -1 {
                    err("epoll_ctl", errno());
                }
            }
            if errno().0 != EAGAIN {
                err("accept", errno());
            }
        }
    }
}
