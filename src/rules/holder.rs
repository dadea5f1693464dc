//! Sockets that hold a port, in every TCP state that can.
//!
//! Calls on both ends of a connection lead to each state, and TCP_INFO shows when it is reached.
//! C counterpart: `c-reference/rules/holder.c`.

use crate::conflict::TcpSocket;
use crate::conflict::TcpState::{self, *};
use crate::output::{exit_with_error, read_some};
use crate::rules::ports::{Ports, take_port};
use crate::rules::target::open_planned;
use crate::sock::{
    accept_on, close_fd, connect_socket, get_option, listen_on, local_endpoint, open_socket,
    set_option,
};
use errno::{Errno, errno};
use libc::{
    AF_INET6, EAGAIN, ETIMEDOUT, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, MSG_DONTWAIT, SHUT_WR,
    SO_LINGER, SO_RCVBUF, SO_REUSEADDR, SO_SNDBUF, SOL_SOCKET, TCP_INFO, TCP_QUICKACK, c_int,
    linger, socklen_t,
};
use std::mem::MaybeUninit;
use std::ptr;

/// Give up after this many polls, 1 ms apart.
const POLLS: usize = 10000;

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

/// A socket that holds the port taken last, and its peer.
pub struct Holder {
    /// None in [`Scenario::PassiveClosed`].
    pub socket: Option<TcpSocket>,
    /// -1 if it is closed.
    fd: c_int,
    /// The other end of the connection, or -1.
    peer: c_int,
}

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

/// Waits until `s` is in `state`.
fn await_state(s: c_int, state: TcpState) {
    for _ in 0..POLLS {
        // Only the first byte of tcp_info, whose size differs between versions.
        let mut tcpi_state = 0u8;
        let mut length = size_of_val(&tcpi_state) as socklen_t;
        let optval = (&raw mut tcpi_state).cast();
        // SAFETY: `length` is the size of `tcpi_state`.
        let z = unsafe { libc::getsockopt(s, IPPROTO_TCP, TCP_INFO, optval, &raw mut length) };
        if z == -1 {
            exit_with_error("getsockopt TCP_INFO", "TCP socket", errno());
        }
        if tcpi_state == state as u8 {
            return;
        }
        // SAFETY: with a length of 0, poll(2) does not use the pointer.
        unsafe { libc::poll(ptr::null_mut(), 0, 1) };
    }
    exit_with_error("getsockopt TCP_INFO", "TCP socket", Errno(ETIMEDOUT));
}

/// Sends until neither `s` nor its peer has room in a buffer.
fn fill_buffers(s: c_int) {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

    set_option(s, SOL_SOCKET, SO_SNDBUF, 1);
    // SAFETY: the pointer and the length are those of ZEROS.
    while unsafe { libc::send(s, ZEROS.as_ptr().cast(), ZEROS.len(), MSG_DONTWAIT) } != -1 {}
    let reason = errno();
    if reason.0 != EAGAIN {
        exit_with_error("send", "TCP socket", reason);
    }
}

/// Takes a step of [`Steps`]: calls shutdown(2) on `s`, and waits until the holder is in `state`.
fn shut_down(holder: &Holder, s: c_int, state: State) {
    let Some(state) = state else { return };
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::shutdown(s, SHUT_WR) } == -1 {
        exit_with_error("shutdown", "TCP socket", errno());
    }
    if state == FinWait2 {
        // The peer delays its ACK. Let it read end of file, then send the ACK.
        if let Err(reason) = read_some(holder.peer, &mut [MaybeUninit::uninit()]) {
            exit_with_error("read", "TCP socket", reason);
        }
        set_option(holder.peer, IPPROTO_TCP, TCP_QUICKACK, 1);
    }
    await_state(holder.fd, state);
}

/// Changes the option of `s` if the change is due now.
fn change_at(now: Moment, change: Moment, s: c_int, plan: &TcpSocket) {
    if now == change {
        set_option(s, SOL_SOCKET, SO_REUSEADDR, (!plan.reuseaddr).into());
    }
}

/// Connects `s` to `listener`. If that is bound to a wildcard, the connection is over loopback.
fn connect_to(s: c_int, listener: c_int) {
    if let Err(reason) = connect_socket(s, &local_endpoint(listener)) {
        exit_with_error("connect", "TCP socket", reason);
    }
}

/// Takes a port, and sets up `scenario` with a socket that `plan` describes. Its SO_REUSEADDR
/// changes at the moment that `change` names.
pub fn make_holder(
    ports: &mut Ports,
    scenario: Scenario,
    change: Moment,
    plan: &TcpSocket,
) -> Holder {
    let (_, passive, fill, own, peer_last, state) = SCENARIOS[scenario as usize];
    let s = take_port(ports, plan);
    let mut holder = Holder {
        socket: None,
        fd: s,
        peer: -1,
    };

    change_at(Moment::AfterBind, change, s, plan);
    match scenario {
        Scenario::Bound => {}
        Scenario::Listen => listen_on(s),
        Scenario::Client => {
            // listen(2) binds the peer to a free port. Nothing needs to accept the connection.
            holder.peer = open_planned(plan);
            listen_on(holder.peer);
            connect_to(s, holder.peer);
        }
        _ => {
            listen_on(s);
            change_at(Moment::AfterListen, change, s, plan);
            holder.peer = open_socket(plan.family, false, false, false);
            set_option(holder.peer, SOL_SOCKET, SO_RCVBUF, 1); // full soon
            connect_to(holder.peer, s);
            change_at(Moment::AfterConnect, change, s, plan);
            holder.fd = accept_on(s);
            close_fd(s);
            change_at(Moment::AfterAccept, change, holder.fd, plan);
        }
    }

    // Read what can differ from the plan, while there is a descriptor.
    let address = local_endpoint(holder.fd).address;
    let reuseaddr = get_option(holder.fd, SOL_SOCKET, SO_REUSEADDR) != 0;
    let v6only = plan.family == AF_INET6 && get_option(holder.fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
    holder.socket = state.map(|state| TcpSocket {
        state,
        address,
        reuseaddr,
        v6only,
        ..*plan
    });

    if passive {
        shut_down(&holder, holder.peer, Some(CloseWait));
    }
    if fill {
        fill_buffers(holder.fd);
    }
    shut_down(&holder, holder.fd, own);
    shut_down(&holder, holder.peer, peer_last);
    if own.is_some() {
        close_fd(holder.fd);
        holder.fd = -1;
    }
    holder
}

/// Closes `holder` and its peer. Only sockets in TIME_WAIT are left.
pub fn release_holder(holder: &Holder) {
    let linger = linger {
        l_onoff: 1,
        l_linger: 0,
    };

    if holder.peer != -1 {
        // The peer sends a reset, which ends the connection in any state but TIME_WAIT.
        let optval = (&raw const linger).cast();
        let optlen = size_of_val(&linger) as socklen_t;
        // SAFETY: `optlen` is the size of `linger`.
        let z = unsafe { libc::setsockopt(holder.peer, SOL_SOCKET, SO_LINGER, optval, optlen) };
        if z == -1 {
            exit_with_error("setsockopt SO_LINGER", "TCP socket", errno());
        }
        close_fd(holder.peer);
    }
    if holder.fd != -1 {
        close_fd(holder.fd);
    }
}
