//! A chat server: sends what a client sends to all other clients. Usage: `chat ADDRESS`.
//! C counterpart: `c-reference/porting/chat.c`.

use errno::errno;
use libc::{AF_INET, MSG_NOSIGNAL, POLLIN, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, SOMAXCONN};
use libc::{c_int, htonl, htons, nfds_t, pollfd, sa_family_t, sockaddr_in, socklen_t};
use std::net::Ipv4Addr;
use std::{env, fmt::Display, mem, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("chat: {what}: {reason}");
    process::exit(1)
}

fn main() {
    let text = env::args_os().nth(1).unwrap_or_default();
    let Ok(ip) = text.to_string_lossy().parse::<Ipv4Addr>() else {
        eprintln!("usage: chat ADDRESS");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 1. Listen, and watch the listening socket.
    let on: c_int = 1;
    let (optval, optlen) = ((&raw const on).cast(), size_of_val(&on) as socklen_t);
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    // SAFETY: `optlen` is the size of `on`.
    if s == -1 || unsafe { libc::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen) } == -1 {
        err("socket or setsockopt", errno());
    }
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: `len` is the size of `address`.
    let z = unsafe { libc::bind(s, (&raw const address).cast(), len) };
    // SAFETY: no pointers; any argument value is safe.
    if z == -1 || unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("bind or listen {ip}"), errno());
    }
    println!("listening on {ip}");
    let watch = |fd| pollfd {
        fd,
        events: POLLIN,
        revents: 0,
    };
    let mut fds = vec![watch(s)];

    loop {
        // 2. Wait. Go through the sockets from the last one, so that removing one skips none.
        // SAFETY: `fds` has `fds.len()` elements.
        if unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as nfds_t, -1) } == -1 {
            err("poll", errno());
        }
        for i in (0..fds.len()).rev() {
            if fds[i].revents == 0 {
                continue; // POLLERR and POLLHUP come without POLLIN, and unrequested
            }

            // 3. Accept, and watch the client's socket.
            if i == 0 {
                // SAFETY: with null pointers, the client's address is not returned.
                let c = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
                if c == -1 {
                    err("accept", errno());
                }
                fds.push(watch(c));
                continue;
            }

            // 4. Receive. Remove a client that has closed.
            let mut text = [0u8; 1024];
            // SAFETY: `text` has room for its length.
            let n = unsafe { libc::recv(fds[i].fd, text.as_mut_ptr().cast(), text.len(), 0) };
            if n <= 0 {
                // SAFETY: the descriptor is not used again.
                unsafe { libc::close(fds.swap_remove(i).fd) };
                continue;
            }

            // 5. Send to the others. A send to one that has closed would raise SIGPIPE.
            for other in (1..fds.len()).filter(|other| *other != i) {
                let (fd, text) = (fds[other].fd, text.as_ptr().cast());
                // SAFETY: `text` points to `n` bytes.
                unsafe { libc::send(fd, text, n as usize, MSG_NOSIGNAL) };
            }
        }
    }
}
