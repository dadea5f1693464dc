//! The TCP sockets around a port, as the kernel lists them: sock_diag(7), which ss(8) asks too.
//!
//! Not `/proc/net/tcp`: it has no time left of FIN_WAIT2, no IPV6_V6ONLY and no socket that is only
//! bound. The latter are listed from Linux 6.8 on. Twin: `c-reference/explain/sock_diag.c`.

use crate::address::Endpoint;
use crate::conflict::TcpState;
use crate::explain::snapshot::{Listed, Scene};
use crate::sock::close_fd;
use errno::{Errno, errno};
use libc::{
    AF_INET, AF_INET6, AF_NETLINK, EBADMSG, IPPROTO_TCP, NETLINK_SOCK_DIAG, NLM_F_DUMP,
    NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, SOCK_CLOEXEC, SOCK_RAW, c_int, nlattr, nlmsghdr, ntohl,
    ntohs,
};
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ptr;

// What the libc crate lacks of <linux/sock_diag.h> and <linux/inet_diag.h>.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const INET_DIAG_SKV6ONLY: u16 = 11;
const INET_DIAG_NOCOOKIE: u32 = !0;
const NLMSG_ALIGNTO: usize = 4;
const NLA_ALIGNTO: usize = 4;

#[repr(C)]
struct InetDiagSockid {
    idiag_sport: u16,
    idiag_dport: u16,
    idiag_src: [u32; 4],
    idiag_dst: [u32; 4],
    idiag_if: u32,
    idiag_cookie: [u32; 2],
}

#[repr(C)]
struct InetDiagReqV2 {
    sdiag_family: u8,
    sdiag_protocol: u8,
    idiag_ext: u8,
    pad: u8,
    idiag_states: u32,
    id: InetDiagSockid,
}

#[repr(C)]
struct InetDiagMsg {
    idiag_family: u8,
    idiag_state: u8,
    idiag_timer: u8,
    idiag_retrans: u8,
    id: InetDiagSockid,
    idiag_expires: u32,
    idiag_rqueue: u32,
    idiag_wqueue: u32,
    idiag_uid: u32,
    idiag_inode: u32,
}

/// `idiag_timer` of a TIME_WAIT, and of a FIN_WAIT2 that is kept like one.
const TIMER_TIME_WAIT: u8 = 3;

#[repr(C)]
struct Request {
    header: nlmsghdr,
    body: InetDiagReqV2,
}

/// The kernel's `include/net/tcp_states.h`, from 1 on; and what they are to the rule.
const STATES: [(&str, TcpState); 11] = [
    ("ESTABLISHED", TcpState::Established),
    ("SYN_SENT", TcpState::SynSent),
    ("SYN_RECV", TcpState::SynRecv), // not a socket yet: it is its listener that holds the port
    ("FIN_WAIT1", TcpState::FinWait1),
    ("FIN_WAIT2", TcpState::FinWait2),
    ("TIME_WAIT", TcpState::TimeWait),
    ("BOUND", TcpState::Close), // CLOSE; without a port it would not be listed
    ("CLOSE_WAIT", TcpState::CloseWait),
    ("LAST_ACK", TcpState::LastAck),
    ("LISTEN", TcpState::Listen),
    ("CLOSING", TcpState::Closing),
];

/// Finds the sockets of the scene's port; what prevents it is its `diag_error`.
pub fn find_sockets(scene: &mut Scene) {
    let questions = [
        (AF_INET, false),
        (AF_INET6, false),
        (AF_INET, true),
        (AF_INET6, true),
    ];

    // 1. Two families, each asked for those that have the port, then for those connected to it.
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) };
    if s == -1 {
        scene.diag_error = Some(errno());
        return;
    }
    let z = questions
        .iter()
        .try_for_each(|&(family, peers)| dump(s, scene, family, peers));
    scene.diag_error = z.err();
    close_fd(s);
}

/// Takes what the kernel lists of `family`; an error is the kernel's.
fn dump(s: c_int, scene: &mut Scene, family: c_int, peers: bool) -> Result<(), Errno> {
    let mut buffer = [0u8; 1 << 16];
    // SAFETY: Request is integers and arrays of them: all zeros is a value of it.
    let mut request: Request = unsafe { mem::zeroed() };
    request.header.nlmsg_len = size_of::<Request>() as u32;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = (NLM_F_REQUEST | NLM_F_DUMP) as u16;
    request.body.sdiag_family = family as u8;
    request.body.sdiag_protocol = IPPROTO_TCP as u8;
    request.body.idiag_states = u32::MAX;
    request.body.id.idiag_cookie = [INET_DIAG_NOCOOKIE; 2];
    match peers {
        true => request.body.id.idiag_dport = libc::htons(scene.port),
        false => request.body.id.idiag_sport = libc::htons(scene.port),
    }

    // 2. One request, many answers, in as many datagrams as it takes.
    // SAFETY: the kernel reads a Request where there is one, and its size is said.
    let z = unsafe { libc::send(s, (&raw const request).cast(), size_of_val(&request), 0) };
    if z == -1 {
        return Err(errno());
    }
    loop {
        // SAFETY: buffer has room for its length.
        let n = unsafe { libc::recv(s, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        if n == -1 {
            return Err(errno());
        }
        let mut at = 0;
        while at + size_of::<nlmsghdr>() <= n as usize {
            // SAFETY: so many bytes are there, and its integers may have any value.
            let header: nlmsghdr = unsafe { ptr::read_unaligned(buffer[at..].as_ptr().cast()) };
            let length = header.nlmsg_len as usize;
            if length < size_of::<nlmsghdr>() || length > n as usize - at {
                return Err(Errno(EBADMSG));
            }
            let body = &buffer[at + size_of::<nlmsghdr>()..at + length];
            // 3. An error and the end both carry an errno, as a negative number, or 0.
            if [NLMSG_ERROR, NLMSG_DONE].contains(&header.nlmsg_type.into()) {
                let error = body
                    .first_chunk()
                    .map_or(0, |&bytes| c_int::from_ne_bytes(bytes));
                return if error < 0 {
                    Err(Errno(-error))
                } else {
                    Ok(())
                };
            }
            take(scene, body, peers);
            at += length.next_multiple_of(NLMSG_ALIGNTO);
        }
    }
}

/// Takes one socket into `scene`.
fn take(scene: &mut Scene, body: &[u8], peers: bool) {
    if body.len() < size_of::<InetDiagMsg>() {
        return;
    }
    // SAFETY: so many bytes are there, and its integers may have any value.
    let message: InetDiagMsg = unsafe { ptr::read_unaligned(body.as_ptr().cast()) };
    let Some(&(name, state)) = STATES.get(usize::from(message.idiag_state).wrapping_sub(1)) else {
        return;
    };
    let family = c_int::from(message.idiag_family);
    let mut socket = Listed {
        name,
        state,
        local: diag_endpoint(family, message.id.idiag_src, message.id.idiag_sport),
        peer: diag_endpoint(family, message.id.idiag_dst, message.id.idiag_dport),
        cookie: u64::from(message.id.idiag_cookie[1]) << 32 | u64::from(message.id.idiag_cookie[0]),
        inode: message.idiag_inode.into(),
        seconds: None,
        reuseaddr: None,
        reuseport: None,
        v6only: (family != AF_INET6).then_some(false),
    };
    if message.idiag_timer == TIMER_TIME_WAIT {
        socket.seconds = Some(message.idiag_expires.div_ceil(1000));
    }

    // 4. Bound sockets are listed whatever port is asked for; one that is its own peer comes once.
    let present = socket.local.port == scene.port;
    let wanted = match peers {
        true => !present && socket.peer.port == scene.port,
        false => present,
    };
    if !wanted {
        return;
    }

    // 5. IPV6_V6ONLY is told of those that listen or are bound, in an attribute of one byte.
    let mut at = size_of::<InetDiagMsg>();
    while at + size_of::<nlattr>() < body.len() {
        // SAFETY: so many bytes are there, and its integers may have any value.
        let attribute: nlattr = unsafe { ptr::read_unaligned(body[at..].as_ptr().cast()) };
        if usize::from(attribute.nla_len) < size_of::<nlattr>() {
            break;
        }
        if attribute.nla_type == INET_DIAG_SKV6ONLY {
            socket.v6only = Some(body[at + size_of::<nlattr>()] != 0);
        }
        at += usize::from(attribute.nla_len).next_multiple_of(NLA_ALIGNTO);
    }
    match peers {
        true => scene.peers.push(socket),
        false => scene.sockets.push(socket),
    }
}

/// From the kernel's words, all in network byte order.
fn diag_endpoint(family: c_int, address: [u32; 4], port: u16) -> Endpoint {
    let address = match family {
        AF_INET6 => Ipv6Addr::from_bits(
            address
                .iter()
                .fold(0, |bits, &word| bits << 32 | u128::from(ntohl(word))),
        ),
        _ => Ipv4Addr::from_bits(ntohl(address[0])).to_ipv6_mapped(),
    };
    Endpoint {
        family,
        address,
        port: ntohs(port),
    }
}
