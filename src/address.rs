//! Text to `sockaddr_in` and back.
//!
//! Twin: `c-reference/address.c`.

use libc::{AF_INET, INADDR_LOOPBACK, htonl, htons, ntohl, ntohs, sa_family_t, sockaddr_in};
use std::mem;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::from_utf8;

const BAD_ADDRESS: &str = "ADDRESS must be a dotted quad such as 127.0.0.1";
const BAD_PORT: &str = "PORT must be decimal digits from 0 to 65535";

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

    // 3. The port: digits and nothing else, in network byte order.
    if !port.iter().all(u8::is_ascii_digit) {
        return Err(BAD_PORT); // parse() would take a sign
    }
    let number: Option<u16> = from_utf8(port).ok().and_then(|port| port.parse().ok());
    address.sin_port = htons(number.ok_or(BAD_PORT)?);
    Ok(address)
}

/// Returns `address` as something that displays as `ADDRESS:PORT`.
pub fn format_address(address: &sockaddr_in) -> SocketAddrV4 {
    let quad = Ipv4Addr::from_bits(ntohl(address.sin_addr.s_addr));
    SocketAddrV4::new(quad, ntohs(address.sin_port))
}
