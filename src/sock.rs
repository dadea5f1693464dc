//! TCP sockets and their options, for `rules`, `explain` and `abi`.
//!
//! Each function exits with an error if its call fails, unless it returns a [`Result`].
//! C counterpart: `c-reference/sock.c`.

use crate::address::{Endpoint, SocketAddress, make_endpoint, make_sockaddr};
use crate::output::exit_with_error;
use errno::{Errno, errno};
use libc::{
    AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_REUSEADDR, SO_REUSEPORT, SOCK_STREAM, SOL_SOCKET,
    c_int, socklen_t, uid_t,
};
use std::mem;
use std::ptr;

/// Closes a descriptor. Rust only: C calls close(2), which needs no unsafe block there.
pub fn close_fd(fd: c_int) {
    // SAFETY: no pointers; the caller does not use `fd` again.
    unsafe { libc::close(fd) };
}

/// Returns the effective user id of this process. Rust only: geteuid(2) is safe in C.
pub fn own_uid() -> uid_t {
    // SAFETY: no arguments; always succeeds.
    unsafe { libc::geteuid() }
}

/// Returns the result of a call, or its errno if it failed. Rust only: in C, callers test for -1.
pub fn checked(z: c_int) -> Result<c_int, Errno> {
    if z == -1 { Err(errno()) } else { Ok(z) }
}

/// Returns a new socket with these options. `v6only` applies to AF_INET6 only.
pub fn open_socket(family: c_int, v6only: bool, reuseaddr: bool, reuseport: bool) -> c_int {
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(family, SOCK_STREAM, 0) };
    if s == -1 {
        let name = if family == AF_INET6 {
            "AF_INET6"
        } else {
            "AF_INET"
        };
        exit_with_error("socket", name, errno());
    }
    set_option(s, SOL_SOCKET, SO_REUSEADDR, reuseaddr.into());
    set_option(s, SOL_SOCKET, SO_REUSEPORT, reuseport.into());
    if family == AF_INET6 {
        set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, v6only.into());
    }
    s
}

/// Calls bind(2). An error is its errno.
pub fn bind_socket(s: c_int, endpoint: &Endpoint) -> Result<(), Errno> {
    let (address, length) = make_sockaddr(endpoint);
    // SAFETY: `length` is at most the size of `address`.
    checked(unsafe { libc::bind(s, (&raw const address).cast(), length) }).map(|_| ())
}

/// Calls connect(2). An error is its errno.
pub fn connect_socket(s: c_int, endpoint: &Endpoint) -> Result<(), Errno> {
    let (address, length) = make_sockaddr(endpoint);
    // SAFETY: `length` is at most the size of `address`.
    checked(unsafe { libc::connect(s, (&raw const address).cast(), length) }).map(|_| ())
}

/// Listens on `s`, with a backlog of 1.
pub fn listen_on(s: c_int) {
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::listen(s, 1) } == -1 {
        exit_with_error("listen", "TCP socket", errno());
    }
}

/// Returns the next connected socket from the queue of listening socket `s`.
pub fn accept_on(s: c_int) -> c_int {
    // SAFETY: null pointers are allowed; accept(2) then does not return the peer's address.
    let c = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
    if c == -1 {
        exit_with_error("accept", "TCP socket", errno());
    }
    c
}

/// Returns the endpoint that `s` is bound to.
pub fn local_endpoint(s: c_int) -> Endpoint {
    // SAFETY: the members are integers and arrays of integers, for which zero is valid.
    let mut address: SocketAddress = unsafe { mem::zeroed() };
    let mut length = size_of_val(&address) as socklen_t;
    // SAFETY: `length` is the size of `address`.
    if unsafe { libc::getsockname(s, (&raw mut address).cast(), &raw mut length) } == -1 {
        exit_with_error("getsockname", "TCP socket", errno());
    }
    make_endpoint(&address)
}

/// Sets an option of type int.
pub fn set_option(s: c_int, level: c_int, name: c_int, value: c_int) {
    let length = size_of_val(&value) as socklen_t;
    // SAFETY: `length` is the size of `value`.
    if unsafe { libc::setsockopt(s, level, name, (&raw const value).cast(), length) } == -1 {
        exit_with_error("setsockopt", "TCP socket", errno());
    }
}

/// Returns the value of an option of type int.
pub fn get_option(s: c_int, level: c_int, name: c_int) -> c_int {
    let mut value: c_int = 0;
    let mut length = size_of_val(&value) as socklen_t;
    // SAFETY: `length` is the size of `value`.
    let z = unsafe { libc::getsockopt(s, level, name, (&raw mut value).cast(), &raw mut length) };
    if z == -1 {
        exit_with_error("getsockopt", "TCP socket", errno());
    }
    value
}
