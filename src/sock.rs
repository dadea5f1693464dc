//! Sockets for the addresses of the tables, their options, and what the rule has to know.
//!
//! Twin: `c-reference/sock.c`.

use crate::conflict::{State, TcpSocket};
use crate::output::bail;
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_RCVBUF, SO_REUSEADDR, SO_REUSEPORT,
    SOCK_STREAM, SOL_SOCKET, c_int, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t,
};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address to bind, as a table names it.
pub struct Place<'a> {
    pub name: &'a str,
    pub address: IpAddr,
    /// Where a client finds what is bound to it.
    pub reach: IpAddr,
    pub v6only: bool,
}

#[repr(C)]
union Address {
    any: sockaddr,
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

/// An unbound socket for `place`, with its options. Bails where that fails.
pub fn open_socket(place: &Place, reuseaddr: bool, reuseport: bool) -> c_int {
    let family = match place.address {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    };
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::socket(family, SOCK_STREAM, 0) };
    if s == -1 {
        bail("socket", place.name, errno());
    }
    set_option(s, SOL_SOCKET, SO_REUSEADDR, reuseaddr.into());
    set_option(s, SOL_SOCKET, SO_REUSEPORT, reuseport.into());
    if family == AF_INET6 {
        set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, place.v6only.into());
    }
    s
}

/// Calls bind(2) for `address` and `port`; an error is its errno.
pub fn bind_socket(s: c_int, address: IpAddr, port: u16) -> Result<(), Errno> {
    let address = make_address(address, port);
    let length = size_of_val(&address) as socklen_t;
    // SAFETY: the kernel reads a socket address where there is one, and its size is said.
    match unsafe { libc::bind(s, (&raw const address).cast(), length) } {
        -1 => Err(errno()),
        _ => Ok(()),
    }
}

/// Connects `s` to where `listener` listens; an error is the failed call's.
pub fn connect_to(s: c_int, listener: c_int) -> Result<(), Errno> {
    let mut address = make_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let mut length = size_of_val(&address) as socklen_t;

    // SAFETY: the kernel writes at most length bytes into address, and length anew.
    if unsafe { libc::getsockname(listener, (&raw mut address).cast(), &raw mut length) } == -1 {
        return Err(errno());
    }
    // SAFETY: the kernel reads a socket address where there is one, of that length.
    match unsafe { libc::connect(s, (&raw const address).cast(), length) } {
        -1 => Err(errno()),
        _ => Ok(()),
    }
}

/// A client connected to what listens on `place` and `port`. Bails where that fails.
pub fn connect_peer(place: &Place, port: u16) -> c_int {
    let address = make_address(place.reach, port);
    let length = size_of_val(&address) as socklen_t;

    let family = match place.reach {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    };
    // SAFETY: numbers go in, a number comes out.
    let peer = unsafe { libc::socket(family, SOCK_STREAM, 0) };
    if peer == -1 {
        bail("socket", place.name, errno());
    }
    // Little room, as in fill(), which is soon done then.
    set_option(peer, SOL_SOCKET, SO_RCVBUF, 1);
    // SAFETY: the kernel reads a socket address where there is one, and its size is said.
    if unsafe { libc::connect(peer, (&raw const address).cast(), length) } == -1 {
        bail("connect to", place.name, errno());
    }
    peer
}

fn make_address(address: IpAddr, port: u16) -> Address {
    // SAFETY: the members are integers and arrays of them: all zeros is a value of each.
    let mut made: Address = unsafe { mem::zeroed() };
    match address {
        IpAddr::V4(v4) => {
            made.v4.sin_family = AF_INET as sa_family_t;
            made.v4.sin_port = libc::htons(port);
            made.v4.sin_addr.s_addr = libc::htonl(v4.to_bits());
        }
        IpAddr::V6(v6) => {
            made.v6.sin6_family = AF_INET6 as sa_family_t;
            made.v6.sin6_port = libc::htons(port);
            made.v6.sin6_addr.s6_addr = v6.octets();
        }
    }
    made
}

/// Sets an int option of a socket. Bails where that fails.
pub fn set_option(s: c_int, level: c_int, name: c_int, value: c_int) {
    let length = size_of_val(&value) as socklen_t;
    // SAFETY: the kernel reads a c_int where there is one, and its size is said.
    if unsafe { libc::setsockopt(s, level, name, (&raw const value).cast(), length) } == -1 {
        bail("setsockopt", "a socket of the table", errno());
    }
}

fn get_option(s: c_int, level: c_int, name: c_int) -> c_int {
    let mut value: c_int = 0;
    let mut length = size_of_val(&value) as socklen_t;
    // SAFETY: the kernel writes at most length bytes into value, and length anew.
    let z = unsafe { libc::getsockopt(s, level, name, (&raw mut value).cast(), &raw mut length) };
    if z == -1 {
        bail("getsockopt", "a socket of the table", errno());
    }
    value
}

/// What the rule has to know of `s`, read from the kernel; the state is the caller's.
pub fn describe(s: c_int, state: State) -> TcpSocket {
    let mut address = make_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let mut length = size_of_val(&address) as socklen_t;

    // SAFETY: the kernel writes at most length bytes into address, and length anew.
    if unsafe { libc::getsockname(s, (&raw mut address).cast(), &raw mut length) } == -1 {
        bail("getsockname", "a socket of the table", errno());
    }
    // SAFETY: every member begins with the family.
    let family = c_int::from(unsafe { address.any.sa_family });
    TcpSocket {
        state,
        family,
        address: as_ipv6(&address),
        v6only: family == AF_INET6 && get_option(s, IPPROTO_IPV6, IPV6_V6ONLY) != 0,
        reuseaddr: get_option(s, SOL_SOCKET, SO_REUSEADDR) != 0,
        reuseport: get_option(s, SOL_SOCKET, SO_REUSEPORT) != 0,
        // SAFETY: nothing goes in, a number comes out.
        uid: unsafe { libc::geteuid() },
    }
}

/// What it has to know of a newcomer that is going to bind to `place`.
pub fn newcomer_for(place: &Place, reuseaddr: bool, reuseport: bool) -> TcpSocket {
    let address = make_address(place.address, 0);
    TcpSocket {
        state: State::Bound,
        family: if place.address.is_ipv4() {
            AF_INET
        } else {
            AF_INET6
        },
        address: as_ipv6(&address),
        v6only: place.v6only,
        reuseaddr,
        reuseport,
        // SAFETY: nothing goes in, a number comes out.
        uid: unsafe { libc::geteuid() },
    }
}

/// The address, an IPv4 one as IPv4-mapped.
fn as_ipv6(address: &Address) -> Ipv6Addr {
    // SAFETY: every member begins with the family.
    if c_int::from(unsafe { address.any.sa_family }) == AF_INET6 {
        // SAFETY: the family says which member it is.
        return Ipv6Addr::from(unsafe { address.v6.sin6_addr.s6_addr });
    }
    // SAFETY: the family says which member it is.
    let v4 = unsafe { address.v4.sin_addr.s_addr };
    Ipv4Addr::from_bits(libc::ntohl(v4)).to_ipv6_mapped()
}
