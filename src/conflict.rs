//! The rule behind the page's two conditions: when bind(2) and listen(2) fail with EADDRINUSE.
//! (C1, C2)
//!
//! For an explicit port, both calls do what [`get_port`] does. Unless a shortcut applies, it tests
//! every other socket on the port, and fails at the first conflict. Whether a shortcut applies
//! depends on the sockets bound earlier, so their order matters.
//! Source: Linux 6.18, `net/ipv4/inet_connection_sock.c`.
//! Not modelled: TCP_REPAIR, and sockets in a SO_REUSEPORT group that do not listen yet; VRFs,
//! whose ports are separate; and ports whose remaining sockets were all bound by connect(2)
//! (d57f4b874946).
//! C counterpart: `c-reference/conflict.c`.

use crate::address::is_wildcard;
use libc::{AF_INET, AF_INET6, c_int, uid_t};
use std::net::Ipv6Addr;
use std::ptr;

/// Variants of the rule in older kernels. The default is Linux 6.17 and later.
#[derive(Clone, Copy, Default)]
pub struct Kernel {
    /// Before 8002d44fe84d (6.8): if the first socket on a port has an option, later sockets with
    /// that option can skip the test, whatever their address.
    pub first_is_fast: bool,
    /// With 5e07e672412b, but without the rest of its series (6.1.168; 6.6.131 not tested): bind(2)
    /// to a specific IPv4-mapped address skips the sockets on 0.0.0.0 if the first of them was
    /// AF_INET6.
    pub skips_mapped: bool,
    /// Before c51da3f7a161 (6.17): the uid of sockets that no process holds, which is root's. If
    /// this user is not root, any other uid will do.
    pub orphan_uid: Option<uid_t>,
}

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
#[derive(Clone, Copy)]
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
    /// Index of the device that the socket is bound to, or 0.
    pub device: u32,
    /// Whether no process holds the socket.
    pub orphan: bool,
}

/// What the kernel remembers of a port while it has sockets (`struct inet_bind_bucket`).
#[derive(Clone, Copy, Default)]
pub struct Bucket {
    /// Whether every socket had SO_REUSEADDR at bind(2), and none listened. False since 6.8.
    fastreuse: bool,
    /// Whether `fastreuseport` matches any address (FASTREUSEPORT_ANY).
    any: bool,
    /// The last socket with SO_REUSEPORT that did not use the shortcut, as it was at that call.
    fastreuseport: Option<TcpSocket>,
    /// Family of the socket that was first on 0.0.0.0 or ::ffff:0.0.0.0.
    wildcard_family: c_int,
}

fn is_ipv4(socket: &TcpSocket) -> bool {
    socket.address.to_ipv4_mapped().is_some()
}

/// Returns whether the wildcard :: of `one` covers the address of `other`.
fn covers(one: &TcpSocket, other: &TcpSocket) -> bool {
    one.address.is_unspecified() && !(one.v6only && is_ipv4(other))
}

/// Returns whether the addresses of two sockets overlap. A wildcard covers the addresses of its
/// family, and :: covers IPv4 too, unless IPV6_V6ONLY is set. If `both` is false, the wildcard of
/// `second` counts as an ordinary address. (`inet_rcv_saddr_equal`)
fn overlap(first: &TcpSocket, second: &TcpSocket, both: bool) -> bool {
    // For AF_INET, the kernel ignores the IPv6 address of the second socket. So 0.0.0.0 conflicts
    // with every existing IPv6 socket that is not v6only, even one on ::1 accepted by a listener on
    // :: (a socket bound to ::1 is v6only). A new socket on ::ffff:0.0.0.0 does not.
    if first.family == AF_INET || is_ipv4(first) && is_ipv4(second) {
        let equal = first.address == second.address || is_wildcard(first.address);
        return !second.v6only && (equal || both && is_wildcard(second.address));
    }
    first.address == second.address || covers(first, second) || both && covers(second, first)
}

/// Returns whether `existing` conflicts with `new` on the same port, if no shortcut applies.
/// (`inet_bind_conflict`)
pub fn conflicts(existing: &TcpSocket, new: &TcpSocket) -> bool {
    // A connection request does not hold the port. Its listener does.
    if existing.state == TcpState::SynRecv && existing.orphan {
        return false;
    }

    // Sockets bound to different devices (SO_BINDTODEVICE) do not conflict.
    if existing.device != 0 && new.device != 0 && existing.device != new.device {
        return false;
    }

    // No conflict if both have SO_REUSEADDR and the existing socket is not listening. No other
    // state matters, nor do the users. The state of the new socket is not tested: two sockets can
    // both be bound, and only the second listen(2) fails.
    if existing.reuseaddr && new.reuseaddr && existing.state != TcpState::Listen {
        return false;
    }

    // No conflict if both have SO_REUSEPORT, and either the user is the same or the existing socket
    // is in TIME_WAIT. The kernel keeps a FIN_WAIT2 socket without a process as a TIME_WAIT socket,
    // unless net.ipv4.tcp_fin_timeout is above 60.
    let fin_wait2 = existing.state == TcpState::FinWait2 && existing.orphan;
    let time_wait = existing.state == TcpState::TimeWait || fin_wait2;
    if existing.reuseport && new.reuseport && (time_wait || existing.uid == new.uid) {
        return false;
    }

    overlap(new, existing, true)
}

/// Returns whether the shortcut of SO_REUSEPORT applies: the option, the user and the address of
/// `new` match those that the kernel remembers. (`sk_reuseport_match`)
fn reuseport_match(bucket: &Bucket, new: &TcpSocket) -> bool {
    bucket.fastreuseport.is_some_and(|fast| {
        new.reuseport && fast.uid == new.uid && (bucket.any || overlap(&fast, new, false))
    })
}

/// Returns whether `socket` is on 0.0.0.0 or ::ffff:0.0.0.0.
fn on_wildcard(socket: &TcpSocket) -> bool {
    is_ipv4(socket) && is_wildcard(socket.address)
}

/// Returns whether bind(2) of `new`, or listen(2) if its state is LISTEN, succeeds on a port with
/// `sockets`, which can include `new` itself. If so, updates what the kernel remembers.
/// (`inet_csk_get_port`)
pub fn get_port(
    kernel: &Kernel,
    bucket: &mut Bucket,
    sockets: &[TcpSocket],
    new: &TcpSocket,
) -> bool {
    let reuse = new.reuseaddr && new.state != TcpState::Listen;

    // 1. The kernel forgets the port with its last socket. (inet_bind_bucket_destroy)
    if sockets.is_empty() {
        *bucket = Bucket {
            fastreuse: kernel.first_is_fast,
            any: kernel.first_is_fast,
            ..Bucket::default()
        };
    }

    // 2. Unless a shortcut applies, test the other sockets. (inet_csk_bind_conflict)
    let is_mapped = new.family == AF_INET6 && is_ipv4(new) && !on_wildcard(new);
    let skips = kernel.skips_mapped && is_mapped && bucket.wildcard_family == AF_INET6;
    let conflict = |existing: &TcpSocket| {
        let orphan_uid = kernel.orphan_uid.filter(|_| existing.orphan);
        let uid = orphan_uid.unwrap_or(existing.uid);
        let is_skipped = ptr::eq(existing, new) || skips && on_wildcard(existing);
        !is_skipped && conflicts(&TcpSocket { uid, ..*existing }, new)
    };
    let shortcut = bucket.fastreuse && reuse || reuseport_match(bucket, new);
    if !shortcut && sockets.iter().any(conflict) {
        return false;
    }

    // 3. Remember the new socket. (inet_csk_update_fastreuse)
    if !sockets.iter().any(on_wildcard) {
        bucket.wildcard_family = new.family;
    }
    bucket.fastreuse &= reuse;
    if !new.reuseport {
        bucket.fastreuseport = None;
        bucket.any = false;
    } else if !reuseport_match(bucket, new) {
        bucket.any &= bucket.fastreuseport.is_none();
        bucket.fastreuseport = Some(*new);
    }
    true
}
