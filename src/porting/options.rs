//! Sets options of a TCP socket, and reads them back. Usage: `options MILLISECONDS`.
//! C counterpart: `c-reference/porting/options.c`.

use errno::errno;
use libc::{AF_INET, IPPROTO_TCP, SO_LINGER, SO_RCVTIMEO, SO_REUSEADDR, SOCK_STREAM};
use libc::{SOL_SOCKET, TCP_NODELAY, c_int, linger, socklen_t, timeval};
use std::{env, fmt::Display, process};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("options: {what}: {reason}");
    process::exit(1)
}

/// Sets an option to `value`, and reads it back.
fn set_option<T>(s: c_int, level: c_int, name: c_int, value: &mut T) {
    let (mut size, value) = (size_of_val(value) as socklen_t, (&raw mut *value).cast());
    // SAFETY: `size` is the size of the variable at `value`.
    if unsafe { libc::setsockopt(s, level, name, value, size) } == -1 {
        err(format_args!("setsockopt {name}"), errno());
    }
    // SAFETY: `size` is the size of the variable at `value`.
    unsafe { libc::getsockopt(s, level, name, value, &raw mut size) };
}

fn main() {
    // 1. Parse. strtol skips white space, stops at the first other character, and sets errno.
    let text = env::args_os().nth(1).unwrap_or_default();
    let space = |c: char| matches!(c, '\t'..='\r' | ' ');
    let Ok(ms @ 1..) = text.to_string_lossy().trim_start_matches(space).parse() else {
        err("usage", "options MILLISECONDS")
    };

    // 2. Set the options. Each has its own type, and 0 would mean no timeout.
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        err("socket", errno());
    }
    let (mut reuse, mut nodelay): (c_int, c_int) = (1, 1);
    let (tv_sec, tv_usec, l_onoff, l_linger) = (ms / 1000, ms % 1000 * 1000, 1, 5);
    let mut timeout = timeval { tv_sec, tv_usec };
    let mut linger = linger { l_onoff, l_linger };
    set_option(s, SOL_SOCKET, SO_REUSEADDR, &mut reuse);
    set_option(s, SOL_SOCKET, SO_RCVTIMEO, &mut timeout);
    set_option(s, SOL_SOCKET, SO_LINGER, &mut linger);
    set_option(s, IPPROTO_TCP, TCP_NODELAY, &mut nodelay);
    let l_linger = linger.l_linger;
    print!("reuse {reuse}, nodelay {nodelay}, linger {l_linger} s, ");
    println!("timeout {}.{:06} s", timeout.tv_sec, timeout.tv_usec);
}
