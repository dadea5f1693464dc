//! The rule behind the page's two conditions: which sockets conflict. (C1, C2)
//!
//! For an explicit port, bind(2) applies this rule to every other socket on the port, and listen(2)
//! applies it again. One conflict is enough for EADDRINUSE.
//! Source: Linux 6.18, `net/ipv4/inet_connection_sock.c`: `inet_bind_conflict`,
//! `inet_bhash2_addr_any_conflict` and `inet_rcv_saddr_equal`.
//! Not modelled: SO_BINDTODEVICE (sockets on different devices never conflict), TCP_REPAIR (no test
//! at all), and `sk_reuseport_match` (if the last socket bound to the port has SO_REUSEPORT, a new
//! socket with SO_REUSEPORT, the same user and the same address is not tested). Before Linux 6.8,
//! SO_REUSEADDR had a similar shortcut: if the option was cleared on the existing socket after its
//! bind, a new socket with the option could still bind.
//! C counterpart: `c-reference/conflict.c`.

use crate::address::is_wildcard;
use libc::{AF_INET, c_int, uid_t};
use std::net::Ipv6Addr;

/// The TCP states, numbered as in Linux's `include/net/tcp_states.h`. C has them in
/// `<netinet/tcp.h>`; the libc crate does not.
#[derive(Clone, Copy, PartialEq)]
pub enum TcpState {
    Established = 1,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    /// Bound and not listening, if the socket has a port.
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
}

/// What the rule depends on.
pub struct TcpSocket {
    pub state: TcpState,
    pub family: c_int,
    /// IPv4-mapped if `family` is AF_INET.
    pub address: Ipv6Addr,
    /// IPV6_V6ONLY; bind(2) to a specific IPv6 address sets it.
    pub v6only: bool,
    /// Current value of SO_REUSEADDR.
    pub reuseaddr: bool,
    /// Current value of SO_REUSEPORT.
    pub reuseport: bool,
    pub uid: uid_t,
}

/// Returns whether the addresses of two sockets overlap.
fn overlap(existing: &TcpSocket, new: &TcpSocket) -> bool {
    let existing4 = existing.address.to_ipv4_mapped().is_some();
    let new4 = new.address.to_ipv4_mapped().is_some();

    // Both IPv4 (or IPv4-mapped), or both IPv6: equal, or either is a wildcard.
    if existing4 == new4 {
        return existing.address == new.address
            || is_wildcard(existing.address)
            || is_wildcard(new.address);
    }

    // One of each: :: covers IPv4 too, unless IPV6_V6ONLY is set.
    let ipv6 = if existing4 { new } else { existing };
    if is_wildcard(ipv6.address) && !ipv6.v6only {
        return true;
    }

    // For a new AF_INET socket, the kernel ignores the existing socket's IPv6 address. So 0.0.0.0
    // conflicts with every IPv6 socket that is not v6only, even one on ::1 accepted by a listener
    // on :: (a socket bound to ::1 is v6only). A new socket on ::ffff:0.0.0.0 does not.
    new.family == AF_INET && is_wildcard(new.address) && !existing.v6only
}

/// Returns whether `existing` conflicts with `new` on the same port, so that bind(2) or listen(2)
/// of `new` fails with EADDRINUSE.
pub fn conflicts(existing: &TcpSocket, new: &TcpSocket) -> bool {
    // A connection request does not hold the port. Its listener does.
    if existing.state == TcpState::SynRecv {
        return false;
    }

    // No conflict if both have SO_REUSEADDR and the existing socket is not listening. No other
    // state matters, nor do the users. The state of the new socket is not tested: two sockets can
    // both be bound, and only the second listen(2) fails.
    if existing.reuseaddr && new.reuseaddr && existing.state != TcpState::Listen {
        return false;
    }

    // No conflict if both have SO_REUSEPORT, and either the user is the same or the existing socket
    // is in TIME_WAIT. The kernel keeps a FIN_WAIT2 socket without a process as a TIME_WAIT socket.
    // Simplified: for one that a process still holds, the kernel requires the same user.
    let time_wait = matches!(existing.state, TcpState::TimeWait | TcpState::FinWait2);
    if existing.reuseport && new.reuseport && (time_wait || existing.uid == new.uid) {
        return false;
    }

    overlap(existing, new)
}
