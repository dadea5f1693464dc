//! Text to addresses and back.
//!
//! Twin: `c-reference/address.c`.

use libc::{
    AF_INET, AF_INET6, INADDR_LOOPBACK, c_int, htonl, htons, ntohl, ntohs, sa_family_t, sockaddr_in,
};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::str::from_utf8;

const BAD_ADDRESS: &str = "ADDRESS must be a dotted quad such as 127.0.0.1";
const BAD_PORT: &str = "PORT must be decimal digits from 0 to 65535";
const BAD_HOST: &str = "ADDRESS must be a dotted quad, or IPv6 in brackets";
const BAD_HELD_PORT: &str = "PORT must be decimal digits from 1 to 65535";

/// An address of IPv4 or IPv6, and a port.
#[derive(Clone, Copy, PartialEq)]
pub struct Endpoint {
    pub family: c_int,
    /// An IPv4 address as IPv4-mapped.
    pub address: Ipv6Addr,
    pub port: u16,
}

/// Reads `[ADDRESS:]PORT`; without ADDRESS it is 127.0.0.1. An error is the sentence that says
/// what was expected.
pub fn parse_address(text: &[u8]) -> Result<sockaddr_in, &'static str> {
    let (quad, port) = match text.iter().rposition(|&byte| byte == b':') {
        Some(colon) => (Some(&text[..colon]), &text[colon + 1..]),
        None => (None, text),
    };

    // 1. Start from zeros: sockaddr_in ends in padding.
    // SAFETY: sockaddr_in is integers and arrays of them: all zeros is a value of it.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    address.sin_family = AF_INET as sa_family_t;

    // 2. What stands before the last colon is the address; the network is for who asks for it.
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if let Some(quad) = quad {
        let quad: Option<Ipv4Addr> = from_utf8(quad).ok().and_then(|quad| quad.parse().ok());
        address.sin_addr.s_addr = htonl(quad.ok_or(BAD_ADDRESS)?.to_bits());
    }

    address.sin_port = htons(parse_port(port).ok_or(BAD_PORT)?);
    Ok(address)
}

/// Reads `[ADDRESS:]PORT`, where ADDRESS may be `[IPv6]`; without it, it is 0.0.0.0. An error is the
/// sentence that says what was expected.
pub fn parse_endpoint(text: &[u8]) -> Result<Endpoint, &'static str> {
    let (host, port) = match text.iter().rposition(|&byte| byte == b':') {
        Some(colon) => (Some(&text[..colon]), &text[colon + 1..]),
        None => (None, text),
    };

    // 3. Brackets are IPv6's. Who names no address asks about all of IPv4's.
    let (family, address) = match host {
        None => (AF_INET, Some(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped())),
        Some([b'[', host @ .., b']']) => {
            let v6 = from_utf8(host).ok().and_then(|host| host.parse().ok());
            (AF_INET6, v6)
        }
        Some(host) => {
            let v4: Option<Ipv4Addr> = from_utf8(host).ok().and_then(|host| host.parse().ok());
            (AF_INET, v4.map(|v4| v4.to_ipv6_mapped()))
        }
    };
    let address = address.ok_or(BAD_HOST)?;

    // 4. Nobody holds port 0.
    match parse_port(port) {
        None | Some(0) => Err(BAD_HELD_PORT),
        Some(port) => Ok(Endpoint {
            family,
            address,
            port,
        }),
    }
}

/// Reads `text` as a port, in host byte order.
fn parse_port(text: &[u8]) -> Option<u16> {
    // 5. Digits and nothing else.
    if !text.iter().all(u8::is_ascii_digit) {
        return None; // parse() would take a sign
    }
    from_utf8(text).ok()?.parse().ok()
}

/// Returns `address` as something that displays as `ADDRESS:PORT`.
pub fn format_address(address: &sockaddr_in) -> SocketAddrV4 {
    let quad = Ipv4Addr::from_bits(ntohl(address.sin_addr.s_addr));
    SocketAddrV4::new(quad, ntohs(address.sin_port))
}

/// Returns `endpoint` as something that displays as `ADDRESS:PORT` or `[IPv6]:PORT`.
pub fn format_endpoint(endpoint: &Endpoint) -> SocketAddr {
    let v4 = endpoint.address.to_ipv4_mapped();
    let address = match v4.filter(|_| endpoint.family == AF_INET) {
        Some(v4) => IpAddr::V4(v4),
        None => IpAddr::V6(endpoint.address),
    };
    SocketAddr::new(address, endpoint.port)
}
