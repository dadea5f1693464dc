//! The addresses in the tables of `rules`.
//!
//! C counterpart: `c-reference/rules/target.c`.

use crate::address::Endpoint;
use crate::conflict::{TcpSocket, TcpState};
use crate::output::exit_with_error;
use crate::sock::{connect_socket, get_option, local_endpoint, open_socket, set_option};
use errno::errno;
use libc::{
    AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_RCVBUF, SO_REUSEADDR, SO_REUSEPORT, SOCK_STREAM,
    SOL_SOCKET, c_int, uid_t,
};

/// An address that sockets are bound to.
pub struct Target {
    /// In the tables.
    pub name: &'static str,
    /// Port 0.
    pub endpoint: Endpoint,
    /// Where a client connects to a socket that listens on it.
    pub reach: Endpoint,
    pub v6only: bool,
}

/// Returns a socket for `target`, not bound, with these options.
pub fn open_target(target: &Target, reuseaddr: bool, reuseport: bool) -> c_int {
    open_socket(target.endpoint.family, target.v6only, reuseaddr, reuseport)
}

/// Returns `endpoint` with its port set to `port`.
pub fn with_port(endpoint: Endpoint, port: u16) -> Endpoint {
    Endpoint { port, ..endpoint }
}

/// Returns a client connected to `port` of `target`.
pub fn connect_client(target: &Target, port: u16) -> c_int {
    let reach = with_port(target.reach, port);

    // SAFETY: no pointers; any argument value is safe.
    let client = unsafe { libc::socket(reach.family, SOCK_STREAM, 0) };
    if client == -1 {
        exit_with_error("socket", target.name, errno());
    }
    // With a small receive buffer, fill() is done soon.
    set_option(client, SOL_SOCKET, SO_RCVBUF, 1);
    if let Err(reason) = connect_socket(client, &reach) {
        exit_with_error("connect", target.name, reason);
    }
    client
}

/// Returns what the rule depends on, read from `s`, which is in `state`.
pub fn describe(s: c_int, state: TcpState) -> TcpSocket {
    let endpoint = local_endpoint(s);
    TcpSocket {
        state,
        family: endpoint.family,
        address: endpoint.address,
        v6only: endpoint.family == AF_INET6 && get_option(s, IPPROTO_IPV6, IPV6_V6ONLY) != 0,
        reuseaddr: get_option(s, SOL_SOCKET, SO_REUSEADDR) != 0,
        reuseport: get_option(s, SOL_SOCKET, SO_REUSEPORT) != 0,
        uid: effective_uid(),
    }
}

/// Returns what the rule depends on, for a new socket that will be bound to `target`.
pub fn describe_new(target: &Target, reuseaddr: bool, reuseport: bool) -> TcpSocket {
    TcpSocket {
        state: TcpState::Close,
        family: target.endpoint.family,
        address: target.endpoint.address,
        v6only: target.v6only,
        reuseaddr,
        reuseport,
        uid: effective_uid(),
    }
}

/// Rust only: C calls geteuid(2), which needs no unsafe block there.
fn effective_uid() -> uid_t {
    // SAFETY: no arguments; always succeeds.
    unsafe { libc::geteuid() }
}
