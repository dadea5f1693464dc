//! A TCP server that prints the address of each client. Usage: `listen PORT`.
//! C counterpart: `c-reference/porting/listen.c`.

use errno::{Errno, errno};
use libc::{AF_INET, AI_PASSIVE, EAFNOSUPPORT, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, SOMAXCONN};
use libc::{addrinfo, c_int, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};
use std::ffi::{CStr, CString};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;
use std::{env, fmt::Display, mem, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("listen: {what}: {reason}");
    process::exit(1)
}

fn main() {
    let Some(port) = env::args_os().nth(1).filter(|_| env::args_os().len() == 2) else {
        eprintln!("usage: listen PORT");
        process::exit(2)
    };
    let port = CString::new(port.into_vec()).expect("an argument contains no NUL");
    let name = port.to_string_lossy();

    // 1. Look up the addresses. With AI_PASSIVE and no host, they are the wildcard addresses.
    // SAFETY: addrinfo is integers and pointers, for which zero is valid.
    let mut hints: addrinfo = unsafe { mem::zeroed() };
    (hints.ai_flags, hints.ai_socktype) = (AI_PASSIVE, SOCK_STREAM);
    let (hints, mut list) = (&raw const hints, ptr::null_mut());
    // SAFETY: a null host is allowed; `port` is a C string.
    let z = unsafe { libc::getaddrinfo(ptr::null(), port.as_ptr(), hints, &raw mut list) };
    if z != 0 {
        // SAFETY: no pointers; any argument value is safe.
        let reason = unsafe { libc::gai_strerror(z) };
        // SAFETY: gai_strerror(3) returns a static C string.
        let reason = unsafe { CStr::from_ptr(reason) }.to_string_lossy();
        err(format_args!("getaddrinfo {name}"), reason);
    }

    // 2. Bind to the first address that can be bound. Set SO_REUSEADDR before bind.
    let on: c_int = 1;
    let (optval, optlen) = ((&raw const on).cast(), size_of_val(&on) as socklen_t);
    let (mut next, mut reason) = (list, Errno(EAFNOSUPPORT)); // if no socket can be created
    let s = loop {
        // SAFETY: `next` is an entry of the list, or null at its end.
        let Some(p) = (unsafe { next.as_ref() }) else {
            err(format_args!("bind {name}"), reason)
        };
        next = p.ai_next; // at the end of the loop, `continue` would skip it
        // SAFETY: no pointers; any argument value is safe.
        let s = unsafe { libc::socket(p.ai_family, p.ai_socktype, p.ai_protocol) };
        if s == -1 {
            continue;
        }
        // SAFETY: `optlen` is the size of `on`.
        let z = unsafe { libc::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen) };
        // SAFETY: `ai_addrlen` is the size of the address at `ai_addr`.
        if z == 0 && unsafe { libc::bind(s, p.ai_addr, p.ai_addrlen) } == 0 {
            break s;
        }
        reason = errno();
        // SAFETY: `s` is not used again.
        unsafe { libc::close(s) };
    };
    // SAFETY: neither the list nor a reference into it is used again.
    unsafe { libc::freeaddrinfo(list) };
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("listen {name}"), errno());
    }
    println!("listening on port {name}");

    loop {
        // 3. Accept a client. A sockaddr_storage has room for an address of any family.
        // SAFETY: sockaddr_storage is integers, for which zero is valid.
        let mut address: sockaddr_storage = unsafe { mem::zeroed() };
        let mut len = size_of_val(&address) as socklen_t;
        // SAFETY: `len` is the size of `address`.
        let c = unsafe { libc::accept(s, (&raw mut address).cast(), &raw mut len) };
        if c == -1 {
            err(format_args!("accept {name}"), errno());
        }

        // 4. Read the address by its family.
        if c_int::from(address.ss_family) == AF_INET {
            // SAFETY: the family says that this is a sockaddr_in.
            let sin = unsafe { &*(&raw const address).cast::<sockaddr_in>() };
            let host = Ipv4Addr::from_bits(u32::from_be(sin.sin_addr.s_addr));
            println!("client {host}:{}", u16::from_be(sin.sin_port));
        } else {
            // SAFETY: the socket is AF_INET or AF_INET6, so this is a sockaddr_in6.
            let sin6 = unsafe { &*(&raw const address).cast::<sockaddr_in6>() };
            let host = Ipv6Addr::from(sin6.sin6_addr.s6_addr);
            println!("client [{host}]:{}", u16::from_be(sin6.sin6_port));
        }
        // SAFETY: `c` is not used again.
        unsafe { libc::close(c) };
    }
}
