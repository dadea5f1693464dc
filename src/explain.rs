//! Diagnosis of EADDRINUSE: whether a server can bind a port, why not, and what helps.
//!
//! The data flows one way: collect a snapshot, predict, print. A snapshot lists the sockets, their
//! holders and options. If a holder is not found or a socket closes meanwhile, it takes another one,
//! up to five in all.
//!
//! "Free" refers to a server that sets SO_REUSEADDR, not IPV6_V6ONLY or SO_BINDTODEVICE. Limits:
//!
//! - Holders and options of other users' sockets are visible to root only (with CAP_SYS_PTRACE).
//! - The options of a socket without a process are inferred from the listeners on its address.
//! - That a user may not bind a port below 1024 does not affect the exit status.
//! - Only the network namespace of `explain` itself is seen. Bound sockets that do not listen are
//!   listed since Linux 6.8. Reading options requires 5.6, or 6.9 for a thread with its own table.
//! - A socket stays open while `explain` has a copy of its descriptor, to read the options.
//!
//! C counterpart: `c-reference/explain.c`.

mod collect;
mod prediction;
mod print_answer;
mod print_sockets;
mod procfs;
mod snapshot;
mod sock_diag;

use crate::address::Endpoint;
use crate::output::{hold_output, report_error, write_held};
use collect::{collect, try_targets};
use errno::Errno;
use libc::{EPIPE, c_int};
use prediction::predict;
use print_answer::print_answer;
use print_sockets::print_sockets;
use snapshot::{Conflict, Snapshot, has_unseen_holder, worst_result};

/// Exit statuses besides 0 (free) and 2 (wrong usage).
const IN_USE: c_int = 1;
const UNDETERMINED: c_int = 3;

/// Maximum number of snapshots. Sockets can be opened and closed while one is taken.
const SNAPSHOTS_MAX: usize = 5;

/// Returns the exit status: 0 if a server that sets SO_REUSEADDR can bind to each target.
fn exit_status(snapshot: &Snapshot) -> c_int {
    match worst_result(snapshot, true) {
        Conflict::Yes => IN_USE,
        Conflict::Maybe => UNDETERMINED,
        _ if snapshot.targets.iter().any(|target| target.error.is_some()) => UNDETERMINED,
        _ => 0,
    }
}

/// Prints whether a server can bind to `endpoints`, which have the same port, why not, what helps,
/// and the sockets and processes that use the port: each socket if `all`. Binds to them if `trial`.
/// Returns the exit status.
pub fn explain(endpoints: &[Endpoint], trial: bool, all: bool) -> c_int {
    let mut count = 1;

    let mut snapshot = loop {
        let mut snapshot = collect(endpoints, count == SNAPSHOTS_MAX);
        predict(&mut snapshot);
        // The socket may have moved to a process already read. Hidden processes stay hidden.
        let unseen = snapshot.sockets.iter().any(has_unseen_holder);
        // Where the others suffice, a socket that was closed does not matter.
        let changed = snapshot.changed && worst_result(&snapshot, true) != Conflict::Yes;
        if count == SNAPSHOTS_MAX || !changed && (!unseen || snapshot.hidden) {
            break snapshot;
        }
        count += 1;
    };
    if trial {
        try_targets(&mut snapshot);
        predict(&mut snapshot);
    }

    hold_output();
    print_answer(&snapshot);
    print_sockets(&snapshot, all);
    match write_held() {
        Ok(()) | Err(Errno(EPIPE)) => exit_status(&snapshot), // a reader may stop, as head(1) does
        Err(reason) => {
            report_error("write", "standard output", reason);
            UNDETERMINED
        }
    }
}
