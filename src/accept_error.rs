//! What to do if accept(2) fails.
//!
//! Three classes: the connection failed, the system is short of a resource, or the error is fatal.
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

/// Returns if accept(2) on the server's socket, which has failed with `reason`, can be called again;
/// exits if not. A shortage is reported once: `reported` tells whether it has been, and the result
/// whether it now has.
pub fn accept_error(server_text: SocketAddrV4, reason: Errno, reported: bool) -> bool {
    let delay = timespec {
        tv_sec: 0,
        tv_nsec: 100 * 1000 * 1000,
    };

    match reason.0 {
        EINTR | ECONNABORTED | EPROTO | ENOPROTOOPT | EOPNOTSUPP | EPROTONOSUPPORT
        | ESOCKTNOSUPPORT | ENOSR | ETIMEDOUT | ENETDOWN | ENETUNREACH | ENONET | EHOSTDOWN
        | EHOSTUNREACH => {
            // accept(2) passes pending network errors on the new socket. Go on with the next client.
            reported
        }

        EMFILE | ENFILE | ENOBUFS | ENOMEM | EPERM => {
            // The connection stays in the queue. Without a delay the server would loop at full speed.
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
