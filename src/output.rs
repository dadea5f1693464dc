//! How a failed call is reported: program, call, what it was called for, reason. And how tables are
//! printed, which fails like any other call.
//!
//! The reason is handed in, read by the caller before anything else could set errno anew.
//! Twin: `c-reference/output.c`.

use crate::say::{say, write_all};
use errno::Errno;
use libc::{
    EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF, ECHILD, EFAULT, EINVAL,
    EISCONN, ENOPROTOOPT, ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPERM, EPIPE, EPROTONOSUPPORT,
    ESOCKTNOSUPPORT, STDERR_FILENO, STDOUT_FILENO, c_int,
};
use std::fmt::{self, Display};

/// Those that the tables may show.
const ERRORS: [(c_int, &str); 18] = [
    (EACCES, "EACCES"),
    (EADDRINUSE, "EADDRINUSE"),
    (EADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (EAFNOSUPPORT, "EAFNOSUPPORT"),
    (EAGAIN, "EAGAIN"),
    (EBADF, "EBADF"),
    (ECHILD, "ECHILD"),
    (EFAULT, "EFAULT"),
    (EINVAL, "EINVAL"),
    (EISCONN, "EISCONN"),
    (ENOPROTOOPT, "ENOPROTOOPT"),
    (ENOTCONN, "ENOTCONN"),
    (ENOTSOCK, "ENOTSOCK"),
    (EOPNOTSUPP, "EOPNOTSUPP"),
    (EPERM, "EPERM"),
    (EPIPE, "EPIPE"),
    (EPROTONOSUPPORT, "EPROTONOSUPPORT"),
    (ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"),
];

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

/// The name of an errno that the tables know.
pub fn error_name(error: Errno) -> &'static str {
    let known = ERRORS.iter().find(|(number, _)| *number == error.0);
    known.map_or("another errno", |(_, name)| name)
}

/// Prints them all, with strerror(3)'s words.
pub fn print_errors() {
    for (error, name) in ERRORS {
        print(format_args!("{name:<24}{}\n", Errno(error)));
    }
}

/// Writes all of a text to stdout. Bails where that fails.
pub fn print(text: fmt::Arguments) {
    if let Err(reason) = write_all(STDOUT_FILENO, text.to_string().as_bytes()) {
        bail("write", "standard output", reason);
    }
}
