//! A chat server: forwards what a client sends to all other clients. Usage: `chat ADDRESS`.
//! C counterpart: `c-reference/porting/chat.c`.

use errno::errno;
use libc::{AF_INET, MSG_DONTWAIT, MSG_NOSIGNAL, POLLIN, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET};
use libc::{SOMAXCONN, c_int, htonl, htons, nfds_t, pollfd, sa_family_t, sockaddr_in, socklen_t};
use std::{env, fmt::Display, mem, net::Ipv4Addr, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("chat: {what}: {reason}");
    process::exit(1)
}

fn main() {
    let text = env::args_os().nth(1).unwrap_or_default();
    let ip = text.to_string_lossy().parse::<Ipv4Addr>();
    let ip = ip.unwrap_or_else(|_| err("usage", "chat ADDRESS"));
    // SAFETY: sockaddr_in is integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 1. Listen, and watch the listening socket.
    let (on, len) = (1 as c_int, size_of_val(&address) as socklen_t);
    let (optval, optlen) = ((&raw const on).cast(), size_of_val(&on) as socklen_t);
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        err("socket", errno());
    }
    // SAFETY: `optlen` is the size of `on`.
    unsafe { libc::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen) };
    // SAFETY: `len` is the size of `address`.
    if unsafe { libc::bind(s, (&raw const address).cast(), len) } == -1 {
        err(format_args!("bind {ip}"), errno());
    }
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("listen {ip}"), errno());
    }
    // SAFETY: pollfd is integers, for which zero is valid.
    let mut fds: Vec<pollfd> = vec![unsafe { mem::zeroed() }];
    (fds[0].fd, fds[0].events) = (s, POLLIN);

    loop {
        // 2. Wait. Go through the clients from the last one, so that removing one skips none.
        // SAFETY: `fds` has `fds.len()` elements.
        if unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as nfds_t, -1) } == -1 {
            err("poll", errno());
        }
        for i in (1..fds.len()).rev() {
            if fds[i].revents == 0 {
                continue; // POLLERR and POLLHUP come without POLLIN, and unrequested
            }

            // 3. Receive. Remove a client that has closed.
            let mut text = [0u8; 1024];
            // SAFETY: `text` has room for its length.
            let n = unsafe { libc::recv(fds[i].fd, text.as_mut_ptr().cast(), text.len(), 0) };
            if n <= 0 {
                // SAFETY: the descriptor is not used again.
                unsafe { libc::close(fds.swap_remove(i).fd) };
                continue;
            }

            // 4. Send to the others, without SIGPIPE. A client that does not read loses text.
            for other in (1..fds.len()).filter(|other| *other != i) {
                let (fd, flags) = (fds[other].fd, MSG_DONTWAIT | MSG_NOSIGNAL);
                // SAFETY: `text` contains `n` bytes.
                unsafe { libc::send(fd, text.as_ptr().cast(), n as usize, flags) };
            }
        }

        // 5. Accept, and watch the client's socket.
        if fds[0].revents != 0 {
            // SAFETY: with null pointers, the client's address is not returned.
            let fd = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
            if fd == -1 {
                err(format_args!("accept {ip}"), errno());
            }
            fds.push(pollfd { fd, ..fds[0] });
        }
    }
}
