//! Lists the sockets of a port with sock_diag(7), a netlink(7) protocol.
//!
//! `/proc/net/tcp` is not enough: it lacks IPV6_V6ONLY, and the sockets that are bound and not
//! listening, which sock_diag lists since Linux 6.8.
//! C counterpart: `c-reference/explain/sock_diag.c`.

use crate::address::Endpoint;
use crate::explain::snapshot::*;
use crate::sock::{checked, close_fd};
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_INET6, AF_NETLINK, EAGAIN, EBADMSG, EINTR, EMSGSIZE, ETIMEDOUT, IPPROTO_UDP,
    MSG_TRUNC, NETLINK_SOCK_DIAG, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE,
    NLMSG_ERROR, SO_RCVTIMEO, SOCK_CLOEXEC, SOCK_RAW, SOL_SOCKET, c_int, htons, nlattr, nlmsghdr,
    ntohl, ntohs, sockaddr_nl, socklen_t, timeval,
};
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ptr;

// Missing in the libc crate: from <linux/sock_diag.h> and <linux/inet_diag.h>.
const TCPDIAG_GETSOCK: u16 = 18;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const INET_DIAG_SKV6ONLY: u16 = 11;
const NLMSG_ALIGNTO: usize = 4;

#[repr(C)]
#[rustfmt::skip]
struct InetDiagSockid {
    idiag_sport: u16, idiag_dport: u16,
    idiag_src: [u32; 4], idiag_dst: [u32; 4], idiag_if: u32, idiag_cookie: [u32; 2],
}

#[repr(C)]
#[rustfmt::skip]
struct InetDiagReq {
    idiag_family: u8, idiag_src_len: u8, idiag_dst_len: u8, idiag_ext: u8,
    id: InetDiagSockid, idiag_states: u32, idiag_dbs: u32,
}

#[repr(C)]
#[rustfmt::skip]
struct InetDiagReqV2 {
    sdiag_family: u8, sdiag_protocol: u8, idiag_ext: u8, pad: u8,
    idiag_states: u32, id: InetDiagSockid,
}

#[repr(C)]
#[rustfmt::skip]
struct InetDiagMsg {
    idiag_family: u8, idiag_state: u8, idiag_timer: u8, idiag_retrans: u8, id: InetDiagSockid,
    idiag_expires: u32, idiag_rqueue: u32, idiag_wqueue: u32, idiag_uid: u32, idiag_inode: u32,
}

/// `idiag_timer` of a socket in TIME_WAIT, or in FIN_WAIT2 without a process.
const TIMER_TIME_WAIT: u8 = 3;

#[repr(C)]
struct Request<Body> {
    header: nlmsghdr,
    body: Body,
}

/// Returns the endpoint with this address and port, both in network byte order.
fn diag_endpoint(family: c_int, address: [u32; 4], port: u16) -> Endpoint {
    let bits = |bits, &word| bits << 32 | u128::from(ntohl(word));
    let address = if family == AF_INET6 {
        Ipv6Addr::from_bits(address.iter().fold(0, bits))
    } else {
        Ipv4Addr::from_bits(ntohl(address[0])).to_ipv6_mapped()
    };
    let port = ntohs(port);
    Endpoint {
        family,
        address,
        port,
    }
}

/// Returns the value of IPV6_V6ONLY from the attributes at the end of `body`.
fn parse_v6only(body: &[u8]) -> Option<bool> {
    let mut at = size_of::<InetDiagMsg>();

    while at + size_of::<nlattr>() < body.len() {
        // SAFETY: `body` has a whole nlattr at `at`; its integers are valid with any value.
        let attribute: nlattr = unsafe { ptr::read_unaligned(body[at..].as_ptr().cast()) };
        if usize::from(attribute.nla_len) < size_of::<nlattr>() {
            break;
        }
        if attribute.nla_type == INET_DIAG_SKV6ONLY {
            return Some(body[at + size_of::<nlattr>()] != 0);
        }
        at += usize::from(attribute.nla_len).next_multiple_of(NLMSG_ALIGNTO);
    }
    None
}

/// Reads a socket from a message's body.
fn parse_entry(body: &[u8]) -> Option<SocketEntry> {
    if body.len() < size_of::<InetDiagMsg>() {
        return None;
    }
    // SAFETY: `body` has a whole InetDiagMsg; its integers are valid with any value.
    let message: InetDiagMsg = unsafe { ptr::read_unaligned(body.as_ptr().cast()) };
    let family = c_int::from(message.idiag_family);
    let id = message.id;
    let (state, _) = *STATES.get(usize::from(message.idiag_state).wrapping_sub(1))?;
    let seconds = message.idiag_expires.div_ceil(1000);
    Some(SocketEntry {
        udp: false,
        state,
        local: diag_endpoint(family, id.idiag_src, id.idiag_sport),
        peer: diag_endpoint(family, id.idiag_dst, id.idiag_dport),
        device: id.idiag_if,
        inode: message.idiag_inode.into(),
        uid: message.idiag_uid,
        seconds: (message.idiag_timer == TIMER_TIME_WAIT).then_some(seconds),
        reuseaddr: None,
        reuseport: None,
        v6only: parse_v6only(body).or((family == AF_INET).then_some(false)),
        outgoing: false,
        inferred: false,
        blocks: false,
        holders: Vec::new(),
    })
}

/// Reads the whole reply to `request`. Sets `changed` if the kernel marks it inconsistent.
fn read_reply(s: c_int, request: &nlmsghdr, snapshot: &mut Snapshot) -> Result<(), Errno> {
    let mut buffer = [0u8; 1 << 16];

    loop {
        // SAFETY: sockaddr_nl has integer members only, for which zero is valid.
        let mut sender: sockaddr_nl = unsafe { mem::zeroed() };
        let mut size = size_of_val(&sender) as socklen_t;
        let (start, length) = (buffer.as_mut_ptr().cast(), buffer.len());
        let address = (&raw mut sender).cast();
        // With MSG_TRUNC, recvfrom(2) returns the length of the whole datagram.
        // SAFETY: `length` is the size of `buffer`, and `size` that of `sender`.
        let n = unsafe { libc::recvfrom(s, start, length, MSG_TRUNC, address, &raw mut size) };
        let error = match errno() {
            Errno(EAGAIN) => Errno(ETIMEDOUT), // SO_RCVTIMEO
            error => error,
        };
        if n == -1 && error.0 != EINTR {
            return Err(error);
        }
        // Only the kernel has port id 0. Other senders need CAP_NET_ADMIN.
        if n == -1 || sender.nl_pid != 0 {
            continue;
        }
        let mut rest = buffer.get(..n as usize).ok_or(Errno(EMSGSIZE))?;
        while rest.len() >= size_of::<nlmsghdr>() {
            // SAFETY: `rest` has a whole nlmsghdr; its integers are valid with any value.
            let header: nlmsghdr = unsafe { ptr::read_unaligned(rest.as_ptr().cast()) };
            let length = header.nlmsg_len as usize;
            if length < size_of::<nlmsghdr>() || length > rest.len() {
                return Err(Errno(EBADMSG));
            }
            let body = &rest[size_of::<nlmsghdr>()..length];
            rest = &rest[length.next_multiple_of(NLMSG_ALIGNTO).min(rest.len())..];
            if header.nlmsg_seq != request.nlmsg_seq {
                continue;
            }
            snapshot.changed |= c_int::from(header.nlmsg_flags) & NLM_F_DUMP_INTR != 0;
            // NLMSG_ERROR and NLMSG_DONE both carry a negative errno, or 0.
            if [NLMSG_ERROR, NLMSG_DONE].contains(&header.nlmsg_type.into()) {
                return match body.first_chunk().map(|&bytes| c_int::from_ne_bytes(bytes)) {
                    Some(error @ ..0) => Err(Errno(-error)),
                    _ => Ok(()),
                };
            }
            let Some(mut entry) = parse_entry(body) else {
                continue;
            };
            // The kernel does not filter bound sockets by port.
            if entry.local.port == snapshot.port {
                entry.udp = request.nlmsg_type == SOCK_DIAG_BY_FAMILY;
                snapshot.sockets.push(entry);
            }
        }
    }
}

/// Adds the sockets that a request of type `kind` describes. An error is an errno.
fn dump<Body>(s: c_int, kind: u16, body: Body, snapshot: &mut Snapshot) -> Result<(), Errno> {
    // SAFETY: nlmsghdr has integer members only, for which zero is valid.
    let header: nlmsghdr = unsafe { mem::zeroed() };
    let mut request = Request { header, body };

    request.header.nlmsg_len = size_of_val(&request) as u32;
    request.header.nlmsg_type = kind;
    request.header.nlmsg_flags = (NLM_F_REQUEST | NLM_F_DUMP) as u16;
    request.header.nlmsg_seq = 1;
    // SAFETY: the pointer and the length are those of `request`.
    let z = unsafe { libc::send(s, (&raw const request).cast(), size_of_val(&request), 0) };
    checked(z as c_int)?;
    read_reply(s, &request.header, snapshot)
}

/// Finds the sockets on the snapshot's port. Sets `diag_error` on failure.
pub fn find_sockets(snapshot: &mut Snapshot) {
    // SAFETY: InetDiagReq has integer members only, for which zero is valid.
    let mut tcp: InetDiagReq = unsafe { mem::zeroed() };
    tcp.id.idiag_sport = htons(snapshot.port);
    tcp.idiag_states = u32::MAX;
    let timeout = timeval {
        tv_sec: 5,
        tv_usec: 0,
    };

    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) };
    if s == -1 {
        snapshot.diag_error = Some(errno());
        return;
    }
    let (optval, optlen) = (&raw const timeout, size_of_val(&timeout) as socklen_t);
    // SAFETY: `optlen` is the size of `timeout`.
    let z = unsafe { libc::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, optval.cast(), optlen) };
    // The older request lists both families, in one pass through the kernel's tables.
    let z = checked(z).and_then(|_| dump(s, TCPDIAG_GETSOCK, tcp, snapshot));
    snapshot.diag_error = z.err();
    for family in [AF_INET, AF_INET6] {
        // SAFETY: InetDiagReqV2 has integer members only, for which zero is valid.
        let mut udp: InetDiagReqV2 = unsafe { mem::zeroed() };
        udp.sdiag_family = family as u8;
        udp.sdiag_protocol = IPPROTO_UDP as u8;
        udp.id.idiag_sport = htons(snapshot.port);
        udp.idiag_states = u32::MAX;
        if snapshot.diag_error.is_none() {
            // UDP sockets are only mentioned. A kernel without udp_diag cannot list them.
            let _ = dump(s, SOCK_DIAG_BY_FAMILY, udp, snapshot);
        }
    }
    close_fd(s);
}
