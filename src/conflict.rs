//! Does this socket stand in that one's way? What the page's two conditions come down to.
//!
//! For a port given by number, bind(2) asks this about every socket that the kernel still lists there,
//! and listen(2) asks it again; one that stands in the way is enough for EADDRINUSE.
//! Source: Linux 6.18, `net/ipv4/inet_connection_sock.c`: `inet_bind_conflict` (steps 2 to 4),
//! `inet_rcv_saddr_equal` and `inet_bhash2_addr_any_conflict` (steps 5 to 7).
//! Left out: SO_BINDTODEVICE (two different devices never conflict), TCP_REPAIR (nothing is asked), and
//! `sk_reuseport_match`: where the last bind to the port had SO_REUSEPORT, the same user and address,
//! nothing is asked of a newcomer that has it too. Before 6.8, SO_REUSEADDR had such a short cut as
//! well, and one taken back after bind still let the next bind in. Twin: `c-reference/conflict.c`.

use libc::{AF_INET, c_int, uid_t};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a socket can be while it holds a port; named as in the table of `rules`.
#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Bound,
    Listen,
    /// Accepted, its listener closed.
    Established,
    /// Bound, then connected.
    Client,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    /// The peer closed first, then we: it holds nothing any more.
    PassiveClosed,
}

/// A TCP socket, as far as it can stand in another one's way.
pub struct TcpSocket {
    pub state: State,
    pub family: c_int,
    /// An IPv4 address as IPv4-mapped.
    pub address: Ipv6Addr,
    /// IPV6_V6ONLY; the kernel sets it for one specific IPv6 address.
    pub v6only: bool,
    /// SO_REUSEADDR, as it is now.
    pub reuseaddr: bool,
    /// SO_REUSEPORT, as it is now.
    pub reuseport: bool,
    pub uid: uid_t,
}

/// Whether `present`, which has a port, keeps `newcomer` from it: then bind(2) and listen(2) fail with
/// EADDRINUSE.
pub fn conflicts(present: &TcpSocket, newcomer: &TcpSocket) -> bool {
    // 1. Whom the peer left first leaves nothing behind: no TIME_WAIT on our side. (T4)
    if present.state == State::PassiveClosed {
        return false;
    }

    // 2. Both have SO_REUSEADDR, and the present one does not listen: no. (C1, C2)
    // Nothing else counts: no other state, no user, not what the newcomer is about to be. So two may
    // be bound here, and only the second one's listen(2) fails.
    if present.reuseaddr && newcomer.reuseaddr && present.state != State::Listen {
        return false;
    }

    // 3. Both have SO_REUSEPORT, and one user, or the present one is TIME_WAIT: no.
    // What FIN_WAIT2 leaves of a closed socket is kept as a TIME_WAIT one. rules has one user, and
    // does not try this difference.
    let time_wait = matches!(present.state, State::TimeWait | State::FinWait2);
    if present.reuseport && newcomer.reuseport && (time_wait || present.uid == newcomer.uid) {
        return false;
    }

    // 4. Otherwise it is a matter of the addresses.
    overlap(present, newcomer)
}

fn overlap(present: &TcpSocket, newcomer: &TcpSocket) -> bool {
    let present4 = present.address.to_ipv4_mapped().is_some();
    let newcomer4 = newcomer.address.to_ipv4_mapped().is_some();

    // 5. Both IPv4, mapped or not, or both IPv6: the same address, or a wildcard.
    if present4 == newcomer4 {
        return present.address == newcomer.address
            || is_any(present.address)
            || is_any(newcomer.address);
    }

    // 6. One of each: the IPv6 wildcard is IPv4's too, unless it is v6only.
    let ipv6 = if present4 { newcomer } else { present };
    if is_any(ipv6.address) && !ipv6.v6only {
        return true;
    }

    // 7. And 0.0.0.0 finds everybody who is not v6only in its way, even a child on ::1.
    // The kernel gives such an IPv6 socket an IPv4 address as well, LOOPBACK4_IPV6. It does so for an
    // AF_INET newcomer alone: ::ffff:0.0.0.0 passes.
    newcomer.family == AF_INET && is_any(newcomer.address) && !present.v6only
}

/// Whether `address` is 0.0.0.0 (mapped) or ::, the wildcards.
pub fn is_any(address: Ipv6Addr) -> bool {
    address.is_unspecified() || address.to_ipv4_mapped() == Some(Ipv4Addr::UNSPECIFIED)
}
