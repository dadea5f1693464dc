//! The addresses in the tables of `rules`.
//! C counterpart: `c-reference/rules/target.c`.

use crate::address::Endpoint;
use crate::conflict::{TcpSocket, TcpState};
use crate::output::exit_with_error;
use crate::sock::{bind_socket, open_socket, own_uid, set_option};
use errno::{Errno, errno};
use libc::{AF_INET, AF_INET6, SO_BINDTOIFINDEX, SOL_SOCKET, c_int, gid_t};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address to bind to, and a socket on it with neither option set.
pub struct Target {
    /// Name in the tables.
    pub name: &'static str,
    pub socket: TcpSocket,
}

/// The other properties of a socket.
#[derive(Clone, Copy)]
pub struct Plan {
    pub reuseaddr: bool,
    pub reuseport: bool,
    /// Whether the socket belongs to the other user.
    pub other_user: bool,
    pub device: u32,
}

pub const PLAIN: Plan = Plan {
    reuseaddr: false,
    reuseport: false,
    other_user: false,
    device: 0,
};

const LO: Ipv6Addr = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
const LO2: Ipv6Addr = Ipv4Addr::new(127, 0, 0, 2).to_ipv6_mapped();
const ANY: Ipv6Addr = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();

pub const V4_LO: Target = target("127.0.0.1", AF_INET, LO, false);
pub const V4_LO2: Target = target("127.0.0.2", AF_INET, LO2, false);
pub const V4_ANY: Target = target("0.0.0.0", AF_INET, ANY, false);
pub const V6_LO: Target = target("::1", AF_INET6, Ipv6Addr::LOCALHOST, true);
pub const V6_ANY: Target = target("::", AF_INET6, Ipv6Addr::UNSPECIFIED, false);
pub const V6_ONLY: Target = target("::v6only", AF_INET6, Ipv6Addr::UNSPECIFIED, true);
pub const MAPPED_LO: Target = target("::ffff:127.0.0.1", AF_INET6, LO, false);
pub const MAPPED_ANY: Target = target("::ffff:0.0.0.0", AF_INET6, ANY, false);

/// The addresses of `--all` and `--sequences`. The first three are IPv4.
#[rustfmt::skip]
pub const TARGETS: [&Target; 8] =
    [&V4_LO, &V4_LO2, &V4_ANY, &V6_LO, &V6_ANY, &V6_ONLY, &MAPPED_LO, &MAPPED_ANY];

/// Rust only: C has macros for this.
const fn target(name: &'static str, family: c_int, address: Ipv6Addr, v6only: bool) -> Target {
    let socket = TcpSocket {
        state: TcpState::Close,
        family,
        address,
        v6only,
        reuseaddr: false,
        reuseport: false,
        uid: 0,
        device: 0,
        orphan: false,
    };
    Target { name, socket }
}

/// Returns the socket of `target` with these options, for the user of this process.
pub fn with_options(target: &Target, reuseaddr: bool, reuseport: bool) -> TcpSocket {
    TcpSocket {
        reuseaddr,
        reuseport,
        uid: own_uid(),
        ..target.socket
    }
}

/// Gives `s` to the user of `plan`, as if that user had created it.
pub fn set_user(s: c_int, plan: &TcpSocket) {
    if plan.uid == own_uid() {
        return;
    }
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::fchown(s, plan.uid, gid_t::MAX) } == -1 {
        exit_with_error("fchown", "TCP socket", errno());
    }
}

/// Returns a new socket with the options, user and device of `plan`, not bound yet.
pub fn open_planned(plan: &TcpSocket) -> c_int {
    let s = open_socket(plan.family, plan.v6only, plan.reuseaddr, plan.reuseport);
    set_user(s, plan);
    if plan.device != 0 {
        set_option(s, SOL_SOCKET, SO_BINDTOIFINDEX, plan.device as c_int);
    }
    s
}

/// Binds `s` to `port`, on the address of `plan`. An error is bind(2)'s.
pub fn bind_planned(s: c_int, plan: &TcpSocket, port: u16) -> Result<(), Errno> {
    let endpoint = Endpoint {
        family: plan.family,
        address: plan.address,
        port,
    };
    bind_socket(s, &endpoint)
}
