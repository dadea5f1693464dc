//! The addresses in the tables of `rules`.
//!
//! All sockets belong to one user, so `uid` is 0 everywhere. C counterpart:
//! `c-reference/rules/target.c`.

use crate::address::Endpoint;
use crate::conflict::{TcpSocket, TcpState};
use crate::sock::{bind_socket, open_socket};
use errno::Errno;
use libc::{AF_INET, AF_INET6, c_int};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address to bind to, as a socket with neither option.
pub struct Target {
    /// In the tables.
    pub name: &'static str,
    pub socket: TcpSocket,
}

const LO: Ipv6Addr = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
const LO2: Ipv6Addr = Ipv4Addr::new(127, 0, 0, 2).to_ipv6_mapped();
const ANY: Ipv6Addr = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();

pub const V4_LO: Target = target("127.0.0.1", AF_INET, LO, false);
pub const V4_LO2: Target = target("127.0.0.2", AF_INET, LO2, false);
pub const V4_ANY: Target = target("0.0.0.0", AF_INET, ANY, false);
pub const V6_LO: Target = target("::1", AF_INET6, Ipv6Addr::LOCALHOST, false);
pub const V6_ANY: Target = target("::", AF_INET6, Ipv6Addr::UNSPECIFIED, false);
pub const V6_ONLY: Target = target("::v6only", AF_INET6, Ipv6Addr::UNSPECIFIED, true);
pub const MAPPED_LO: Target = target("::ffff:127.0.0.1", AF_INET6, LO, false);
pub const MAPPED_ANY: Target = target("::ffff:0.0.0.0", AF_INET6, ANY, false);

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
    };
    Target { name, socket }
}

/// Returns the socket of `target` with these options.
pub fn with_options(target: &Target, reuseaddr: bool, reuseport: bool) -> TcpSocket {
    TcpSocket {
        reuseaddr,
        reuseport,
        ..target.socket
    }
}

/// Returns a new socket with the options of `plan`, not bound yet.
pub fn open_planned(plan: &TcpSocket) -> c_int {
    open_socket(plan.family, plan.v6only, plan.reuseaddr, plan.reuseport)
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
