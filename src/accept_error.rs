//! What to do if accept(2) fails.
//!
//! Three classes: try again at once, try again after a delay, or give up.
//! C counterpart: `c-reference/accept_error.c`.

use crate::output::report_error;
use errno::Errno;
use libc::{
    ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, EMFILE, ENETDOWN, ENETUNREACH, ENFILE, ENOBUFS,
    ENOMEM, ENONET, ENOPROTOOPT, ENOSR, EOPNOTSUPP, EPERM, EPROTO, EPROTONOSUPPORT,
    ESOCKTNOSUPPORT, ETIMEDOUT, timespec,
};
use std::net::SocketAddrV4;
use std::ptr;

/// Call this after accept(2) has failed with `reason`. Exits if the server cannot go on. Otherwise
/// returns whether a shortage has been reported since accept(2) last succeeded. Pass that value as
/// `reported` the next time, or false if accept(2) has succeeded since.
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

        _ => {
            report_error("accept", server_text, reason);
            // SAFETY: no pointers; does not return.
            unsafe { libc::_exit(1) }
        }
    }
}
