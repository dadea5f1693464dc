//! Prints one message that is sent to a UNIX domain socket.
//!
//! Usage: `unix PATH`. C counterpart: `c-reference/porting/unix.c`.

use errno::errno;
use libc::{AF_UNIX, SOCK_DGRAM, STDOUT_FILENO, c_char, sa_family_t, sockaddr_un, socklen_t};
use std::ffi::CString;
use std::fmt::Display;
use std::os::unix::ffi::OsStringExt;
use std::{env, mem, process};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("unix: {what}: {reason}");
    process::exit(1)
}

fn main() {
    // SAFETY: sockaddr_un is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = AF_UNIX as sa_family_t;
    let mut buffer = [0u8; 4096];

    // 1. Copy the path. Its NUL has to fit; an empty path would be an abstract address.
    let path = env::args_os().nth(1).unwrap_or_default().into_vec();
    if path.is_empty() || path.len() >= address.sun_path.len() {
        eprintln!("usage: unix PATH");
        process::exit(2)
    }
    for (to, from) in address.sun_path.iter_mut().zip(&path) {
        *to = *from as c_char;
    }
    let path = CString::new(path).expect("an argument contains no NUL");
    let name = path.to_string_lossy();

    // 2. Bind. Fails with EADDRINUSE if the path exists; SO_REUSEADDR does not change that.
    let length = size_of_val(&address) as socklen_t;
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_UNIX, SOCK_DGRAM, 0) };
    // SAFETY: `length` is the size of `address`.
    if s == -1 || unsafe { libc::bind(s, (&raw const address).cast(), length) } == -1 {
        err(format_args!("bind {name}"), errno());
    }

    // 3. Print a message.
    // SAFETY: `buffer` has room for its length.
    let n = unsafe { libc::recv(s, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    // SAFETY: `buffer` contains `n` bytes.
    if n == -1 || unsafe { libc::write(STDOUT_FILENO, buffer.as_ptr().cast(), n as usize) } == -1 {
        err("recv or write", errno());
    }

    // 4. Remove the path, which outlives the socket.
    // SAFETY: `path` is a C string.
    if unsafe { libc::unlink(path.as_ptr()) } == -1 {
        err(format_args!("unlink {name}"), errno());
    }
}
