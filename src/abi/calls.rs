//! bind(2), listen(2), connect(2) and others with right and wrong arguments.
//!
//! The expected results come from the man pages or, where these are silent, from the kernel.
//! C counterpart: `c-reference/abi/calls.c`.

use crate::abi::cases::{Objects, check, new_socket};
use crate::sock::close_fd;
use libc::{
    AF_INET, AF_UNIX, AF_UNSPEC, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF, ECHILD,
    EFAULT, EINVAL, EISCONN, ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPIPE, INADDR_ANY, INADDR_LOOPBACK,
    SHUT_WR, SOCK_NONBLOCK, SOCK_STREAM, c_int, c_void, htonl, in_addr_t, pid_t, sa_family_t,
    sockaddr, sockaddr_in, sockaddr_storage, socklen_t,
};
use std::mem;
use std::process;
use std::ptr::{null, null_mut};

/// Returns an address with port 0. Rust only: C has designated initializers.
fn make_address(family: c_int, ip: in_addr_t) -> sockaddr_in {
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    address.sin_family = family as sa_family_t;
    address.sin_addr.s_addr = htonl(ip);
    address
}

#[rustfmt::skip]
fn check_bind(on: &Objects) -> c_int {
    let s = new_socket(AF_INET, SOCK_STREAM);
    // SAFETY: sockaddr_storage is integers and arrays of integers, for which zero is valid.
    let mut any_port: sockaddr_storage = unsafe { mem::zeroed() }; // 0.0.0.0, port 0
    any_port.ss_family = AF_INET as sa_family_t;
    let wrong_family = make_address(AF_UNIX, INADDR_ANY);
    let no_family = make_address(AF_UNSPEC, INADDR_LOOPBACK);
    let foreign = make_address(AF_INET, 0xc000_0201); // TEST-NET-1, for examples only (RFC 5737)
    let address: *const sockaddr = (&raw const any_port).cast();
    let server: *const sockaddr = (&raw const on.address).cast();
    let size = size_of_val(&on.address) as socklen_t;
    let mut n = 0;

    n += check!("descriptor -1", EBADF, bind(on.bad, address, size));
    n += check!("not a socket", ENOTSOCK, bind(on.file, address, size));
    n += check!("length -1", EINVAL, bind(s, address, socklen_t::MAX));
    n += check!("length 0", EINVAL, bind(s, address, 0));
    n += check!("length 15, one byte too short", EINVAL, bind(s, address, 15));
    n += check!("length 129, more than sockaddr_storage", EINVAL, bind(s, address, 129));
    n += check!("null pointer", EFAULT, bind(s, null(), size));
    n += check!("pointer to a PROT_NONE page", EFAULT, bind(s, on.forbidden.cast(), size));
    n += check!("family AF_UNIX", EAFNOSUPPORT, bind(s, (&raw const wrong_family).cast(), size));
    n += check!("family AF_UNSPEC, address not 0.0.0.0", EAFNOSUPPORT,
        bind(s, (&raw const no_family).cast(), size));
    n += check!("address of another host", EADDRNOTAVAIL,
        bind(s, (&raw const foreign).cast(), size));
    n += check!("address of a listening socket", EADDRINUSE, bind(s, server, size));
    n += check!("length 128, sockaddr_storage", 0, bind(s, address, 128));
    n += check!("already bound", EINVAL, bind(s, address, size));
    close_fd(s);
    n
}

/// Makes and checks the calls. Returns the number of unexpected results.
#[rustfmt::skip]
pub fn check_calls(on: &Objects) -> c_int {
    let mut n = check_bind(on);
    let s = new_socket(AF_INET, SOCK_STREAM);
    let connected = new_socket(AF_INET, SOCK_STREAM);
    let waiting = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    let server: *const sockaddr = (&raw const on.address).cast();
    let size = size_of_val(&on.address) as socklen_t;
    let mut negative = socklen_t::MAX;
    let mut address = on.address;
    let peer: *mut sockaddr = (&raw mut address).cast();
    let mut room = 0u8;
    let byte: *mut c_void = (&raw mut room).cast();

    n += check!("descriptor -1", EBADF, listen(on.bad, 1));
    n += check!("not a socket", ENOTSOCK, listen(on.file, 1));
    n += check!("UDP socket", EOPNOTSUPP, listen(on.udp, 1));
    n += check!("not bound: the kernel chooses a port", 0, listen(waiting, 1));
    n += check!("already listening, backlog -1", 0, listen(waiting, -1));
    n += check!("descriptor -1", EBADF, connect(on.bad, server, size));
    n += check!("length 8", EINVAL, connect(connected, server, 8));
    n += check!("null pointer", EFAULT, connect(connected, null(), size));
    n += check!("to a listening socket", 0, connect(connected, server, size));
    n += check!("already connected", EISCONN, connect(connected, server, size));
    n += check!("connected socket", EINVAL, listen(connected, 1));
    n += check!("descriptor -1", EBADF, accept(on.bad, null_mut(), null_mut()));
    n += check!("not a socket", ENOTSOCK, accept(on.file, null_mut(), null_mut()));
    n += check!("UDP socket", EOPNOTSUPP, accept(on.udp, null_mut(), null_mut()));
    n += check!("not listening", EINVAL, accept(s, null_mut(), null_mut()));
    n += check!("empty queue, O_NONBLOCK", EAGAIN, accept(waiting, null_mut(), null_mut()));
    n += check!("length -1: the connection is lost", EINVAL,
        accept(on.listening, peer, &raw mut negative));

    n += check!("descriptor -1", EBADF, read(on.bad, byte, 1));
    n += check!("not connected", ENOTCONN, read(s, byte, 1));
    n += check!("length 0", 0, read(s, byte, 0));
    n += check!("descriptor -1", EBADF, write(on.bad, byte, 1));
    // main() ignores SIGPIPE, which would kill the process here.
    n += check!("not connected", EPIPE, write(s, byte, 1));
    n += check!("not connected", ENOTCONN, shutdown(s, SHUT_WR));
    n += check!("how 3", EINVAL, shutdown(s, 3));
    n += check!("not a socket", ENOTSOCK, shutdown(on.file, SHUT_WR));

    n += check!("not a socket", ENOTSOCK, getsockname(on.file, peer, &raw mut negative));
    n += check!("length -1", EINVAL, getsockname(s, peer, &raw mut negative));
    n += check!("null pointer for the length", EFAULT, getsockname(s, peer, null_mut()));
    n += check!("not a child process", ECHILD, waitpid(process::id() as pid_t, null_mut(), 0));
    n += check!("invalid options", EINVAL, waitpid(-1, null_mut(), 1 << 28));
    n += check!("descriptor -1", EBADF, close(on.bad));
    n += check!("open descriptor", 0, close(s));
    n += check!("closed descriptor", EBADF, close(s));
    close_fd(connected);
    close_fd(waiting);
    n
}
