//! How a failed call is reported: program, call, what it was called for, reason.
//!
//! The reason is handed in, read by the caller before anything else could set errno anew.
//! Twin: `c-reference/bail.c`.

use crate::say::say;
use errno::Errno;
use libc::STDERR_FILENO;
use std::fmt::Display;

/// Says on stderr that `call` failed for `subject`, and the `reason`.
pub fn complain(call: &str, subject: impl Display, reason: Errno) {
    say(
        STDERR_FILENO,
        format_args!("reuseaddr: {call} {subject}: {reason}\n"),
    );
}

/// Complains, then ends the process with status 1.
pub fn bail(call: &str, subject: impl Display, reason: Errno) -> ! {
    complain(call, subject, reason);
    // Not exit(3): a forked child ends here too, and atexit(3)'s handlers are its parent's.
    // SAFETY: ends the process, touches no memory of ours.
    unsafe { libc::_exit(1) }
}
