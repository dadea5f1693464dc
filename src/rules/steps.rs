//! Calls on the port under test, and what the rule predicts for them.
//! C counterpart: `c-reference/rules/steps.c`.

use crate::conflict::TcpState::{self, *};
use crate::conflict::{TcpSocket, get_port};
use crate::output::{exit_with_error, read_some};
use crate::rules::ports::{Ends, Ports};
use crate::rules::target::{bind_planned, open_planned, set_user};
use crate::sock::{
    accept_on, close_fd, connect_socket, get_option, listen_on, local_endpoint, open_socket,
    set_option,
};
use errno::{Errno, errno};
use libc::{
    AF_INET6, EADDRINUSE, ETIMEDOUT, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SHUT_WR, SO_LINGER,
    SO_RCVBUF, SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET, TCP_INFO, TCP_QUICKACK, c_int, linger,
    socklen_t,
};
use std::mem::MaybeUninit;
use std::ptr;

/// Give up after this many polls, 1 ms apart.
const POLLS: usize = 10000;

/// The error of a call, and the error that the rule predicts.
#[derive(Clone, Copy, Default)]
pub struct Outcome {
    pub seen: Option<Errno>,
    pub predicted: Option<Errno>,
}

/// Returns whether the kernel did what the rule predicts.
pub fn agrees(outcome: &Outcome) -> bool {
    outcome.seen == outcome.predicted
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

/// Calls shutdown(2) on `s`, and waits until the socket with these ends is in `state`.
pub fn shut_down(ends: &Ends, s: c_int, state: TcpState) {
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::shutdown(s, SHUT_WR) } == -1 {
        exit_with_error("shutdown", "TCP socket", errno());
    }
    if state == FinWait2 {
        // The peer delays its ACK. Let it read end of file, then send the ACK.
        if let Err(reason) = read_some(ends.peer, &mut [MaybeUninit::uninit()]) {
            exit_with_error("read", "TCP socket", reason);
        }
        set_option(ends.peer, IPPROTO_TCP, TCP_QUICKACK, 1);
    }
    await_state(ends.fd, state);
}

/// Connects `s` to `listener`. If that is bound to a wildcard, the connection is over loopback.
fn connect_to(s: c_int, listener: c_int) {
    if let Err(reason) = connect_socket(s, &local_endpoint(listener)) {
        exit_with_error("connect", "TCP socket", reason);
    }
}

/// Returns the socket of `s` in `state`. Its address and options can differ from those of `plan`.
fn read_socket(s: c_int, state: TcpState, plan: &TcpSocket) -> TcpSocket {
    let v6only = plan.family == AF_INET6 && get_option(s, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
    TcpSocket {
        state,
        address: local_endpoint(s).address,
        v6only,
        reuseaddr: get_option(s, SOL_SOCKET, SO_REUSEADDR) != 0,
        reuseport: get_option(s, SOL_SOCKET, SO_REUSEPORT) != 0,
        ..*plan
    }
}

/// Binds a new socket to the port. It is added to the sockets if the rule predicts success.
pub fn bind_step(ports: &mut Ports, plan: &TcpSocket) -> Outcome {
    let s = open_planned(plan);
    let seen = bind_planned(s, plan, ports.port).err();
    let succeeds = get_port(&ports.kernel, &mut ports.bucket, &ports.sockets, plan);
    if succeeds {
        ports.sockets.push(*plan);
        ports.ends.push(Ends { fd: s, peer: -1 });
    } else {
        close_fd(s);
    }
    let predicted = (!succeeds).then_some(Errno(EADDRINUSE));
    Outcome { seen, predicted }
}

/// Calls listen(2).
pub fn listen_step(ports: &mut Ports, index: usize) -> Outcome {
    // SAFETY: no pointers; any argument value is safe.
    let seen = (unsafe { libc::listen(ports.ends[index].fd, 1) } == -1).then(errno);
    ports.sockets[index].state = Listen;
    let new = &ports.sockets[index];
    let succeeds = get_port(&ports.kernel, &mut ports.bucket, &ports.sockets, new);
    if !succeeds {
        ports.sockets[index].state = Close;
    }
    let predicted = (!succeeds).then_some(Errno(EADDRINUSE));
    Outcome { seen, predicted }
}

/// Connects a socket to a new server.
pub fn connect_step(ports: &mut Ports, index: usize) {
    let (s, plan) = (ports.ends[index].fd, ports.sockets[index]);
    let listener = open_socket(plan.family, plan.v6only, false, false);
    listen_on(listener); // on a free port
    connect_to(s, listener);
    ports.ends[index].peer = accept_on(listener);
    close_fd(listener);
    ports.sockets[index] = read_socket(s, Established, &plan);
}

/// Connects a new client to a listener. Returns the client's socket, for [`accept_step`].
pub fn reach_step(ports: &Ports, index: usize) -> c_int {
    let peer = open_socket(ports.sockets[index].family, false, false, false);
    set_option(peer, SOL_SOCKET, SO_RCVBUF, 1); // so that fill_buffers() fills it soon
    connect_to(peer, ports.ends[index].fd);
    peer
}

/// Accepts the connection of `peer`. The new socket belongs to the user of the listener.
pub fn accept_step(ports: &mut Ports, index: usize, peer: c_int) {
    let plan = ports.sockets[index];
    let fd = accept_on(ports.ends[index].fd);
    set_user(fd, &plan);
    ports.sockets.push(read_socket(fd, Established, &plan));
    ports.ends.push(Ends { fd, peer });
}

/// Closes a socket. One that is connected stays on the port, in FIN_WAIT2.
pub fn close_step(ports: &mut Ports, index: usize) {
    let ends = &mut ports.ends[index];
    if ends.peer == -1 {
        close_fd(ends.fd);
        ports.ends.remove(index);
        ports.sockets.remove(index);
        return;
    }
    shut_down(ends, ends.fd, FinWait2);
    close_fd(ends.fd);
    ends.fd = -1;
    ports.sockets[index].state = FinWait2;
    ports.sockets[index].orphan = true;
}

/// Changes one of the two options to its opposite.
pub fn toggle_step(ports: &mut Ports, index: usize, option: c_int) {
    let socket = &mut ports.sockets[index];
    let value = match option {
        SO_REUSEADDR => &mut socket.reuseaddr,
        _ => &mut socket.reuseport,
    };
    *value = !*value;
    set_option(ports.ends[index].fd, SOL_SOCKET, option, (*value).into());
}

/// Closes all sockets of the port, and their peers. Only sockets in TIME_WAIT are left.
pub fn release_port(ports: &mut Ports) {
    let linger = linger {
        l_onoff: 1,
        l_linger: 0,
    };

    for ends in ports.ends.drain(..) {
        if ends.peer != -1 {
            // The peer sends a reset, which ends the connection in any state but TIME_WAIT.
            let optval = (&raw const linger).cast();
            let optlen = size_of_val(&linger) as socklen_t;
            // SAFETY: `optlen` is the size of `linger`.
            let z = unsafe { libc::setsockopt(ends.peer, SOL_SOCKET, SO_LINGER, optval, optlen) };
            if z == -1 {
                exit_with_error("setsockopt SO_LINGER", "TCP socket", errno());
            }
            close_fd(ends.peer);
        }
        if ends.fd != -1 {
            close_fd(ends.fd);
        }
    }
    ports.sockets.clear();
}
