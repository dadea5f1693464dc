//! A TCP server that prints the address of each client. Usage: `listen PORT [HOST]`.
//! C counterpart: `c-reference/porting/listen.c`.

use errno::errno;
use libc::{AF_INET, AI_PASSIVE, SO_REUSEADDR, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET, SOMAXCONN};
use libc::{addrinfo, c_int, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};
use std::ffi::{CStr, CString};
use std::{env, fmt::Display, mem, net, os::unix::ffi::OsStringExt, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("listen: {what}: {reason}");
    process::exit(1)
}

fn main() {
    let args = env::args_os().skip(1);
    let mut args = args.map(|arg| CString::new(arg.into_vec()).expect("no NUL"));
    let (port, host) = (args.next(), args.next());
    let port = port.unwrap_or_else(|| err("usage", "listen PORT [HOST]"));
    let name = port.to_string_lossy();
    let host = host.as_deref().map_or(ptr::null(), CStr::as_ptr); // `as_deref` borrows

    // 1. Look up the address. With AI_PASSIVE, a null host stands for the wildcard address.
    // SAFETY: addrinfo is integers and pointers, for which zero is valid.
    let mut hints: addrinfo = unsafe { mem::zeroed() };
    (hints.ai_flags, hints.ai_socktype) = (AI_PASSIVE, SOCK_STREAM);
    let mut list = ptr::null_mut();
    // SAFETY: `host` is null or a C string, and `port` is a C string.
    let z = unsafe { libc::getaddrinfo(host, port.as_ptr(), &raw const hints, &raw mut list) };
    if z != 0 {
        // SAFETY: no pointers; any argument value is safe.
        let reason = unsafe { libc::gai_strerror(z) };
        // SAFETY: gai_strerror(3) returns a static C string.
        let reason = unsafe { CStr::from_ptr(reason) };
        err(format_args!("getaddrinfo {name}"), reason.to_string_lossy());
    }

    // 2. Listen on the first address. Set SO_REUSEADDR before bind.
    // SAFETY: after a success, the list has at least one entry.
    let (p, on) = (unsafe { &*list }, 1 as c_int);
    let (optval, optlen) = ((&raw const on).cast(), size_of_val(&on) as socklen_t);
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(p.ai_family, p.ai_socktype | SOCK_CLOEXEC, p.ai_protocol) };
    if s == -1 {
        err("socket", errno());
    }
    // SAFETY: `optlen` is the size of `on`.
    unsafe { libc::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen) };
    // SAFETY: `ai_addrlen` is the size of the address.
    if unsafe { libc::bind(s, p.ai_addr, p.ai_addrlen) } == -1 {
        err(format_args!("bind {name}"), errno());
    }
    // SAFETY: the list is not used again.
    unsafe { libc::freeaddrinfo(list) };
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("listen {name}"), errno());
    }

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

        // 4. Read the address according to its family.
        if c_int::from(address.ss_family) == AF_INET {
            // SAFETY: its family is that of a sockaddr_in.
            let sin = unsafe { &*(&raw const address).cast::<sockaddr_in>() };
            let text = net::Ipv4Addr::from_bits(u32::from_be(sin.sin_addr.s_addr));
            println!("client {text}:{}", u16::from_be(sin.sin_port));
        } else {
            // SAFETY: the socket is AF_INET or AF_INET6, so this is a sockaddr_in6.
            let sin6 = unsafe { &*(&raw const address).cast::<sockaddr_in6>() };
            let text = net::Ipv6Addr::from(sin6.sin6_addr.s6_addr);
            println!("client [{text}]:{}", u16::from_be(sin6.sin6_port));
        }
        // SAFETY: `c` is not used again.
        unsafe { libc::close(c) };
    }
}
