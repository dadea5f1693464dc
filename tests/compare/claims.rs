//! The table of the page's claims: words, what the page says, what Linux does, how it is seen.

use crate::support::{Build, Result};
use crate::{agreement::*, remedy::*, setting::*, trouble::*};

/// A row of the report.
pub struct Claim {
    /// The id and the words; an indented row goes on from the one above it.
    pub text: &'static str,
    /// What is to be seen if the page holds; empty where it says nothing of it.
    pub page: &'static str,
    /// What is to be seen on Linux.
    pub linux: &'static str,
    /// Makes it happen with a build and says what was seen. The builds of this project are given
    /// beside it, for what one program does after another.
    pub run: fn(&Build, &[Build]) -> Result<String>,
}

const fn claim(
    text: &'static str,
    page: &'static str,
    linux: &'static str,
    run: fn(&Build, &[Build]) -> Result<String>,
) -> Claim {
    Claim {
        text,
        page,
        linux,
        run,
    }
}

/// The row that takes the minute of TIME_WAIT.
pub const SLOW: &str = "T4    restart after TIME_WAIT";

/// All claims, in the page's order.
#[rustfmt::skip]
pub const CLAIMS: &[Claim] = &[
    claim("F1  the server listens, and says so", "yes", "yes", f1),
    claim("F2  a client has a port of its own", "yes", "yes", f2),
    claim("F3  fork: parent and child now exist", "yes", "yes", f3),
    claim("F4  parent keeps no connected socket", "yes", "yes", f4),
    claim("F5  child and client converse", "yes", "yes", f5_bytes),
    claim("F5  parent stopped: they converse on", "yes", "yes", f5_stopped),
    claim("F5  two clients: a child for each", "yes", "yes", f5_two),
    claim("F5  client leaves: its child is gone", "yes", "yes", f5_reaped),
    claim("T1  parent killed: child serves on", "yes", "yes", t1),
    claim("T1  child killed: parent serves on", "", "yes", t1_reversed),
    claim("T2  parent killed: nobody connects", "yes", "yes", t2),
    claim("T3  parent gone: restart, option off", "EADDRINUSE", "EADDRINUSE", t3),
    claim("T3    and so for a second of trying", "", "EADDRINUSE", t3_waited),
    claim("T4  child killed: its connection is", "gone", "FIN_WAIT2", |b, _| t4_state(b, Last::Nobody)),
    claim("T4    restart, option off", "runs", "EADDRINUSE", |b, _| t4_restart(b, Last::Nobody)),
    claim("T4  then the client closes: it is", "gone", "TIME_WAIT", |b, _| t4_state(b, Last::Client)),
    claim("T4    restart, option off", "runs", "EADDRINUSE", |b, _| t4_restart(b, Last::Client)),
    claim(SLOW, "", "runs", t4_over),
    claim("T4  the client closes first: it is", "gone", "gone", |b, _| t4_state(b, Last::Child)),
    claim("T4    restart, option off", "runs", "runs", |b, _| t4_restart(b, Last::Child)),
    claim("R1  socket, setsockopt, bind, listen", "yes", "yes", r1),
    claim("R2  SIGTERM, restart: all are served", "yes", "yes", |b, _| r2(b, b, libc::SIGTERM)),
    claim("R2  SIGINT, restart: all are served", "yes", "yes", |b, _| r2(b, b, libc::SIGINT)),
    claim("R2  SIGKILL, restart: all are served", "yes", "yes", |b, _| r2(b, b, libc::SIGKILL)),
    claim("R2  SIGSEGV, restart: all are served", "yes", "yes", |b, _| r2(b, b, libc::SIGSEGV)),
    claim("R2  restarted as the other build", "yes", "yes", r2_across),
    claim("C1  a second server beside the first", "EADDRINUSE", "EADDRINUSE", c1),
    claim("C1  child keeps no listening socket", "yes", "yes", c1_child),
    claim("C2  option off, restart: option off", "EADDRINUSE", "EADDRINUSE", |b, _| c2(b, false, false)),
    claim("C2  option off, restart: option on", "EADDRINUSE", "EADDRINUSE", |b, _| c2(b, false, true)),
    claim("C2  option on, restart: option off", "EADDRINUSE", "EADDRINUSE", |b, _| c2(b, true, false)),
    claim("C2  option on, restart: option on", "runs", "runs", |b, _| c2(b, true, true)),
    claim("K1  setsockopt as the kernel sees it", "yes", "yes", k1),
    claim("K1  --no-reuseaddr: all but the call", "yes", "yes", k1_without),
    claim("K2  getsockopt says", "1", "1", |b, _| k2(b, true)),
    claim("K2  getsockopt with --no-reuseaddr", "0", "0", |b, _| k2(b, false)),
    claim("serve: the same system calls", "", "yes", same_calls),
    claim("rules: the same bytes", "", "yes", |b, ours| same_bytes(b, ours, &["rules"])),
    claim("abi: the same bytes", "", "yes", |b, ours| same_bytes(b, ours, &["abi"])),
    claim("rules --all: the same bytes", "", "yes", |b, ours| same_bytes(b, ours, &["rules", "--all"])),
];
