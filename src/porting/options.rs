//! Sets socket options, and waits for a client. Usage: `options ADDRESS MILLISECONDS`.
//! C counterpart: `c-reference/porting/options.c`.

use errno::errno;
use libc::{AF_INET, IPPROTO_TCP, SO_LINGER, SO_RCVTIMEO, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET};
use libc::{SOMAXCONN, TCP_NODELAY, c_int, linger, timeval};
use libc::{htonl, htons, sa_family_t, sockaddr_in, socklen_t};
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::{env, mem, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("options: {what}: {reason}");
    process::exit(1)
}

/// Sets an option to `value`, and reads it back.
fn set_option<T>(s: c_int, level: c_int, name: c_int, value: &mut T) {
    let mut size = size_of_val(value) as socklen_t;
    let value = (&raw mut *value).cast();
    // SAFETY: `size` is the size of the variable at `value`.
    let set = unsafe { libc::setsockopt(s, level, name, value, size) } == 0;
    // SAFETY: `size` is the size of the variable at `value`.
    if !set || unsafe { libc::getsockopt(s, level, name, value, &raw mut size) } == -1 {
        err(format_args!("socket option {name}"), errno());
    }
}

fn main() {
    // 1. Parse. strtol skips spaces, stops at the first other character, and sets errno.
    let mut args = env::args_os().skip(1);
    let ip = args.next().and_then(|ip| ip.to_str()?.parse().ok());
    let ms = args
        .next()
        .and_then(|ms| ms.to_str()?.trim_start().parse().ok());
    let (Some::<Ipv4Addr>(ip), Some(ms @ 1..)) = (ip, ms) else {
        eprintln!("usage: options ADDRESS MILLISECONDS");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 2. Set the options. Each has its own type, and a timeout of 0 would be none.
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    let (mut reuse, mut nodelay): (c_int, c_int) = (1, 1);
    let (tv_sec, tv_usec) = (ms / 1000, ms % 1000 * 1000);
    let mut timeout = timeval { tv_sec, tv_usec };
    let (l_onoff, l_linger) = (1, 5);
    let mut linger = linger { l_onoff, l_linger };
    set_option(s, SOL_SOCKET, SO_REUSEADDR, &mut reuse);
    set_option(s, SOL_SOCKET, SO_RCVTIMEO, &mut timeout);
    set_option(s, SOL_SOCKET, SO_LINGER, &mut linger);
    set_option(s, IPPROTO_TCP, TCP_NODELAY, &mut nodelay);
    let seconds = linger.l_linger;
    println!("reuse {reuse}, nodelay {nodelay}, linger {seconds} s");
    println!("timeout {}.{:06} s", timeout.tv_sec, timeout.tv_usec);

    // 3. Bind after SO_REUSEADDR is set. The timeout makes accept fail with EAGAIN.
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: `len` is the size of `address`.
    let bound = unsafe { libc::bind(s, (&raw const address).cast(), len) } == 0;
    // SAFETY: no pointers; any argument value is safe.
    if !bound || unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("bind or listen {ip}"), errno());
    }
    // SAFETY: with null pointers, the client's address is not returned.
    if unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) } == -1 {
        err("accept", errno());
    }
}
