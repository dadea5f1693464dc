//! A socket in every state in which it can hold a port.
//!
//! No state is waited for by time: each is reached by connecting and closing on lo, and checked with
//! TCP_INFO. Twin: `c-reference/rules/holder.c`.

use crate::conflict::{State, TcpSocket};
use crate::output::bail;
use crate::rules::ports::take_port;
use crate::sock::{
    Place, bind_socket, connect_peer, connect_to, describe, open_socket, set_option,
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

/// A socket that holds a port, and what keeps it as it is.
pub struct Holder {
    pub present: TcpSocket,
    pub port: u16,
    /// -1 once it is closed, and only the kernel knows it.
    pub fd: c_int,
    /// The other end of its connection, or -1.
    pub peer: c_int,
}

/// Puts a socket in `state` on `place` and a port of its own. Bails where that fails.
pub fn hold(state: State, place: &Place, reuseaddr: bool, reuseport: bool) -> Holder {
    let mut peer = -1;

    // 1. Bind: from here on it holds the port.
    let (s, port) = take_port(place, reuseaddr, reuseport);
    let mut fd = s;

    match state {
        State::Bound => {}

        State::Listen => {
            // SAFETY: numbers go in, a number comes out.
            if unsafe { libc::listen(s, 1) } == -1 {
                bail("listen", place.name, errno());
            }
        }

        State::Client => {
            // 2. A client: connect to a listener elsewhere, which need not accept.
            peer = open_socket(place, false, false);
            if let Err(reason) = bind_socket(peer, place.reach, 0) {
                bail("bind", place.name, reason);
            }
            // SAFETY: numbers go in, a number comes out.
            if unsafe { libc::listen(peer, 1) } == -1 {
                bail("listen", place.name, errno());
            }
            if let Err(reason) = connect_to(s, peer) {
                bail("connect from", place.name, reason);
            }
        }

        _ => {
            // 3. An accepted child: its listener closed, it is alone on its port.
            // SAFETY: numbers go in, a number comes out.
            if unsafe { libc::listen(s, 1) } == -1 {
                bail("listen", place.name, errno());
            }
            peer = connect_peer(place, port);
            // SAFETY: the peer's address is not asked for.
            fd = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
            if fd == -1 {
                bail("accept", place.name, errno());
            }
            // SAFETY: s is ours, and not used again.
            unsafe { libc::close(s) };
        }
    }
    let present = describe(fd, state);
    if !matches!(
        state,
        State::Bound | State::Listen | State::Established | State::Client
    ) {
        leave(fd, peer, state);
        // 4. Whoever has shut down leaves altogether, as a process that ends.
        if state != State::CloseWait {
            // SAFETY: fd is ours, and not used again.
            unsafe { libc::close(fd) };
            fd = -1;
        }
    }
    Holder {
        present,
        port,
        fd,
        peer,
    }
}

/// Takes the accepted socket `a` from ESTABLISHED to `state`.
fn leave(a: c_int, peer: c_int, state: State) {
    // 5. The peer first: then we have no TIME_WAIT before us.
    if matches!(
        state,
        State::CloseWait | State::LastAck | State::PassiveClosed
    ) {
        // SAFETY: numbers go in, a number comes out.
        unsafe { libc::shutdown(peer, SHUT_WR) };
        await_state(a, TCP_CLOSE_WAIT);
    }
    if state == State::CloseWait {
        return;
    }

    // 6. Then we. What the peer does not read keeps our FIN back, and its ACK.
    if matches!(state, State::FinWait1 | State::Closing | State::LastAck) {
        fill(a);
    }
    // SAFETY: numbers go in, a number comes out.
    unsafe { libc::shutdown(a, SHUT_WR) };
    match state {
        State::FinWait1 | State::Closing => await_state(a, TCP_FIN_WAIT1),
        State::LastAck => await_state(a, TCP_LAST_ACK),
        State::PassiveClosed => await_state(a, TCP_CLOSE),
        _ => {
            // The peer reads our end, and sends the ACK that it would else delay.
            let mut end = 0u8;
            // SAFETY: there is room for one byte.
            if unsafe { libc::read(peer, (&raw mut end).cast(), 1) } == -1 {
                bail("read", "a connection", errno());
            }
            set_option(peer, IPPROTO_TCP, TCP_QUICKACK, 1);
            await_state(a, TCP_FIN_WAIT2);
        }
    }

    // 7. Then the peer. In TIME_WAIT the socket itself is done: it is CLOSE.
    if matches!(state, State::Closing | State::TimeWait) {
        // SAFETY: numbers go in, a number comes out.
        unsafe { libc::shutdown(peer, SHUT_WR) };
        match state {
            State::Closing => await_state(a, TCP_CLOSING),
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
            bail("getsockopt TCP_INFO", "a connection", errno());
        }
        if tcpi_state == wanted {
            return;
        }
        // SAFETY: no descriptors are given.
        unsafe { libc::poll(ptr::null_mut(), 0, 1) };
    }
    bail(
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
            bail("setsockopt SO_LINGER", "a connection", errno());
        }
        // SAFETY: it is ours, and not used again.
        unsafe { libc::close(holder.peer) };
    }
    if holder.fd != -1 {
        // SAFETY: it is ours, and not used again.
        unsafe { libc::close(holder.fd) };
    }
}
