//! What the calls of `abi` are tried on.
//!
//! C counterpart: `c-reference/abi/cases.c`.

use crate::output::{error_name, exit_with_error, out};
use errno::{Errno, errno};
use libc::{c_int, c_long, c_void, sockaddr_in};

/// What the calls are tried on.
pub struct Objects {
    /// A number that is no open descriptor.
    pub bad: c_int,
    /// A descriptor, but no socket.
    pub file: c_int,
    /// A socket of UDP.
    pub datagram: c_int,
    /// A socket of AF_UNIX.
    pub local: c_int,
    /// A socket that listens on a port that the kernel chose.
    pub listening: c_int,
    pub address: sockaddr_in,
    /// A page that may not be read nor written.
    pub forbidden: *mut c_void,
}

/// A socket to try calls on. Bails where there is none.
pub fn new_socket(family: c_int, kind: c_int) -> c_int {
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::socket(family, kind, 0) };
    if s == -1 {
        exit_with_error("socket", "to try calls on", errno());
    }
    s
}

/// Prints what `call` answered to what `text` says: 0 or more as OK. Returns 1 if another errno than
/// `expected` was the answer, else 0.
pub fn expect(call: &str, text: &str, expected: c_int, result: c_long) -> usize {
    let answer = if result == -1 { errno().0 } else { 0 };
    let name = |error| match error {
        0 => "OK",
        _ => error_name(Errno(error)),
    };

    if answer == expected {
        out!("{call:<12}{text:<40}{}\n", name(answer));
        return 0;
    }
    out!(
        "{call:<12}{text:<40}{}! expected: {}\n",
        name(answer),
        name(expected)
    );
    1
}
