//! The tables of `rules`.
//! C counterpart: `c-reference/rules/tables.c`.

use crate::output::{error_name, exit_with_error};
use crate::rules::holder::Moment::{self, *};
use crate::rules::holder::Scenario::{self, *};
use crate::rules::holder::{ALL_SCENARIOS, scenario_name};
use crate::rules::ports::*;
use crate::rules::target::*;
use crate::rules::trial::*;
use errno::errno;
use libc::utsname;
use std::ffi::CStr;
use std::mem;

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

// The sockets in the fourth table.
const REUSEADDR: Plan = Plan {
    reuseaddr: true,
    ..PLAIN
};
const REUSEPORT: Plan = Plan {
    reuseport: true,
    ..PLAIN
};
const BOTH: Plan = Plan {
    reuseport: true,
    ..REUSEADDR
};
const OTHER_REUSEPORT: Plan = Plan {
    other_user: true,
    ..REUSEPORT
};
const OTHER_BOTH: Plan = Plan {
    other_user: true,
    ..BOTH
};
const LO: Plan = Plan { device: 1, ..PLAIN };
const DEVICE2: Plan = Plan { device: 2, ..PLAIN };

/// The fourth table: text, and the sockets in the order of their bind(2).
#[rustfmt::skip]
const ORDERS: [(&str, &[Plan]); 7] = [
    ("SO_REUSEPORT on both, two users", &[OTHER_REUSEPORT, REUSEPORT]),
    ("both options on both, two users", &[OTHER_BOTH, BOTH]),
    ("one bound to lo, the other to no device", &[LO, PLAIN]),
    ("both bound to lo", &[LO, LO]),
    ("bound to different devices", &[LO, DEVICE2]),
    ("SO_REUSEADDR, then both, then SO_REUSEPORT", &[REUSEADDR, BOTH, REUSEPORT]),
    ("both, then SO_REUSEADDR, then SO_REUSEPORT", &[BOTH, REUSEADDR, REUSEPORT]),
];

/// Prints and counts a cell, at least `width` wide. "!" marks one that contradicts the rule.
fn print_cell(ports: &mut Ports, cell: &Cell, width: usize) {
    let mark = if count_cell(ports, cell) { "" } else { "!" };
    let text = match cell.listen.seen {
        Some(reason) => format!("listen: {}{mark}", error_name(reason)),
        None => result_name(cell.bind.seen).to_owned() + mark,
    };
    out!("{text:<width$}");
}

fn print_scenarios(ports: &mut Ports) {
    // SAFETY: utsname is arrays of characters, for which zero is valid.
    let mut kernel: utsname = unsafe { mem::zeroed() };
    // SAFETY: `kernel` has the type that uname(2) writes.
    if unsafe { libc::uname(&raw mut kernel) } == -1 {
        exit_with_error("uname", "the kernel", errno());
    }
    // SAFETY: uname(2) has ended `release` with a NUL.
    let release = unsafe { CStr::from_ptr(kernel.release.as_ptr()) }.to_string_lossy();
    let kernel = &ports.kernel;
    let kernels = [
        (
            kernel.first_is_fast,
            "lacks commit 8002d44fe84d (Linux 6.8)",
        ),
        (
            kernel.skips_mapped,
            "has commit 5e07e672412b, but not its series, as Linux 6.1.168",
        ),
        (
            kernel.orphan_uid.is_some(),
            "lacks commit c51da3f7a161 (Linux 6.17)",
        ),
    ];
    out!("Result of bind(2), then listen(2), on a port that is in use.\n");
    out!("Tested on Linux {release}.\n");
    for (differs, text) in kernels {
        if differs {
            out!("This kernel {text}.\n");
        }
    }
    out!(
        "\n\
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
            let cell = try_new_socket(ports, scenario, Never, &existing, &new);
            print_cell(ports, &cell, if options < 3 { 13 } else { 0 });
        }
        out!("\n");
    }
}

fn print_addresses(ports: &mut Ports) {
    out!(
        "\n2. Two addresses. Columns: state of the existing socket, SO_REUSEADDR of both.\n\
         ESTAB: accepted by a listener on the address in column 1. If that address is\n\
         0.0.0.0 or ::, the accepted socket's address is 127.0.0.1 or ::1.\n\n\
         existing         new              BOUND, off  BOUND, on   LISTEN, on  ESTAB, off\n"
    );
    for [holder, target] in PAIRS {
        if !is_usable(ports, holder) || !is_usable(ports, target) {
            continue;
        }
        out!("{:<17}{:<17}", holder.name, target.name);
        for (column, (scenario, option)) in COLUMNS.into_iter().enumerate() {
            let existing = with_options(holder, option, false);
            let new = with_options(target, option, false);
            let cell = try_new_socket(ports, scenario, Never, &existing, &new);
            print_cell(ports, &cell, if column < 3 { 12 } else { 0 });
        }
        out!("\n");
    }
}

fn print_changes(ports: &mut Ports) {
    let new = with_options(&V4_LO, true, false);
    out!(
        "\n3. Both on 127.0.0.1. The new socket has SO_REUSEADDR. The option of the\n\
         existing socket was\n\n"
    );
    for (text, scenario, change, before) in CHANGES {
        let existing = with_options(&V4_LO, before, false);
        let cell = try_new_socket(ports, scenario, change, &existing, &new);
        out!("{text:<54}");
        print_cell(ports, &cell, 0);
        out!("\n");
    }
    let cells = try_two_listeners(ports, &new);
    out!("\nTwo sockets are bound with the option. Result of listen(2) by the second:\n\n");
    out!("{:<54}", "while the first listens");
    print_cell(ports, &cells[0], 0);
    out!("\n{:<54}", "after the first is closed");
    print_cell(ports, &cells[1], 0);
    out!("\n");
}

fn print_orders(ports: &mut Ports) {
    out!(
        "\n4. All on 127.0.0.1, not listening: two users, two devices, and three sockets in\n\
         the order of their bind(2). Result of the last one:\n\n"
    );
    for (text, plans) in ORDERS {
        if plans[0].other_user && !has_other_user(ports) {
            continue;
        }
        let sockets = plans.iter().map(|plan| with_plan(ports, &V4_LO, plan));
        let sockets: Vec<_> = sockets.collect();
        let cell = try_last(ports, &sockets);
        out!("{text:<54}");
        print_cell(ports, &cell, 0);
        out!("\n");
    }
}

/// Prints the four tables.
pub fn print_tables(ports: &mut Ports) {
    print_scenarios(ports);
    print_addresses(ports);
    print_changes(ports);
    print_orders(ports);
}
