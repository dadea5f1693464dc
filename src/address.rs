//! Addresses: text, endpoint, sockaddr.
//! C counterpart: `c-reference/address.c`.

use libc::{
    AF_INET, AF_INET6, c_int, htonl, htons, in_addr_t, ntohl, ntohs, sa_family_t, sockaddr,
    sockaddr_in, sockaddr_in6, socklen_t,
};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::str::from_utf8;

const BAD_ADDRESS: &str =
    "ADDRESS must be an IPv4 address, an IPv6 address in brackets, or localhost";
const BAD_PORT: &str = "PORT must be a decimal number from 1 to 65535";

/// An IPv4 or IPv6 address and a port, in host byte order.
#[derive(Clone, Copy)]
pub struct Endpoint {
    pub family: c_int,
    /// IPv4-mapped if `family` is AF_INET.
    pub address: Ipv6Addr,
    pub port: u16,
}

/// Room for either address that the kernel reads or writes.
#[repr(C)]
pub union SocketAddress {
    pub any: sockaddr,
    pub v4: sockaddr_in,
    pub v6: sockaddr_in6,
}

/// Reads digits, and nothing else, as a port.
fn parse_port(text: &[u8]) -> Option<u16> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None; // parse() accepts a sign
    }
    let port = from_utf8(text).ok()?.parse().ok()?;
    (port != 0).then_some(port)
}

/// Reads `[ADDRESS:]PORT`. ADDRESS is an IPv4 address, an IPv6 address in brackets, or localhost;
/// without it, the address is `default_address`, in host byte order. An error is a sentence that
/// describes what was expected.
pub fn parse_endpoint(text: &[u8], default_address: in_addr_t) -> Result<Endpoint, &'static str> {
    let (host, port) = match text.iter().rposition(|&byte| byte == b':') {
        Some(colon) => (Some(&text[..colon]), &text[colon + 1..]),
        None => (None, text),
    };
    let parse = |host| from_utf8(host).ok()?.parse().ok();

    let address = match host {
        None => Some(IpAddr::V4(Ipv4Addr::from_bits(default_address))),
        Some(b"localhost") => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Some([b'[', host @ .., b']']) => parse(host).filter(IpAddr::is_ipv6),
        Some(host) => parse(host),
    };
    let (family, address) = match address.ok_or(BAD_ADDRESS)? {
        IpAddr::V4(v4) => (AF_INET, v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => (AF_INET6, v6),
    };
    let port = parse_port(port).ok_or(BAD_PORT)?;
    Ok(Endpoint {
        family,
        address,
        port,
    })
}

/// Returns `endpoint` as a value that displays as `ADDRESS:PORT` or `[IPv6]:PORT`.
pub fn format_endpoint(endpoint: &Endpoint) -> SocketAddr {
    let v4 = endpoint.address.to_ipv4_mapped();
    let address = match v4.filter(|_| endpoint.family == AF_INET) {
        Some(v4) => IpAddr::V4(v4),
        None => IpAddr::V6(endpoint.address),
    };
    SocketAddr::new(address, endpoint.port)
}

/// Returns `address` as a value that displays as `ADDRESS:PORT`.
pub fn format_address(address: &sockaddr_in) -> SocketAddrV4 {
    let host = Ipv4Addr::from_bits(ntohl(address.sin_addr.s_addr));
    SocketAddrV4::new(host, ntohs(address.sin_port))
}

/// Returns `endpoint` as the kernel reads it, and the size of the structure for that family.
pub fn make_sockaddr(endpoint: &Endpoint) -> (SocketAddress, socklen_t) {
    // SAFETY: the members are integers and arrays of integers, for which zero is valid.
    let mut address: SocketAddress = unsafe { mem::zeroed() };
    if endpoint.family == AF_INET6 {
        address.v6.sin6_family = AF_INET6 as sa_family_t;
        address.v6.sin6_port = htons(endpoint.port);
        address.v6.sin6_addr.s6_addr = endpoint.address.octets();
        return (address, size_of::<sockaddr_in6>() as socklen_t);
    }
    let v4 = endpoint.address.to_ipv4_mapped();
    address.v4.sin_family = AF_INET as sa_family_t;
    address.v4.sin_port = htons(endpoint.port);
    address.v4.sin_addr.s_addr = htonl(v4.map_or(0, Ipv4Addr::to_bits));
    (address, size_of::<sockaddr_in>() as socklen_t)
}

/// Returns the endpoint in `address`.
pub fn make_endpoint(address: &SocketAddress) -> Endpoint {
    // SAFETY: every member begins with the family.
    let family = c_int::from(unsafe { address.any.sa_family });
    if family == AF_INET6 {
        // SAFETY: AF_INET6 says that `v6` is the member in use.
        let v6 = unsafe { address.v6 };
        return Endpoint {
            family,
            address: Ipv6Addr::from(v6.sin6_addr.s6_addr),
            port: ntohs(v6.sin6_port),
        };
    }
    // SAFETY: any bytes are a valid `sockaddr_in`.
    let v4 = unsafe { address.v4 };
    Endpoint {
        family,
        address: Ipv4Addr::from_bits(ntohl(v4.sin_addr.s_addr)).to_ipv6_mapped(),
        port: ntohs(v4.sin_port),
    }
}

/// Returns whether `address` is a wildcard, 0.0.0.0 (IPv4-mapped) or ::.
pub fn is_wildcard(address: Ipv6Addr) -> bool {
    address.is_unspecified() || address.to_ipv4_mapped() == Some(Ipv4Addr::UNSPECIFIED)
}
