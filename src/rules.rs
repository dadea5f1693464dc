//! The rule against the kernel: somebody holds a port, somebody else wants it, and bind(2) and
//! listen(2) answer. Every cell is tried as it is printed, and compared with `conflict.rs`.
//!
//! Twin: `c-reference/rules.c`.

mod holder;
mod ports;
mod target;
mod trial;

use crate::address::Endpoint;
use crate::netns::{enter_netns, has_ipv6};
use crate::output::write_line;
use crate::output::{error_name, exit_with_error, out};
use crate::rules::holder::Scenario;
use crate::rules::ports::{FIRST_PORT, LAST_PORT};
use crate::rules::target::Target;
use crate::rules::trial::{After, Cell, Change, agrees, try_change, try_listens, try_scenario};
use errno::{Errno, errno};
use libc::{AF_INET, AF_INET6, STDERR_FILENO, c_int, utsname};
use std::ffi::CStr;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Rows from one sign of progress to the next.
const PROGRESS: usize = 250;

#[derive(Default)]
struct Sums {
    cells: usize,
    contradictions: usize,
}

const fn v4(address: Ipv4Addr) -> Endpoint {
    Endpoint {
        family: AF_INET,
        address: address.to_ipv6_mapped(),
        port: 0,
    }
}

const fn v6(address: Ipv6Addr) -> Endpoint {
    Endpoint {
        family: AF_INET6,
        address,
        port: 0,
    }
}

const V4_LO: Endpoint = v4(Ipv4Addr::LOCALHOST);
const V4_LO2: Endpoint = v4(Ipv4Addr::new(127, 0, 0, 2));
const V4_ANY: Endpoint = v4(Ipv4Addr::UNSPECIFIED);
const V6_LO: Endpoint = v6(Ipv6Addr::LOCALHOST);
const V6_ANY: Endpoint = v6(Ipv6Addr::UNSPECIFIED);
const MAPPED_LO: Endpoint = v6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
const MAPPED_ANY: Endpoint = v6(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped());

#[rustfmt::skip]
const LO: Target = Target { name: "127.0.0.1", endpoint: V4_LO, reach: V4_LO, v6only: false };
#[rustfmt::skip]
const LO2: Target = Target { name: "127.0.0.2", endpoint: V4_LO2, reach: V4_LO2, v6only: false };
#[rustfmt::skip]
const ANY: Target = Target { name: "0.0.0.0", endpoint: V4_ANY, reach: V4_LO, v6only: false };
#[rustfmt::skip]
const LO_V6: Target = Target { name: "::1", endpoint: V6_LO, reach: V6_LO, v6only: false };
#[rustfmt::skip]
const ANY_V6: Target = Target { name: "::", endpoint: V6_ANY, reach: V6_LO, v6only: false };
#[rustfmt::skip]
const ANY_V6ONLY: Target = Target { name: "::v6only", endpoint: V6_ANY, reach: V6_LO, v6only: true };
#[rustfmt::skip]
const LO_MAPPED: Target = Target { name: "::ffff:127.0.0.1", endpoint: MAPPED_LO, reach: MAPPED_LO, v6only: false };
#[rustfmt::skip]
const ANY_MAPPED: Target = Target { name: "::ffff:0.0.0.0", endpoint: MAPPED_ANY, reach: MAPPED_LO, v6only: false };

#[rustfmt::skip]
const PLACES: [&Target; 8] =
    [&LO, &LO2, &ANY, &LO_V6, &ANY_V6, &ANY_V6ONLY, &LO_MAPPED, &ANY_MAPPED];

const STATES: [(Scenario, &str); 11] = [
    (Scenario::Bound, "BOUND"),
    (Scenario::Listen, "LISTEN"),
    (Scenario::Established, "ESTABLISHED"),
    (Scenario::Client, "CLIENT"),
    (Scenario::FinWait1, "FIN_WAIT1"),
    (Scenario::FinWait2, "FIN_WAIT2"),
    (Scenario::CloseWait, "CLOSE_WAIT"),
    (Scenario::Closing, "CLOSING"),
    (Scenario::LastAck, "LAST_ACK"),
    (Scenario::TimeWait, "TIME_WAIT"),
    (Scenario::PassiveClosed, "PASSIVE_CLOSED"),
];

/// Holder and newcomer of the second table.
#[rustfmt::skip]
const PAIRS: [(&Target, &Target); 21] = [
    (&LO, &LO),         (&LO, &LO2),        (&LO, &ANY),          (&ANY, &LO),          (&ANY, &LO2),
    (&ANY, &ANY_V6),    (&ANY_V6, &ANY),    (&LO, &ANY_V6),       (&ANY_V6, &LO),
    (&ANY, &ANY_V6ONLY), (&ANY_V6ONLY, &ANY), (&LO, &LO_V6),      (&LO_V6, &LO),
    (&ANY, &LO_V6),     (&LO_V6, &ANY),     (&LO_V6, &ANY_V6),    (&ANY_V6, &LO_V6),
    (&LO_MAPPED, &LO),  (&LO, &LO_MAPPED),  (&LO_MAPPED, &ANY),   (&LO_MAPPED, &ANY_V6ONLY),
];

/// The third table.
#[rustfmt::skip]
const ORDERS: [Change; 6] = [
    ("set after bind", false, After::Bind, true),
    ("taken back after bind", true, After::Bind, false),
    ("set on the listener, then the client connects", false, After::Listen, true),
    ("set on the listener once the client is connected", false, After::Connect, true),
    ("set by the child on its own socket", false, After::Accept, true),
    ("taken back by the child on its own socket", true, After::Accept, false),
];

/// Prints the tables, or with `all` the cross product. Returns the exit status.
pub fn rules(all: bool) -> c_int {
    let mut sums = Sums::default();

    // 1. Work where nobody is disturbed and nobody disturbs, if that may be.
    if let Err(reason) = enter_netns() {
        write_line(
            STDERR_FILENO,
            format_args!(
                "reuseaddr: unshare: {reason}; using free ports of this network, \
                 {FIRST_PORT} to {LAST_PORT}\n"
            ),
        );
    }
    let ipv6 = has_ipv6();
    if let Err(reason) = ipv6 {
        write_line(
            STDERR_FILENO,
            format_args!("reuseaddr: ::1: {reason}; the rows with IPv6 are left out\n"),
        );
    }

    // 2. Try and print.
    if all {
        print_all(&mut sums, ipv6.is_ok());
        write_line(
            STDERR_FILENO,
            format_args!(
                "{} rows, {} contradict the rule\n",
                sums.cells, sums.contradictions
            ),
        );
    } else {
        print_page(&mut sums);
        print_addresses(&mut sums, ipv6.is_ok());
        print_orders(&mut sums);
        let mark = if sums.contradictions > 0 { " (!)" } else { "" };
        out!(
            "\n{} cells, {} contradict the rule{mark}\n",
            sums.cells,
            sums.contradictions
        );
    }
    c_int::from(sums.contradictions > 0)
}

fn print_page(sums: &mut Sums) {
    // SAFETY: utsname is arrays of characters: all zeros is a value of it.
    let mut kernel: utsname = unsafe { mem::zeroed() };

    // SAFETY: the kernel writes a utsname where there is one.
    if unsafe { libc::uname(&raw mut kernel) } == -1 {
        exit_with_error("uname", "the kernel", errno());
    }
    // SAFETY: the kernel has ended the release with a NUL.
    let release = unsafe { CStr::from_ptr(kernel.release.as_ptr()) }.to_string_lossy();

    // 3. The page's case: one address, every state, the option of both.
    out!(
        "A socket holds a port, a newcomer wants it: what bind, and then listen, answer.\n\
         Tried on Linux {release}.\n\n\
         1. Both on 127.0.0.1. SO_REUSEADDR of the holder / of the newcomer:\n\n\
         {:<18}{:<13}{:<13}{:<13}{}\n",
        "holder",
        "off / off",
        "off / on",
        "on / off",
        "on / on"
    );
    for (state, name) in STATES {
        out!("{name:<18}");
        for (options, present, newcomer) in [
            (0, false, false),
            (1, false, true),
            (2, true, false),
            (3, true, true),
        ] {
            let cell = try_scenario(state, (&LO, present, false), (&LO, newcomer, false));
            print_cell(sums, &cell, if options < 3 { 13 } else { 0 });
        }
        out!("\n");
    }
}

fn print_addresses(sums: &mut Sums, ipv6: bool) {
    const COLUMNS: [(Scenario, bool); 4] = [
        (Scenario::Bound, false),
        (Scenario::Bound, true),
        (Scenario::Listen, true),
        (Scenario::Established, false),
    ];

    // 4. Two addresses, of one family and of two.
    // What a child has is not its listener's wildcard, but the address to which its client came.
    out!(
        "\n2. State of the holder, or a child of it (of :: on ::1), SO_REUSEADDR of both:\n\n\
         {:<17}{:<17}{:<12}{:<12}{:<12}{}\n",
        "holder",
        "newcomer",
        "BOUND, off",
        "BOUND, on",
        "LISTEN, on",
        "child, off"
    );
    for (present, place) in PAIRS {
        if !ipv6 && (present.endpoint.family == AF_INET6 || place.endpoint.family == AF_INET6) {
            continue;
        }
        out!("{:<17}{:<17}", present.name, place.name);
        for (column, (state, option)) in COLUMNS.into_iter().enumerate() {
            let cell = try_scenario(state, (present, option, false), (place, option, false));
            print_cell(sums, &cell, if column < 3 { 12 } else { 0 });
        }
        out!("\n");
    }
}

fn print_orders(sums: &mut Sums) {
    // 5. The option counts as it is when the newcomer calls, and not as it was at bind.
    out!("\n3. Both on 127.0.0.1. The newcomer has the option. The holder's is\n\n");
    for order in &ORDERS {
        out!("{:<54}", order.0);
        print_cell(sums, &try_change(&LO, order), 0);
        out!("\n");
    }
    let [while_it_listens, once_it_is_closed] = try_listens(&LO);
    let text = "Both are bound with it, the first listens: the second";
    out!("\n{text:<54}");
    print_cell(sums, &while_it_listens, 0);
    let text = "Then the first is closed: the second";
    out!("\n{text:<54}");
    print_cell(sums, &once_it_is_closed, 0);
    out!("\n");
}

fn print_all(sums: &mut Sums, ipv6: bool) {
    // 6. Everything with everything: states, addresses, and two options on both sides.
    out!(
        "state,present,present_reuseaddr,present_reuseport,newcomer,newcomer_reuseaddr,\
         newcomer_reuseport,bind,listen,predicted_bind,predicted_listen\n"
    );
    for state in STATES {
        for present in PLACES {
            for place in PLACES {
                if ipv6 || (present.endpoint.family == AF_INET && place.endpoint.family == AF_INET)
                {
                    print_options(sums, state, present, place);
                }
            }
        }
    }
}

fn print_options(
    sums: &mut Sums,
    (state, name): (Scenario, &str),
    present: &Target,
    place: &Target,
) {
    for options in 0..16 {
        let [a, b, c, d] = [8, 4, 2, 1].map(|bit| options & bit != 0);
        let cell = try_scenario(state, (present, a, b), (place, c, d));
        let Cell { seen, predicted } = cell;
        out!(
            "{name},{},{},{},{},{},{},{},{},{},{}\n",
            present.name,
            u8::from(a),
            u8::from(b),
            place.name,
            u8::from(c),
            u8::from(d),
            answer_name(Some(seen.bind)),
            answer_name(seen.listen),
            answer_name(Some(predicted.bind)),
            answer_name(predicted.listen)
        );
        count(sums, &cell);
        // SAFETY: a number goes in, a number comes out.
        if sums.cells % PROGRESS == 0 && unsafe { libc::isatty(STDERR_FILENO) } == 1 {
            write_line(STDERR_FILENO, format_args!("{} rows\r", sums.cells));
        }
    }
}

/// Prints a cell, at least `width` wide; one that contradicts the rule ends in an exclamation mark.
fn print_cell(sums: &mut Sums, cell: &Cell, width: usize) {
    let text = match (cell.seen.bind, cell.seen.listen) {
        (Ok(()), Some(Err(reason))) => format!("listen: {}", answer_name(Some(Err(reason)))),
        (bind, _) => answer_name(Some(bind)).to_string(),
    };
    let text = text + if agrees(cell) { "" } else { "!" };
    out!("{text:<width$}");
    count(sums, cell);
}

fn count(sums: &mut Sums, cell: &Cell) {
    sums.cells += 1;
    sums.contradictions += usize::from(!agrees(cell));
}

fn answer_name(answer: Option<Result<(), Errno>>) -> &'static str {
    match answer {
        None => "-",
        Some(Ok(())) => "OK",
        Some(Err(error)) => error_name(error),
    }
}
