//! socket, setsockopt and getsockopt with right and wrong arguments, and their answers.
//!
//! What is expected is from socket(2), getsockopt(2) and socket(7), and from the kernel where they are
//! silent: `net/core/sock.c`, `sk_setsockopt` and `sk_getsockopt`. Twin: `c-reference/abi/sockopts.c`.

use crate::abi::cases::{Objects, expect, new_socket};
use libc::{
    AF_INET, EAFNOSUPPORT, EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK, EOPNOTSUPP,
    EPROTONOSUPPORT, ESOCKTNOSUPPORT, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, SO_REUSEADDR,
    SOCK_STREAM, SOL_SOCKET, c_int, c_void, socklen_t,
};
use std::ptr;

/// Tries socket, setsockopt and getsockopt. Returns how many were not answered as expected.
pub fn try_options(on: &Objects) -> usize {
    try_socket() + try_setsockopt(on) + try_getsockopt(on)
}

#[rustfmt::skip]
fn try_socket() -> usize {
    let cases = [
        ("TCP over IPv4", AF_INET, SOCK_STREAM, 0, 0),
        ("family -1", -1, SOCK_STREAM, 0, EAFNOSUPPORT),
        ("type -1", AF_INET, -1, 0, EINVAL),
        ("type 0", AF_INET, 0, 0, ESOCKTNOSUPPORT),
        ("type SOCK_STREAM, protocol UDP", AF_INET, SOCK_STREAM, IPPROTO_UDP, EPROTONOSUPPORT),
        ("protocol -1", AF_INET, SOCK_STREAM, -1, EINVAL),
    ];

    // 1. socket
    cases.map(|(text, family, kind, protocol, expected)| {
        // SAFETY: numbers go in, a number comes out.
        let s = unsafe { libc::socket(family, kind, protocol) };
        let unexpected = expect("socket", text, expected, if s == -1 { -1 } else { 0 });
        if s != -1 {
            // SAFETY: s is ours, and not used again.
            unsafe { libc::close(s) };
        }
        unexpected
    })
    .iter()
    .sum()
}

#[rustfmt::skip]
fn try_setsockopt(on: &Objects) -> usize {
    let ones: [c_int; 2] = [1, 1];
    let s = new_socket(AF_INET, SOCK_STREAM);
    let (one, null, forbidden) = (ones.as_ptr().cast(), ptr::null(), on.forbidden.cast_const());
    let size = size_of::<c_int>() as socklen_t;
    let cases: [(&str, c_int, c_int, c_int, *const c_void, socklen_t, c_int); 19] = [
        ("a descriptor that is not open", on.bad, SOL_SOCKET, SO_REUSEADDR, one, size, EBADF),
        ("not a socket", on.file, SOL_SOCKET, SO_REUSEADDR, one, size, ENOTSOCK),
        ("level 99", s, 99, SO_REUSEADDR, one, size, ENOPROTOOPT),
        ("level -1", s, -1, SO_REUSEADDR, one, size, ENOPROTOOPT),
        ("level IPPROTO_IP: sets IP_TTL to 1", s, IPPROTO_IP, SO_REUSEADDR, one, size, 0),
        ("level IPPROTO_TCP: a TCP_MAXSEG of 1", s, IPPROTO_TCP, SO_REUSEADDR, one, size, EINVAL),
        ("option -1", s, SOL_SOCKET, -1, one, size, ENOPROTOOPT),
        ("option 9999", s, SOL_SOCKET, 9999, one, size, ENOPROTOOPT),
        ("length -1", s, SOL_SOCKET, SO_REUSEADDR, one, socklen_t::MAX, EINVAL),
        ("length 0", s, SOL_SOCKET, SO_REUSEADDR, one, 0, EINVAL),
        ("length 1, a bool", s, SOL_SOCKET, SO_REUSEADDR, one, 1, EINVAL),
        ("length 3", s, SOL_SOCKET, SO_REUSEADDR, one, 3, EINVAL),
        ("length 4", s, SOL_SOCKET, SO_REUSEADDR, one, 4, 0),
        ("length 8", s, SOL_SOCKET, SO_REUSEADDR, one, 8, 0),
        ("null pointer", s, SOL_SOCKET, SO_REUSEADDR, null, size, EFAULT),
        ("null pointer, length 3", s, SOL_SOCKET, SO_REUSEADDR, null, 3, EINVAL),
        ("pointer to a PROT_NONE page", s, SOL_SOCKET, SO_REUSEADDR, forbidden, size, EFAULT),
        ("a socket that listens", on.listening, SOL_SOCKET, SO_REUSEADDR, one, size, 0),
        ("a socket of AF_UNIX, which ignores it", on.local, SOL_SOCKET, SO_REUSEADDR, one, size, 0),
    ];

    // 2. setsockopt
    let unexpected = cases.map(|(text, s, level, name, value, length, expected)| {
        // SAFETY: the kernel reads length bytes of value, which it finds to be there or refuses.
        let z = unsafe { libc::setsockopt(s, level, name, value, length) };
        expect("setsockopt", text, expected, z.into())
    });
    // SAFETY: s is ours, and not used again.
    unsafe { libc::close(s) };
    unexpected.iter().sum()
}

#[rustfmt::skip]
fn try_getsockopt(on: &Objects) -> usize {
    let mut there: c_int = 0;
    let s = new_socket(AF_INET, SOCK_STREAM);
    let value: *mut c_void = (&raw mut there).cast();
    let (null, forbidden) = (ptr::null_mut(), on.forbidden);
    let size = size_of::<c_int>() as socklen_t;
    let cases: [(&str, c_int, c_int, c_int, *mut c_void, socklen_t, c_int); 9] = [
        ("a descriptor that is not open", on.bad, SOL_SOCKET, SO_REUSEADDR, value, size, EBADF),
        ("not a socket", on.file, SOL_SOCKET, SO_REUSEADDR, value, size, ENOTSOCK),
        ("level 99, otherwise than setsockopt", s, 99, SO_REUSEADDR, value, size, EOPNOTSUPP),
        ("option 9999", s, SOL_SOCKET, 9999, value, size, ENOPROTOOPT),
        ("length -1", s, SOL_SOCKET, SO_REUSEADDR, value, socklen_t::MAX, EINVAL),
        ("length 0", s, SOL_SOCKET, SO_REUSEADDR, value, 0, 0),
        ("null pointer", s, SOL_SOCKET, SO_REUSEADDR, null, size, EFAULT),
        ("null pointer, length 0", s, SOL_SOCKET, SO_REUSEADDR, null, 0, 0),
        ("pointer to a PROT_NONE page", s, SOL_SOCKET, SO_REUSEADDR, forbidden, size, EFAULT),
    ];

    // 3. getsockopt
    let mut unexpected: usize = cases.map(|(text, s, level, name, value, length, expected)| {
        let mut optlen = length;
        // SAFETY: the kernel writes at most optlen bytes to value, which it finds to be there or
        // refuses, and optlen anew.
        let z = unsafe { libc::getsockopt(s, level, name, value, &raw mut optlen) };
        expect("getsockopt", text, expected, z.into())
    })
    .iter()
    .sum();
    // SAFETY: the kernel refuses the null pointer.
    let z = unsafe { libc::getsockopt(s, SOL_SOCKET, SO_REUSEADDR, value, ptr::null_mut()) };
    unexpected += expect("getsockopt", "null pointer for the length", EFAULT, z.into());
    // SAFETY: s is ours, and not used again.
    unsafe { libc::close(s) };
    unexpected
}
