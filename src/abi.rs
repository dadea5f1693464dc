//! The argument layout: the constants, sizes and offsets of what we hand to the kernel, and what it makes
//! of the option's value.
//!
//! Every number comes from the libc crate, as its twin's come from the C library's headers.
//! Twin: `c-reference/abi.c`.

mod calls;
mod cases;
mod sockopts;

use crate::abi::calls::try_calls;
use crate::address::{Endpoint, make_sockaddr};
use crate::netns::enter_netns;
use crate::output::{exit_with_error, out, print_errors, report_error};
use errno::errno;
use libc::{AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, c_int, socklen_t};
use std::mem::offset_of;
use std::net::Ipv4Addr;

macro_rules! constant {
    ($name:ident) => {
        out!("{:<24}{}\n", stringify!($name), libc::$name as i64)
    };
}

macro_rules! layout {
    ($name:literal, $type:ident) => {
        out!(
            "{:<24}size {}, alignment {}\n",
            $name,
            size_of::<libc::$type>(),
            align_of::<libc::$type>()
        )
    };
}

macro_rules! field {
    ($type:ident, $field:ident) => {
        out!(
            "  {:<22}offset {}\n",
            stringify!($field),
            offset_of!(libc::$type, $field)
        )
    };
}

/// Prints the layout, and tries calls with right and wrong arguments. Returns the exit status.
pub fn abi() -> c_int {
    // 1. A network of our own, if it may be: nobody reaches the ports that are opened below.
    if let Err(reason) = enter_netns() {
        report_error("using this network, as unshare", "fails", reason);
    }

    print_constants();
    print_types();
    print_bytes();
    print_values();
    let unexpected = try_calls();
    out!("\n6. What the errors mean\n\n");
    print_errors();
    out!("\n{unexpected} calls were answered otherwise than expected\n");
    c_int::from(unexpected > 0)
}

fn print_constants() {
    // 2. The constants.
    out!("1. Constants\n\n");
    constant!(AF_INET);
    constant!(AF_INET6);
    constant!(AF_UNIX);
    constant!(AF_UNSPEC);
    constant!(SOCK_STREAM);
    constant!(SOCK_DGRAM);
    constant!(SOCK_NONBLOCK);
    constant!(IPPROTO_IP);
    constant!(IPPROTO_TCP);
    constant!(IPPROTO_UDP);
    constant!(IPPROTO_IPV6);
    constant!(SOL_SOCKET);
    constant!(SO_REUSEADDR);
    constant!(SO_REUSEPORT);
    constant!(SO_LINGER);
    constant!(SO_RCVBUF);
    constant!(SO_SNDBUF);
    constant!(IPV6_V6ONLY);
    constant!(TCP_INFO);
    constant!(TCP_QUICKACK);
    constant!(SOMAXCONN);
    constant!(SHUT_WR);
    constant!(MSG_DONTWAIT);
    constant!(INADDR_LOOPBACK);
    constant!(SIGCHLD);
    constant!(SIGPIPE);
    constant!(SIG_IGN);
    constant!(CLONE_NEWUSER);
    constant!(CLONE_NEWNET);
    constant!(SIOCSIFFLAGS);
    constant!(IFF_UP);
    constant!(F_GETFD);
    constant!(O_RDONLY);
    constant!(O_RDWR);
    constant!(PROT_NONE);
    constant!(MAP_PRIVATE);
    constant!(MAP_ANONYMOUS);
    constant!(EINTR);
    constant!(EADDRINUSE);
}

fn print_types() {
    // 3. The types, in bytes; the fields from the start of the structure.
    out!("\n2. Types\n\n");
    layout!("int", c_int);
    layout!("size_t", size_t);
    layout!("ssize_t", ssize_t);
    layout!("pid_t", pid_t);
    layout!("uid_t", uid_t);
    layout!("socklen_t", socklen_t);
    layout!("sa_family_t", sa_family_t);
    layout!("in_port_t", in_port_t);
    layout!("in_addr", in_addr);
    field!(in_addr, s_addr);
    layout!("in6_addr", in6_addr);
    field!(in6_addr, s6_addr);
    layout!("sockaddr", sockaddr);
    field!(sockaddr, sa_family);
    field!(sockaddr, sa_data);
    layout!("sockaddr_in", sockaddr_in);
    field!(sockaddr_in, sin_family);
    field!(sockaddr_in, sin_port);
    field!(sockaddr_in, sin_addr);
    field!(sockaddr_in, sin_zero);
    layout!("sockaddr_in6", sockaddr_in6);
    field!(sockaddr_in6, sin6_family);
    field!(sockaddr_in6, sin6_port);
    field!(sockaddr_in6, sin6_flowinfo);
    field!(sockaddr_in6, sin6_addr);
    field!(sockaddr_in6, sin6_scope_id);
    layout!("sockaddr_un", sockaddr_un);
    field!(sockaddr_un, sun_family);
    field!(sockaddr_un, sun_path);
    layout!("sockaddr_storage", sockaddr_storage);
    field!(sockaddr_storage, ss_family);
    layout!("linger", linger);
    field!(linger, l_onoff);
    field!(linger, l_linger);
    layout!("timespec", timespec);
    field!(timespec, tv_sec);
    field!(timespec, tv_nsec);
    layout!("sigaction", sigaction);
    field!(sigaction, sa_mask);
    field!(sigaction, sa_flags);
    layout!("ifreq", ifreq);
    field!(ifreq, ifr_name);
    layout!("utsname", utsname);
    field!(utsname, release);
}

fn print_bytes() {
    // 4. An address as the kernel reads it: port and address in network byte order.
    let endpoint = Endpoint {
        family: AF_INET,
        address: Ipv4Addr::new(192, 168, 0, 1).to_ipv6_mapped(),
        port: 9099,
    };
    let (made, _) = make_sockaddr(&endpoint);
    // SAFETY: an IPv4 address was made.
    let address = unsafe { made.v4 };
    out!("\n3. The bytes of a sockaddr_in for 192.168.0.1:9099\n\n");
    // SAFETY: sockaddr_in has no bytes between its fields, and all of them were set.
    let bytes: [u8; size_of::<libc::sockaddr_in>()] = unsafe { std::mem::transmute(address) };
    for (i, byte) in bytes.iter().enumerate() {
        let end = if i + 1 < bytes.len() { " " } else { "\n" };
        out!("{byte:02x}{end}");
    }
}

fn print_values() {
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        exit_with_error("socket", "AF_INET", errno());
    }

    // 5. The option's value: not zero is one, and getsockopt gives as much of it as there is room.
    out!("\n4. SO_REUSEADDR: what is set, and what getsockopt gives then\n\n");
    for set in [0, 1, 2, -1, 256, 65536] {
        let mut value: c_int = set;
        let mut optlen = size_of_val(&value) as socklen_t;
        // SAFETY: the kernel reads a c_int where there is one, and its size is said.
        let z = unsafe {
            libc::setsockopt(
                s,
                SOL_SOCKET,
                SO_REUSEADDR,
                (&raw const value).cast(),
                optlen,
            )
        };
        if z == -1 {
            exit_with_error("setsockopt SO_REUSEADDR", "a socket", errno());
        }
        // SAFETY: the kernel writes at most optlen bytes into value, and optlen anew.
        let z = unsafe {
            libc::getsockopt(
                s,
                SOL_SOCKET,
                SO_REUSEADDR,
                (&raw mut value).cast(),
                &raw mut optlen,
            )
        };
        if z == -1 {
            exit_with_error("getsockopt SO_REUSEADDR", "a socket", errno());
        }
        out!("{set:<24}{value}\n");
    }
    for room in 0..=8 {
        let mut bytes = [0xee_u8; 8];
        let mut optlen: socklen_t = room;
        // SAFETY: the kernel writes at most optlen bytes, of which there are eight.
        let z = unsafe {
            libc::getsockopt(
                s,
                SOL_SOCKET,
                SO_REUSEADDR,
                bytes.as_mut_ptr().cast(),
                &raw mut optlen,
            )
        };
        if z == -1 {
            exit_with_error("getsockopt SO_REUSEADDR", "a socket", errno());
        }
        out!("length {room}               length {optlen}, bytes");
        for byte in bytes {
            out!(" {byte:02x}");
        }
        out!("\n");
    }
    // SAFETY: s is ours, and not used again.
    unsafe { libc::close(s) };
}
