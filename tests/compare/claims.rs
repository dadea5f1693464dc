//! The rows of `make compare`: what the page claims, what Linux does, and the function that tries it.

pub mod agreement;
pub mod figure;
pub mod remedy;
pub mod trouble;

use crate::support::{Build, Result};
use agreement::{same_bytes, same_calls};
use figure::{f1, f2, f3, f4, f5_bytes, f5_reaped, f5_stopped, f5_two};
use remedy::{c1, c1_child, c2, k1, k1_without, k2, r1, r2, r2_across};
use trouble::{Last, t1, t1_reversed, t2, t3_retried, t4_over, t4_restart, t4_state};

/// A row of the report.
pub struct Claim {
    /// The claim's id and a short text. An indented row continues the row above it.
    pub text: &'static str,
    /// What is seen if the page is right; empty in a check of our own.
    pub page: &'static str,
    pub linux: &'static str,
    /// Tries it with one build. The first line of the result is the cell, the rest are details.
    pub run: fn(&Build) -> Result<String>,
}

type Text = &'static str;

#[rustfmt::skip]
const fn claim(text: Text, page: Text, linux: Text, run: fn(&Build) -> Result<String>) -> Claim {
    Claim { text, page, linux, run }
}

/// The row that waits until TIME_WAIT is over, a minute.
pub const SLOW: &str = "T4    restart after TIME_WAIT";

/// All rows, in the page's order.
#[rustfmt::skip]
pub const CLAIMS: &[Claim] = &[
    claim("F1  server listens and reports it", "yes", "yes", f1),
    claim("F2  client connects from other port", "yes", "yes", f2),
    claim("F3  fork: parent and child exist", "yes", "yes", f3),
    claim("F4  parent closes connected socket", "yes", "yes", f4),
    claim("F5  child echoes what client sends", "yes", "yes", f5_bytes),
    claim("F5  parent stopped: echo goes on", "yes", "yes", f5_stopped),
    claim("F5  two clients: two child processes", "yes", "yes", f5_two),
    claim("F5  client closes: its child exits", "yes", "yes", f5_reaped),
    claim("T1  parent killed: child serves on", "yes", "yes", t1),
    claim("T1  child killed: parent serves on", "", "yes", t1_reversed),
    claim("T2  parent killed: connect refused", "yes", "yes", t2),
    claim("T3  parent gone: restart, option off", "EADDRINUSE", "EADDRINUSE", |b| c2(b, false, false)),
    claim("T3    retried for one second", "", "EADDRINUSE", t3_retried),
    claim("T4  child killed: its connection is", "gone", "FIN_WAIT2", |b| t4_state(b, Last::Nobody)),
    claim("T4    restart, option off", "runs", "EADDRINUSE", |b| t4_restart(b, Last::Nobody)),
    claim("T4  then the client closes: it is", "gone", "TIME_WAIT", |b| t4_state(b, Last::Client)),
    claim("T4    restart, option off", "runs", "EADDRINUSE", |b| t4_restart(b, Last::Client)),
    claim(SLOW, "", "runs", t4_over),
    claim("T4  the client closes first: it is", "gone", "gone", |b| t4_state(b, Last::Child)),
    claim("T4    restart, option off", "runs", "runs", |b| t4_restart(b, Last::Child)),
    claim("R1  socket, setsockopt, bind, listen", "yes", "yes", r1),
    claim("R2  SIGTERM, restart: clients served", "yes", "yes", |b| r2(b, b, libc::SIGTERM)),
    claim("R2  SIGINT, restart: clients served", "yes", "yes", |b| r2(b, b, libc::SIGINT)),
    claim("R2  SIGKILL, restart: clients served", "yes", "yes", |b| r2(b, b, libc::SIGKILL)),
    claim("R2  SIGSEGV, restart: clients served", "yes", "yes", |b| r2(b, b, libc::SIGSEGV)),
    claim("R2  restarted as the other build", "yes", "yes", r2_across),
    claim("C1  a second server beside the first", "EADDRINUSE", "EADDRINUSE", c1),
    claim("C1  child closes listening socket", "yes", "yes", c1_child),
    claim("C2  option off, restart: option off", "EADDRINUSE", "EADDRINUSE", |b| c2(b, false, false)),
    claim("C2  option off, restart: option on", "EADDRINUSE", "EADDRINUSE", |b| c2(b, false, true)),
    claim("C2  option on, restart: option off", "EADDRINUSE", "EADDRINUSE", |b| c2(b, true, false)),
    claim("C2  option on, restart: option on", "runs", "runs", |b| c2(b, true, true)),
    claim("K1  setsockopt as the kernel sees it", "yes", "yes", k1),
    claim("K1  --no-reuseaddr omits only this", "yes", "yes", k1_without),
    claim("K2  getsockopt: SO_REUSEADDR is", "1", "1", |b| k2(b, true)),
    claim("K2    with --no-reuseaddr", "0", "0", |b| k2(b, false)),
    claim("serve: same system calls", "", "yes", same_calls),
    claim("rules: same bytes", "", "yes", |b| same_bytes(b, &["rules"])),
    claim("abi: same bytes", "", "yes", |b| same_bytes(b, &["abi"])),
    claim("rules --all: same bytes", "", "yes", |b| same_bytes(b, &["rules", "--all"])),
];
