//! A socket in every state in which it can hold a port.
//!
//! No state is waited for by time: each is reached by connecting and closing on lo, and checked with
//! TCP_INFO. Twin: `c-reference/rules/holder.c`.

use crate::conflict::{TcpSocket, TcpState};
use crate::output::exit_with_error;
use crate::rules::ports::take_port;
use crate::rules::target::{Target, connect_client, describe, open_target};
use crate::sock::{
    accept_on, bind_socket, close_fd, connect_socket, listen_on, local_endpoint, set_option,
};
use errno::{Errno, errno};
use libc::{
    IPPROTO_TCP, MSG_DONTWAIT, SHUT_WR, SO_LINGER, SO_SNDBUF, SOL_SOCKET, TCP_INFO, TCP_QUICKACK,
    c_int, linger, socklen_t,
};
use std::ptr;

/// A state that has not come after so many looks, a millisecond apart, does not come.
const LOOKS: usize = 10000;

// Linux's include/net/tcp_states.h; the libc crate does not have them.
const TCP_FIN_WAIT1: u8 = 4;
const TCP_FIN_WAIT2: u8 = 5;
const TCP_CLOSE: u8 = 7;
const TCP_CLOSE_WAIT: u8 = 8;
const TCP_LAST_ACK: u8 = 9;
const TCP_CLOSING: u8 = 11;

/// How a socket comes to hold a port.
#[derive(Clone, Copy, PartialEq)]
pub enum Scenario {
    Bound,
    Listen,
    /// Accepted; the listening socket is closed.
    Established,
    /// Bound, then connected.
    Client,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    /// Closed after the peer: no socket is left.
    PassiveClosed,
}

impl Scenario {
    /// The state that the rule depends on, if there is a socket.
    fn state(self) -> Option<TcpState> {
        match self {
            Scenario::Bound => Some(TcpState::Close),
            Scenario::Listen => Some(TcpState::Listen),
            Scenario::Established | Scenario::Client => Some(TcpState::Established),
            Scenario::FinWait1 => Some(TcpState::FinWait1),
            Scenario::FinWait2 => Some(TcpState::FinWait2),
            Scenario::CloseWait => Some(TcpState::CloseWait),
            Scenario::Closing => Some(TcpState::Closing),
            Scenario::LastAck => Some(TcpState::LastAck),
            Scenario::TimeWait => Some(TcpState::TimeWait),
            Scenario::PassiveClosed => None,
        }
    }
}

/// A socket that holds a port, and what keeps it as it is.
pub struct Holder {
    /// None after [`Scenario::PassiveClosed`].
    pub socket: Option<TcpSocket>,
    pub port: u16,
    /// -1 once it is closed, and only the kernel knows it.
    pub fd: c_int,
    /// The other end of its connection, or -1.
    pub peer: c_int,
}

/// Puts a socket in `state` on `place` and a port of its own. Bails where that fails.
pub fn hold(scenario: Scenario, target: &Target, reuseaddr: bool, reuseport: bool) -> Holder {
    let mut peer = -1;

    // 1. Bind: from here on it holds the port.
    let (s, port) = take_port(target, reuseaddr, reuseport);
    let mut fd = s;

    match scenario {
        Scenario::Bound => {}

        Scenario::Listen => {
            listen_on(s);
        }

        Scenario::Client => {
            // 2. A client: connect to a listener elsewhere, which need not accept.
            peer = open_target(target, false, false);
            if let Err(reason) = bind_socket(peer, &target.reach) {
                exit_with_error("bind", target.name, reason);
            }
            listen_on(peer);
            if let Err(reason) = connect_socket(s, &local_endpoint(peer)) {
                exit_with_error("connect from", target.name, reason);
            }
        }

        _ => {
            // 3. An accepted child: its listener closed, it is alone on its port.
            listen_on(s);
            peer = connect_client(target, port);
            fd = accept_on(s);
            close_fd(s);
        }
    }
    let described = describe(fd, scenario.state().unwrap_or(TcpState::Close));
    let socket = scenario.state().map(|_| described);
    if !matches!(
        scenario,
        Scenario::Bound | Scenario::Listen | Scenario::Established | Scenario::Client
    ) {
        leave(fd, peer, scenario);
        // 4. Whoever has shut down leaves altogether, as a process that ends.
        if scenario != Scenario::CloseWait {
            close_fd(fd);
            fd = -1;
        }
    }
    Holder {
        socket,
        port,
        fd,
        peer,
    }
}

/// Takes the accepted socket `a` from ESTABLISHED to `state`.
fn leave(a: c_int, peer: c_int, scenario: Scenario) {
    // 5. The peer first: then we have no TIME_WAIT before us.
    if matches!(
        scenario,
        Scenario::CloseWait | Scenario::LastAck | Scenario::PassiveClosed
    ) {
        // SAFETY: numbers go in, a number comes out.
        unsafe { libc::shutdown(peer, SHUT_WR) };
        await_state(a, TCP_CLOSE_WAIT);
    }
    if scenario == Scenario::CloseWait {
        return;
    }

    // 6. Then we. What the peer does not read keeps our FIN back, and its ACK.
    if matches!(
        scenario,
        Scenario::FinWait1 | Scenario::Closing | Scenario::LastAck
    ) {
        fill(a);
    }
    // SAFETY: numbers go in, a number comes out.
    unsafe { libc::shutdown(a, SHUT_WR) };
    match scenario {
        Scenario::FinWait1 | Scenario::Closing => await_state(a, TCP_FIN_WAIT1),
        Scenario::LastAck => await_state(a, TCP_LAST_ACK),
        Scenario::PassiveClosed => await_state(a, TCP_CLOSE),
        _ => {
            // The peer reads our end, and sends the ACK that it would else delay.
            let mut end = 0u8;
            // SAFETY: there is room for one byte.
            if unsafe { libc::read(peer, (&raw mut end).cast(), 1) } == -1 {
                exit_with_error("read", "a connection", errno());
            }
            set_option(peer, IPPROTO_TCP, TCP_QUICKACK, 1);
            await_state(a, TCP_FIN_WAIT2);
        }
    }

    // 7. Then the peer. In TIME_WAIT the socket itself is done: it is CLOSE.
    if matches!(scenario, Scenario::Closing | Scenario::TimeWait) {
        // SAFETY: numbers go in, a number comes out.
        unsafe { libc::shutdown(peer, SHUT_WR) };
        match scenario {
            Scenario::Closing => await_state(a, TCP_CLOSING),
            _ => await_state(a, TCP_CLOSE),
        }
    }
}

fn await_state(s: c_int, wanted: u8) {
    for _ in 0..LOOKS {
        // The first byte of tcp_info: the structure has grown, and is not the same size everywhere.
        let mut tcpi_state = 0u8;
        let mut length = size_of_val(&tcpi_state) as socklen_t;
        // SAFETY: the kernel writes at most length bytes into tcpi_state, and length anew.
        let z = unsafe {
            libc::getsockopt(
                s,
                IPPROTO_TCP,
                TCP_INFO,
                (&raw mut tcpi_state).cast(),
                &raw mut length,
            )
        };
        if z == -1 {
            exit_with_error("getsockopt TCP_INFO", "a connection", errno());
        }
        if tcpi_state == wanted {
            return;
        }
        // SAFETY: no descriptors are given.
        unsafe { libc::poll(ptr::null_mut(), 0, 1) };
    }
    exit_with_error(
        "getsockopt TCP_INFO",
        "a connection",
        Errno(libc::ETIMEDOUT),
    );
}

/// Sends as much as goes without waiting: more than the peer has room for.
fn fill(s: c_int) {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

    set_option(s, SOL_SOCKET, SO_SNDBUF, 1);
    // SAFETY: ZEROS can be read for its length.
    while unsafe { libc::send(s, ZEROS.as_ptr().cast(), ZEROS.len(), MSG_DONTWAIT) } > 0 {}
}

/// Closes what [`hold`] opened, and the kernel forgets it, but for TIME_WAIT.
pub fn release(holder: &Holder) {
    let now = linger {
        l_onoff: 1,
        l_linger: 0,
    };

    // 8. A reset from the peer ends what is left of the connection.
    if holder.peer != -1 {
        // SAFETY: the kernel reads a linger where there is one, and its size is said.
        let z = unsafe {
            libc::setsockopt(
                holder.peer,
                SOL_SOCKET,
                SO_LINGER,
                (&raw const now).cast(),
                size_of_val(&now) as socklen_t,
            )
        };
        if z == -1 {
            exit_with_error("setsockopt SO_LINGER", "a connection", errno());
        }
        close_fd(holder.peer);
    }
    if holder.fd != -1 {
        close_fd(holder.fd);
    }
}
