//! The rule tested on the running kernel.
//!
//! A socket, the holder, holds a port. A new socket calls bind(2) on that port, then listen(2). The
//! results are compared with what `conflict.rs` predicts.
//! Limits: all sockets belong to one user, so SO_REUSEPORT is not tested between users. Rows with
//! IPv6 are left out if ::1 cannot be bound. Before Linux 6.8, "cleared after bind" contradicts the
//! rule (see `conflict.rs`). The sockets are in a private network namespace. If none can be
//! created, they use free ports of the current network, where `--all` leaves about 2,000 sockets in
//! TIME_WAIT for a minute. C counterpart: `c-reference/rules.c`.

mod holder;
mod ports;
mod target;
mod trial;

use crate::netns::{enter_netns, has_ipv6};
use crate::output::{error_name, exit_with_error};
use errno::errno;
use holder::Moment::{self, *};
use holder::Scenario::{self, *};
use holder::{ALL_SCENARIOS, scenario_name};
use libc::{AF_INET, c_int, utsname};
use ports::{FIRST_PORT, Ports};
use std::ffi::CStr;
use std::mem;
use target::*;
use trial::{Cell, Outcome, agrees, try_new_socket, try_two_listeners};

struct Run {
    ports: Ports,
    ipv6: bool,
    cells: usize,
    contradictions: usize,
}

/// The addresses of `--all`.
#[rustfmt::skip]
const TARGETS: [&Target; 8] =
    [&V4_LO, &V4_LO2, &V4_ANY, &V6_LO, &V6_ANY, &V6_ONLY, &MAPPED_LO, &MAPPED_ANY];

/// The addresses of the holder and of the new socket in the second table.
#[rustfmt::skip]
const PAIRS: [[&Target; 2]; 21] = [
    [&V4_LO, &V4_LO], [&V4_LO, &V4_LO2], [&V4_LO, &V4_ANY], [&V4_ANY, &V4_LO], [&V4_ANY, &V4_LO2],
    [&V4_ANY, &V6_ANY], [&V6_ANY, &V4_ANY], [&V4_LO, &V6_ANY],   [&V6_ANY, &V4_LO],
    [&V4_ANY, &V6_ONLY], [&V6_ONLY, &V4_ANY], [&V4_LO, &V6_LO],  [&V6_LO, &V4_LO],
    [&V4_ANY, &V6_LO],  [&V6_LO, &V4_ANY],  [&V6_LO, &V6_ANY],   [&V6_ANY, &V6_LO],
    [&MAPPED_LO, &V4_LO], [&V4_LO, &MAPPED_LO], [&MAPPED_LO, &V4_ANY], [&MAPPED_LO, &V6_ONLY],
];

/// The columns of the second table: scenario, and SO_REUSEADDR of both sockets.
#[rustfmt::skip]
const COLUMNS: [(Scenario, bool); 4] =
    [(Bound, false), (Bound, true), (Listen, true), (Established, false)];

/// The third table: text, scenario, when the option changes, and its value before.
#[rustfmt::skip]
const CHANGES: [(&str, Scenario, Moment, bool); 6] = [
    ("set after bind", Bound, AfterBind, false),
    ("cleared after bind", Bound, AfterBind, true),
    ("set on the listener before the client connects", Established, AfterListen, false),
    ("set on the listener after the client connects", Established, AfterConnect, false),
    ("set on the accepted socket", Established, AfterAccept, false),
    ("cleared on the accepted socket", Established, AfterAccept, true),
];

fn is_usable(run: &Run, target: &Target) -> bool {
    run.ipv6 || target.socket.family == AF_INET
}

fn count(run: &mut Run, cell: &Cell) {
    run.cells += 1;
    run.contradictions += usize::from(!agrees(cell));
}

fn bind_name(outcome: &Outcome) -> &'static str {
    outcome.bind.map_or("OK", error_name)
}

fn listen_name(outcome: &Outcome) -> &'static str {
    match outcome.bind {
        Some(_) => "-",
        None => outcome.listen.map_or("OK", error_name),
    }
}

/// Prints and counts a cell, at least `width` wide. "!" marks one that contradicts the rule.
fn print_cell(run: &mut Run, cell: &Cell, width: usize) {
    let text = match cell.seen.listen {
        Some(reason) => format!("listen: {}", error_name(reason)),
        None => bind_name(&cell.seen).to_string(),
    };
    out!("{:<width$}", text + if agrees(cell) { "" } else { "!" });
    count(run, cell);
}

fn print_scenarios(run: &mut Run) {
    // SAFETY: utsname is arrays of characters, for which zero is valid.
    let mut kernel: utsname = unsafe { mem::zeroed() };
    // SAFETY: uname(2) writes one utsname.
    if unsafe { libc::uname(&raw mut kernel) } == -1 {
        exit_with_error("uname", "the kernel", errno());
    }
    // SAFETY: uname(2) has ended the string with a NUL.
    let release = unsafe { CStr::from_ptr(kernel.release.as_ptr()) }.to_string_lossy();
    out!(
        "Result of bind(2), then listen(2), on a port that is in use.\n\
         Tested on Linux {release}.\n\n\
         1. Both on 127.0.0.1. Columns: SO_REUSEADDR of the existing / the new socket.\n\
         BOUND: not listening. ESTABLISHED: accepted. CLIENT: bound, then connected.\n\
         PASSIVE_CLOSED: closed after its peer, so that no socket is left.\n\n\
         existing          off / off    off / on     on / off     on / on\n"
    );
    for scenario in ALL_SCENARIOS {
        out!("{:<18}", scenario_name(scenario));
        for options in 0..4 {
            let existing = with_options(&V4_LO, options & 2 != 0, false);
            let new = with_options(&V4_LO, options & 1 != 0, false);
            let cell = try_new_socket(&mut run.ports, scenario, Never, &existing, &new);
            print_cell(run, &cell, if options < 3 { 13 } else { 0 });
        }
        out!("\n");
    }
}

fn print_addresses(run: &mut Run) {
    out!(
        "\n2. Two addresses. Columns: state of the existing socket, SO_REUSEADDR of both.\n\
         ESTAB: accepted by a listener on the address in column 1. If that address is\n\
         0.0.0.0 or ::, the accepted socket's address is 127.0.0.1 or ::1.\n\n\
         existing         new              BOUND, off  BOUND, on   LISTEN, on  ESTAB, off\n"
    );
    for [holder, target] in PAIRS {
        if !is_usable(run, holder) || !is_usable(run, target) {
            continue;
        }
        out!("{:<17}{:<17}", holder.name, target.name);
        for (column, (scenario, option)) in COLUMNS.into_iter().enumerate() {
            let existing = with_options(holder, option, false);
            let new = with_options(target, option, false);
            let cell = try_new_socket(&mut run.ports, scenario, Never, &existing, &new);
            print_cell(run, &cell, if column < 3 { 12 } else { 0 });
        }
        out!("\n");
    }
}

fn print_changes(run: &mut Run) {
    let new = with_options(&V4_LO, true, false);
    out!(
        "\n3. Both on 127.0.0.1. The new socket has SO_REUSEADDR. The option of the\n\
         existing socket was\n\n"
    );
    for (text, scenario, change, before) in CHANGES {
        let existing = with_options(&V4_LO, before, false);
        let cell = try_new_socket(&mut run.ports, scenario, change, &existing, &new);
        out!("{text:<54}");
        print_cell(run, &cell, 0);
        out!("\n");
    }
    let cells = try_two_listeners(&mut run.ports, &new);
    out!("\nTwo sockets are bound with the option. Result of listen(2) by the second:\n\n");
    out!("{:<54}", "while the first listens");
    print_cell(run, &cells[0], 0);
    out!("\n{:<54}", "after the first is closed");
    print_cell(run, &cells[1], 0);
    out!("\n");
}

/// Prints a row of `--all` for each value of the four options.
fn print_rows(run: &mut Run, scenario: Scenario, holder: &Target, target: &Target) {
    for options in 0..16 {
        let existing = with_options(holder, options & 8 != 0, options & 4 != 0);
        let new = with_options(target, options & 2 != 0, options & 1 != 0);
        let cell = try_new_socket(&mut run.ports, scenario, Never, &existing, &new);
        let [a, b, c, d] = [8, 4, 2, 1].map(|bit| u8::from(options & bit != 0));
        let (name, holder, target) = (scenario_name(scenario), holder.name, target.name);
        let results = [&cell.seen, &cell.predicted].map(|one| [bind_name(one), listen_name(one)]);
        let results = results.concat().join(",");
        out!("{name},{holder},{a},{b},{target},{c},{d},{results}\n");
        count(run, &cell);
    }
}

fn print_all(run: &mut Run) {
    // Programs read this header, so its words stay: "present" is the holder.
    out!(
        "state,present,present_reuseaddr,present_reuseport,newcomer,newcomer_reuseaddr,\
         newcomer_reuseport,bind,listen,predicted_bind,predicted_listen\n"
    );
    for scenario in ALL_SCENARIOS {
        for holder in TARGETS {
            for target in TARGETS {
                if is_usable(run, holder) && is_usable(run, target) {
                    print_rows(run, scenario, holder, target);
                }
            }
        }
    }
}

/// Prints the tables or, if `all` is true, every combination as CSV. Returns the exit status: 1 if
/// the kernel contradicts the rule.
pub fn rules(all: bool) -> c_int {
    enter_netns("using free ports of the current network");
    let ipv6 = has_ipv6();
    if let Err(reason) = ipv6 {
        note!("reuseaddr: ::1: {reason}; rows with IPv6 are left out\n");
    }
    let wildcard = if ipv6.is_ok() { V6_ANY } else { V4_ANY };
    let mut run = Run {
        ports: Ports {
            wildcard: wildcard.socket,
            port: FIRST_PORT,
            udp: -1,
        },
        ipv6: ipv6.is_ok(),
        cells: 0,
        contradictions: 0,
    };

    if all {
        print_all(&mut run);
    } else {
        print_scenarios(&mut run);
        print_addresses(&mut run);
        print_changes(&mut run);
    }
    let (cells, contradictions) = (run.cells, run.contradictions);
    let s = if contradictions == 1 { "s" } else { "" };
    if all {
        note!("{cells} rows; {contradictions} contradict{s} the rule.\n");
    } else {
        out!("\n{cells} cells; {contradictions} contradict{s} the rule.\n");
    }
    c_int::from(contradictions > 0)
}
