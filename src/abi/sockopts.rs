//! socket(2), setsockopt(2) and getsockopt(2) with right and wrong arguments.
//!
//! The expected results come from the man pages or, where these are silent, from the kernel's
//! `net/core/sock.c`. C counterpart: `c-reference/abi/sockopts.c`.

use crate::abi::cases::{Objects, check, check_result, new_socket};
use crate::sock::close_fd;
use libc::{
    AF_INET, EAFNOSUPPORT, EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK, EOPNOTSUPP,
    EPROTONOSUPPORT, ESOCKTNOSUPPORT, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, SO_REUSEADDR,
    SOCK_STREAM, SOL_SOCKET, c_int, c_void, socklen_t,
};
use std::ptr::{null, null_mut};

#[rustfmt::skip]
fn check_socket() -> c_int {
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    let mut n = check_result("socket", "TCP over IPv4", 0, s.into());
    close_fd(s);

    n += check!("family -1", EAFNOSUPPORT, socket(-1, SOCK_STREAM, 0));
    n += check!("type -1", EINVAL, socket(AF_INET, -1, 0));
    n += check!("type 0", ESOCKTNOSUPPORT, socket(AF_INET, 0, 0));
    n += check!("type SOCK_STREAM, protocol UDP", EPROTONOSUPPORT,
        socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    n += check!("protocol -1", EINVAL, socket(AF_INET, SOCK_STREAM, -1));
    n
}

#[rustfmt::skip]
fn check_setsockopt(on: &Objects) -> c_int {
    let s = new_socket(AF_INET, SOCK_STREAM);
    let ones: [c_int; 2] = [1, 1];
    let one: *const c_void = ones.as_ptr().cast();
    let size = size_of_val(&ones[0]) as socklen_t;
    let mut n = 0;

    n += check!("descriptor -1", EBADF, setsockopt(on.bad, SOL_SOCKET, SO_REUSEADDR, one, size));
    n += check!("not a socket", ENOTSOCK, setsockopt(on.file, SOL_SOCKET, SO_REUSEADDR, one, size));
    n += check!("level 99", ENOPROTOOPT, setsockopt(s, 99, SO_REUSEADDR, one, size));
    n += check!("level -1", ENOPROTOOPT, setsockopt(s, -1, SO_REUSEADDR, one, size));
    // SO_REUSEADDR is 2 on most machines: IP_TTL and TCP_MAXSEG at the levels below.
    n += check!("level IPPROTO_IP, 2: IP_TTL of 1", 0, setsockopt(s, IPPROTO_IP, 2, one, size));
    n += check!("level IPPROTO_TCP, 2: TCP_MAXSEG of 1", EINVAL,
        setsockopt(s, IPPROTO_TCP, 2, one, size));
    n += check!("option -1", ENOPROTOOPT, setsockopt(s, SOL_SOCKET, -1, one, size));
    n += check!("option 9999", ENOPROTOOPT, setsockopt(s, SOL_SOCKET, 9999, one, size));
    n += check!("length -1", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, socklen_t::MAX));
    n += check!("length 0", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 0));
    n += check!("length 1, a bool", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 1));
    n += check!("length 3", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 3));
    n += check!("length 4", 0, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 4));
    n += check!("length 8", 0, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 8));
    n += check!("null pointer", EFAULT, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, null(), size));
    n += check!("null pointer, length 3", EINVAL,
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, null(), 3));
    n += check!("pointer to a PROT_NONE page", EFAULT,
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, on.forbidden, size));
    n += check!("listening socket", 0,
        setsockopt(on.listening, SOL_SOCKET, SO_REUSEADDR, one, size));
    n += check!("AF_UNIX socket, which ignores it", 0,
        setsockopt(on.local, SOL_SOCKET, SO_REUSEADDR, one, size));
    close_fd(s);
    n
}

#[rustfmt::skip]
fn check_getsockopt(on: &Objects) -> c_int {
    let s = new_socket(AF_INET, SOCK_STREAM);
    let mut room: c_int = 0;
    let value: *mut c_void = (&raw mut room).cast();
    // No call below changes these: a call that fails sets no length, and a length of 0 stays 0.
    let (mut size, mut zero, mut negative) = (size_of_val(&room) as socklen_t, 0, socklen_t::MAX);
    let mut n = 0;

    n += check!("descriptor -1", EBADF,
        getsockopt(on.bad, SOL_SOCKET, SO_REUSEADDR, value, &raw mut size));
    n += check!("not a socket", ENOTSOCK,
        getsockopt(on.file, SOL_SOCKET, SO_REUSEADDR, value, &raw mut size));
    n += check!("level 99 (ENOPROTOOPT in setsockopt)", EOPNOTSUPP,
        getsockopt(s, 99, SO_REUSEADDR, value, &raw mut size));
    n += check!("option 9999", ENOPROTOOPT, getsockopt(s, SOL_SOCKET, 9999, value, &raw mut size));
    n += check!("length -1", EINVAL,
        getsockopt(s, SOL_SOCKET, SO_REUSEADDR, value, &raw mut negative));
    n += check!("length 0", 0, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, value, &raw mut zero));
    n += check!("null pointer", EFAULT,
        getsockopt(s, SOL_SOCKET, SO_REUSEADDR, null_mut(), &raw mut size));
    n += check!("null pointer, length 0", 0,
        getsockopt(s, SOL_SOCKET, SO_REUSEADDR, null_mut(), &raw mut zero));
    n += check!("pointer to a PROT_NONE page", EFAULT,
        getsockopt(s, SOL_SOCKET, SO_REUSEADDR, on.forbidden, &raw mut size));
    n += check!("null pointer for the length", EFAULT,
        getsockopt(s, SOL_SOCKET, SO_REUSEADDR, value, null_mut()));
    close_fd(s);
    n
}

/// Makes and checks the calls. Returns the number of unexpected results.
pub fn check_options(on: &Objects) -> c_int {
    check_socket() + check_setsockopt(on) + check_getsockopt(on)
}
