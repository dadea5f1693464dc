//! The objects that calls are made on, and the check of a result.
//! C counterpart: `c-reference/abi/cases.c`.

use crate::output::{error_name, exit_with_error};
use crate::sock::listen_on;
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_UNIX, MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, O_RDWR, PROT_NONE, SOCK_DGRAM,
    SOCK_NONBLOCK, SOCK_STREAM, c_int, c_long, c_void, sockaddr_in, socklen_t,
};
use std::mem;
use std::ptr::null_mut;

/// Descriptors, an address and a page, for the arguments of the calls.
pub struct Objects {
    /// Not an open descriptor.
    pub bad: c_int,
    /// Open, but not a socket.
    pub file: c_int,
    pub udp: c_int,
    /// An AF_UNIX socket.
    pub local: c_int,
    /// A TCP socket that listens on `address` and does not block.
    pub listening: c_int,
    pub address: sockaddr_in,
    /// A page that can be neither read nor written.
    pub forbidden: *mut c_void,
}

/// Returns a new socket. Exits if that fails.
pub fn new_socket(family: c_int, kind: c_int) -> c_int {
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(family, kind, 0) };
    if s == -1 {
        exit_with_error("socket", "for the calls of abi", errno());
    }
    s
}

/// Opens the objects, which stay open until the process exits. Exits if that fails.
#[rustfmt::skip]
pub fn make_objects() -> Objects {
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    let mut length = size_of_val(&address) as socklen_t;

    let udp = new_socket(AF_INET, SOCK_DGRAM);
    let local = new_socket(AF_UNIX, SOCK_STREAM);
    let listening = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    // SAFETY: the path ends in a NUL; without O_CREAT there is no third argument.
    let file = unsafe { libc::open(c"/dev/null".as_ptr(), O_RDWR) };
    if file == -1 {
        exit_with_error("open", "/dev/null", errno());
    }
    listen_on(listening); // not bound: the kernel chooses a port
    // SAFETY: `length` is the size of `address`.
    if unsafe { libc::getsockname(listening, (&raw mut address).cast(), &raw mut length) } == -1 {
        exit_with_error("getsockname", "TCP socket", errno());
    }
    let flags = MAP_PRIVATE | MAP_ANONYMOUS;
    // SAFETY: without MAP_FIXED a new mapping replaces no other.
    let forbidden = unsafe { libc::mmap(null_mut(), 1, PROT_NONE, flags, -1, 0) };
    if forbidden == MAP_FAILED {
        exit_with_error("mmap", "PROT_NONE page", errno());
    }
    Objects { bad: -1, file, udp, local, listening, address, forbidden }
}

/// Prints the name of the call; `text`, which describes its arguments; and the errno of `result`,
/// or OK. Returns 1 if that is not the `expected` errno (0 for OK), else 0.
pub fn check_result(call: &str, text: &str, expected: c_int, result: c_long) -> c_int {
    let error = if result == -1 { errno().0 } else { 0 };
    let name = |e| if e == 0 { "OK" } else { error_name(Errno(e)) };
    let (found, wanted) = (name(error), name(expected));

    if error == expected {
        out!("{call:<12}{text:<40}{found}\n");
        return 0;
    }
    out!("{call:<12}{text:<40}{found}! expected: {wanted}\n");
    1
}

/// Makes the call and checks its result.
macro_rules! check {
    ($text:literal, $expected:expr, $call:ident($($argument:expr),*)) => {{
        // SAFETY: each pointer is null, points to a PROT_NONE page, or points to an object of at
        // least the length passed. The kernel rejects the lengths that are greater, -1 and 129.
        let z = unsafe { libc::$call($($argument),*) };
        $crate::abi::cases::check_result(stringify!($call), $text, $expected, z as libc::c_long)
    }};
}
pub(crate) use check;
