//! The rule tested on the running kernel.
//!
//! An existing socket holds a port. bind(2) and listen(2) are called on a new socket for that port.
//! The results are compared with what `conflict.rs` predicts. Probes first determine which variant
//! of the rule applies.
//! Limits: rows with IPv6 are left out if ::1 cannot be bound, and rows with two users if this user
//! may not give a socket to another one. The sockets are in a private network namespace or, if none
//! can be created, on free ports of the current network. `--all` leaves 3,200 of them in TIME_WAIT
//! for a minute, which net.ipv4.tcp_max_tw_buckets has to permit.
//! C counterpart: `c-reference/rules.c`.

mod all;
mod holder;
mod ports;
mod sequences;
mod steps;
mod tables;
mod target;
mod trial;

use crate::conflict::{Bucket, Kernel};
use crate::netns::{enter_netns, has_ipv6};
use crate::sock::{close_fd, own_uid};
use all::print_all;
use errno::errno;
use holder::Moment::{AfterBind, Never};
use holder::Scenario::{Bound, FinWait1};
use libc::{c_int, gid_t, uid_t};
use ports::*;
use sequences::print_sequences;
use tables::print_tables;
use target::*;
use trial::try_new_socket;

/// Returns a user id that this process may give a socket with fchown(2), or its own.
fn find_other_user() -> uid_t {
    let mut other = own_uid() + 1;

    let s = open_planned(&with_options(&V4_LO, false, false));
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::fchown(s, other, gid_t::MAX) } == -1 {
        let reason = errno();
        note!("reuseaddr: fchown: {reason}; rows with two users are left out\n");
        other = own_uid();
    }
    close_fd(s);
    other
}

/// Returns whether a socket can be bound to a wildcard beside an orphan on 127.0.0.1, if both have
/// SO_REUSEPORT.
fn probe_orphan(ports: &mut Ports, other_user: bool) -> bool {
    let reuseport = true;
    let plan = Plan {
        reuseport,
        other_user,
        ..PLAIN
    };
    let orphan = with_plan(ports, &V4_LO, &plan);
    let new = with_options(&V4_ANY, false, true);
    let cell = try_new_socket(ports, FinWait1, Never, &orphan, &new);
    cell.bind.seen.is_none()
}

/// Determines which variant of the rule applies.
fn probe_kernel(ports: &mut Ports) {
    let mut kernel = Kernel::default();
    let reuseaddr = with_options(&V4_LO, true, false);
    let cell = try_new_socket(ports, Bound, AfterBind, &reuseaddr, &reuseaddr);
    kernel.first_is_fast = cell.bind.seen.is_none();

    if ports.ipv6 {
        let [wildcard, lo] = [&MAPPED_ANY, &MAPPED_LO].map(|one| with_options(one, false, false));
        let cell = try_new_socket(ports, Bound, Never, &wildcard, &lo);
        kernel.skips_mapped = cell.bind.seen.is_none();
    }

    if !probe_orphan(ports, false) {
        kernel.orphan_uid = Some(!own_uid());
    } else if has_other_user(ports) && probe_orphan(ports, true) {
        kernel.orphan_uid = Some(own_uid());
    }
    ports.kernel = kernel;
}

/// Prints the tables or, if `all` is true, every combination as CSV, or, if `count` is not 0, that
/// many random sequences. Returns the exit status: 1 if the kernel contradicts the rule.
pub fn rules(all: bool, count: u64, seed: u64) -> c_int {
    enter_netns("using free ports of the current network");
    let ipv6 = has_ipv6();
    if let Err(reason) = ipv6 {
        note!("reuseaddr: ::1: {reason}; rows with IPv6 are left out\n");
    }
    let wildcard = if ipv6.is_ok() { V6_ANY } else { V4_ANY };
    let mut ports = Ports {
        wildcard: with_options(&wildcard, false, false),
        port: FIRST_PORT,
        udp: -1,
        ipv6: ipv6.is_ok(),
        other_user: find_other_user(),
        kernel: Kernel::default(),
        bucket: Bucket::default(),
        sockets: Vec::new(),
        ends: Vec::new(),
        results: 0,
        contradictions: 0,
    };

    probe_kernel(&mut ports);
    if count != 0 {
        print_sequences(&mut ports, count, seed);
    } else if all {
        print_all(&mut ports);
    } else {
        print_tables(&mut ports);
    }
    let (results, contradictions) = (ports.results, ports.contradictions);
    let s = if contradictions == 1 { "s" } else { "" };
    let sum = format!("{contradictions} contradict{s} the rule.\n");
    if all || count != 0 {
        note!("{results} rows; {sum}");
    } else {
        out!("\n{results} cells; {sum}");
    }
    c_int::from(contradictions > 0)
}
