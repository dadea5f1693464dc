//! What to do if accept(2) fails.
//!
//! Three classes: only this connection failed, a resource is short, or the error is fatal.
//! C counterpart: `c-reference/accept_error.c`.

use crate::output::{exit_with_error, report_error};
use errno::Errno;
use libc::{
    ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, EMFILE, ENETDOWN, ENETUNREACH, ENFILE, ENOBUFS,
    ENOMEM, ENONET, ENOPROTOOPT, ENOSR, EOPNOTSUPP, EPERM, EPROTO, EPROTONOSUPPORT,
    ESOCKTNOSUPPORT, ETIMEDOUT, timespec,
};
use std::net::SocketAddrV4;
use std::ptr;

/// Call this after accept(2) has failed with `reason`. Returns if the server can go on; exits if not.
/// Pass the result of the last call as `reported`, and false after accept(2) has succeeded, so that a
/// shortage is reported once.
pub fn accept_error(server_text: SocketAddrV4, reason: Errno, reported: bool) -> bool {
    let delay = timespec {
        tv_sec: 0,
        tv_nsec: 100 * 1000 * 1000,
    };

    match reason.0 {
        EINTR | ECONNABORTED | EPROTO | ENOPROTOOPT | EOPNOTSUPP | EPROTONOSUPPORT
        | ESOCKTNOSUPPORT | ENOSR | ETIMEDOUT | ENETDOWN | ENETUNREACH | ENONET | EHOSTDOWN
        | EHOSTUNREACH => {
            // A signal, or an error that was pending on the new connection. Accept the next client.
            reported
        }

        EMFILE | ENFILE | ENOBUFS | ENOMEM | EPERM => {
            // The connection stays in the queue. Without a delay the server would spin.
            if !reported {
                report_error("accept", server_text, reason);
            }
            // SAFETY: `delay` is a timespec; a null pointer is allowed for the remaining time.
            unsafe { libc::nanosleep(&raw const delay, ptr::null_mut()) };
            true
        }

        _ => exit_with_error("accept", server_text, reason),
    }
}
