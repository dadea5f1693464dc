//! Sockets that hold a port, in nine TCP states.
//!
//! Calls on both ends of a connection lead to each state, and TCP_INFO shows when it is reached.
//! C counterpart: `c-reference/rules/holder.c`.

use crate::conflict::TcpSocket;
use crate::conflict::TcpState::{self, *};
use crate::output::exit_with_error;
use crate::rules::ports::{Ports, take_port};
use crate::rules::steps::*;
use crate::sock::{close_fd, set_option};
use errno::{Errno, errno};
use libc::{EADDRINUSE, EAGAIN, MSG_DONTWAIT, SO_REUSEADDR, SO_SNDBUF, SOL_SOCKET, c_int};

/// How a socket comes to hold a port. ESTABLISHED is an accepted socket whose listener is closed.
/// CLIENT is bound, then connected. PASSIVE_CLOSED closes after its peer, so no socket is left.
#[derive(Clone, Copy)]
#[rustfmt::skip]
pub enum Scenario {
    Bound, Listen, Established, Client,
    FinWait1, FinWait2, CloseWait, Closing,
    LastAck, TimeWait, PassiveClosed,
}

/// When the holder's SO_REUSEADDR changes to its opposite.
#[derive(Clone, Copy, PartialEq)]
#[rustfmt::skip]
pub enum Moment { Never, AfterBind, AfterListen, AfterConnect, AfterAccept }

/// What happens in a scenario: the steps of an accepted socket, in this order. For a socket in
/// TIME_WAIT, TCP_INFO returns TCP_CLOSE.
/// - name in the tables
/// - `passive`: the peer calls shutdown(2) first
/// - `fill`: the socket sends until all buffers are full, so that its FIN has to wait
/// - `own`: the socket calls shutdown(2), reaches this state, and is closed at the end
/// - `peer_last`: the peer calls shutdown(2), and the socket reaches this state
/// - `state`: what the rule depends on; None if no socket is left
type Steps = (&'static str, bool, bool, State, State, State);
type State = Option<TcpState>;

/// In the order of [`Scenario`].
#[rustfmt::skip]
const SCENARIOS: [Steps; 11] = [
    // name            passive fill   own             peer_last      state
    ("BOUND",          false,  false, None,           None,          Some(Close)),
    ("LISTEN",         false,  false, None,           None,          Some(Listen)),
    ("ESTABLISHED",    false,  false, None,           None,          Some(Established)),
    ("CLIENT",         false,  false, None,           None,          Some(Established)),
    ("FIN_WAIT1",      false,  true,  Some(FinWait1), None,          Some(FinWait1)),
    ("FIN_WAIT2",      false,  false, Some(FinWait2), None,          Some(FinWait2)),
    ("CLOSE_WAIT",     true,   false, None,           None,          Some(CloseWait)),
    ("CLOSING",        false,  true,  Some(FinWait1), Some(Closing), Some(Closing)),
    ("LAST_ACK",       true,   true,  Some(LastAck),  None,          Some(LastAck)),
    ("TIME_WAIT",      false,  false, Some(FinWait2), Some(Close),   Some(TimeWait)),
    ("PASSIVE_CLOSED", true,   false, Some(Close),    None,          None),
];

/// Rust only: C counts through the enum.
#[rustfmt::skip]
pub const ALL_SCENARIOS: [Scenario; 11] = [
    Scenario::Bound, Scenario::Listen, Scenario::Established, Scenario::Client,
    Scenario::FinWait1, Scenario::FinWait2, Scenario::CloseWait, Scenario::Closing,
    Scenario::LastAck, Scenario::TimeWait, Scenario::PassiveClosed,
];

/// Returns the name of `scenario` in the tables.
pub fn scenario_name(scenario: Scenario) -> &'static str {
    SCENARIOS[scenario as usize].0
}

/// Sends until neither `s` nor its peer has room in a buffer.
fn fill_buffers(s: c_int) {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

    set_option(s, SOL_SOCKET, SO_SNDBUF, 1);
    // SAFETY: the length is the size of ZEROS.
    while unsafe { libc::send(s, ZEROS.as_ptr().cast(), ZEROS.len(), MSG_DONTWAIT) } != -1 {}
    let reason = errno();
    if reason.0 != EAGAIN {
        exit_with_error("send", "TCP socket", reason);
    }
}

/// Exits if the call failed.
fn require(call: &str, outcome: Outcome) {
    if let Some(reason) = outcome.seen {
        exit_with_error(call, "TCP socket", reason);
    }
}

/// Changes SO_REUSEADDR if the change is due now.
fn change_at(ports: &mut Ports, change: Moment, now: Moment) {
    if change == now {
        toggle_step(ports, 0, SO_REUSEADDR);
    }
}

/// Takes a port, and sets up `scenario` with one socket on it, as `plan` describes. Toggles its
/// SO_REUSEADDR at `change`.
pub fn make_holder(ports: &mut Ports, scenario: Scenario, change: Moment, plan: &TcpSocket) {
    let (_, passive, fill, own, peer_last, state) = SCENARIOS[scenario as usize];

    take_port(ports);
    let mut bind = bind_step(ports, plan);
    // If the network is not private, another process can have taken the port meanwhile.
    while bind.seen == Some(Errno(EADDRINUSE)) {
        release_port(ports);
        take_port(ports);
        bind = bind_step(ports, plan);
    }
    require("bind", bind);
    change_at(ports, change, Moment::AfterBind);
    match scenario {
        Scenario::Bound => {}
        Scenario::Listen => require("listen", listen_step(ports, 0)),
        Scenario::Client => connect_step(ports, 0),
        _ => {
            require("listen", listen_step(ports, 0));
            change_at(ports, change, Moment::AfterListen);
            let peer = reach_step(ports, 0);
            change_at(ports, change, Moment::AfterConnect);
            accept_step(ports, 0, peer);
            close_step(ports, 0);
            change_at(ports, change, Moment::AfterAccept);
        }
    }

    let Ports { sockets, ends, .. } = ports;
    let (socket, ends) = (&mut sockets[0], &mut ends[0]);
    if passive {
        shut_down(ends, ends.peer, CloseWait);
    }
    if fill {
        fill_buffers(ends.fd);
    }
    if let Some(own) = own {
        shut_down(ends, ends.fd, own);
    }
    if let Some(peer_last) = peer_last {
        shut_down(ends, ends.peer, peer_last);
    }
    if own.is_some() {
        close_fd(ends.fd);
        ends.fd = -1;
        socket.orphan = true;
    }
    match state {
        Some(state) => socket.state = state,
        None => release_port(ports),
    }
}
