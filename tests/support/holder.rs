//! Sockets in every state in which they can hold a port, made by this process.

use super::{is_listed, sockets, wait_for};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

/// The states that hold a port, as the kernel calls them, but for two: CLIENT is ESTABLISHED too,
/// and of PASSIVE_CLOSED nothing is left.
pub const STATES: [&str; 11] = [
    "BOUND",
    "LISTEN",
    "ESTABLISHED",
    "CLIENT",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "CLOSE_WAIT",
    "CLOSING",
    "LAST_ACK",
    "TIME_WAIT",
    "PASSIVE_CLOSED",
];

/// What a socket is held by. The kernel may keep it longer.
pub struct Holder {
    /// The descriptors, the socket's own and its peer's.
    pub fds: Vec<OwnedFd>,
    /// Where the other end of the connection is, if there is one.
    pub peer: Option<SocketAddr>,
}

/// A port that nobody has on any address, below those that the kernel gives to clients and those
/// that rules takes. It is looked up and not bound: a process that another thread forks would hold it on.
pub fn fresh_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 16 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 2000 + (number % 7000) as u16;
        if !is_listed(port) {
            return port;
        }
    }
}

/// A socket bound to `address`, with SO_REUSEADDR or without. An IPv6 one is not v6only.
pub fn bind_socket(address: SocketAddr, option: bool) -> io::Result<OwnedFd> {
    let s = open_socket(address)?;
    set_option(&s, libc::SOL_SOCKET, libc::SO_REUSEADDR, option.into())?;
    let (storage, length) = raw(address);
    // SAFETY: the kernel reads a socket address where there is one, of that length.
    let z = unsafe { libc::bind(s.as_raw_fd(), (&raw const storage).cast(), length) };
    checked(z).map(|_| s)
}

/// Puts a socket in `state` on `address`, with SO_REUSEADDR or without.
pub fn hold(state: &str, address: SocketAddr, option: bool) -> io::Result<Holder> {
    let s = bind_socket(address, option)?;
    match state {
        "BOUND" => return Ok(alone(s)),
        "CLIENT" => {
            let listener = TcpListener::bind((address.ip(), 0))?;
            let peer = listener.local_addr()?;
            connect(&s, peer)?;
            return Ok(Holder {
                fds: vec![s, listener.accept()?.0.into()],
                peer: Some(peer),
            });
        }
        _ => {}
    }
    // SAFETY: numbers go in, a number comes out.
    checked(unsafe { libc::listen(s.as_raw_fd(), 16) })?;
    if state == "LISTEN" {
        return Ok(alone(s));
    }

    // With little room at the client, fill() is soon done.
    let reach = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let client = small_client((reach, address.port()).into())?;
    let (accepted, peer) = TcpListener::from(s).accept()?;
    Ok(Holder {
        fds: leave(accepted, client, state)?,
        peer: Some(peer),
    })
}

/// A client of `server` that takes little before it has read.
pub fn small_client(server: SocketAddr) -> io::Result<TcpStream> {
    let client = open_socket(server)?;
    set_option(&client, libc::SOL_SOCKET, libc::SO_RCVBUF, 1)?;
    connect(&client, server)?;
    Ok(client.into())
}

fn alone(s: OwnedFd) -> Holder {
    Holder {
        fds: vec![s],
        peer: None,
    }
}

/// Takes `accepted` from ESTABLISHED to `state`; what is still open then.
fn leave(accepted: TcpStream, client: TcpStream, state: &str) -> io::Result<Vec<OwnedFd>> {
    let (local, peer) = (accepted.local_addr()?, accepted.peer_addr()?);
    let wait = |state: &str| {
        wait_for(format!("{state} of {local}"), || {
            let here = |found: &super::Socket| {
                (SocketAddr::from(found.local), SocketAddr::from(found.peer)) == (local, peer)
            };
            let found = sockets().into_iter().find(here).map(|found| found.state);
            (found.unwrap_or("PASSIVE_CLOSED") == state).then_some(())
        })
        .map_err(io::Error::other)
    };

    if state == "ESTABLISHED" {
        return Ok(vec![accepted.into(), client.into()]);
    }
    if ["CLOSE_WAIT", "LAST_ACK", "PASSIVE_CLOSED"].contains(&state) {
        client.shutdown(Shutdown::Write)?;
        wait("CLOSE_WAIT")?;
    }
    if state == "CLOSE_WAIT" {
        return Ok(vec![accepted.into(), client.into()]);
    }
    // What the peer does not read keeps our end back.
    if ["FIN_WAIT1", "CLOSING", "LAST_ACK"].contains(&state) {
        fill(&accepted)?;
    }
    drop(accepted);
    match state {
        "CLOSING" => {
            wait("FIN_WAIT1")?;
            client.shutdown(Shutdown::Write)?;
        }
        "TIME_WAIT" => {
            wait("FIN_WAIT2")?;
            client.shutdown(Shutdown::Write)?;
        }
        _ => {}
    }
    wait(state)?;
    Ok(vec![client.into()])
}

/// Sends as much as goes without waiting.
fn fill(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    while stream.write(&[0; 1 << 16]).is_ok() {}
    Ok(())
}

fn open_socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    // SAFETY: numbers go in, a number comes out.
    let s = checked(unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: s is open, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(s) })
}

/// Sets an int option of a socket.
pub fn set_option(s: &impl AsRawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the kernel reads an int where there is one, and its size is said.
    let z = unsafe {
        libc::setsockopt(
            s.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            length,
        )
    };
    checked(z).map(|_| ())
}

fn connect(s: &OwnedFd, to: SocketAddr) -> io::Result<()> {
    let (storage, length) = raw(to);
    // SAFETY: the kernel reads a socket address where there is one, of that length.
    let z = unsafe { libc::connect(s.as_raw_fd(), (&raw const storage).cast(), length) };
    checked(z).map(|_| ())
}

/// `address` as the kernel reads it, and how long that is.
fn raw(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: it is integers and arrays of them: all zeros is a value of it.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    match address {
        SocketAddr::V4(v4) => {
            let to = (&raw mut storage).cast::<libc::sockaddr_in>();
            let value = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr {
                    s_addr: u32::from(*v4.ip()).to_be(),
                },
                sin_zero: [0; 8],
            };
            // SAFETY: storage has room for every address, aligned as any.
            unsafe { to.write(value) };
            (storage, size_of_val(&value) as libc::socklen_t)
        }
        SocketAddr::V6(v6) => {
            let to = (&raw mut storage).cast::<libc::sockaddr_in6>();
            let value = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr {
                    s6_addr: v6.ip().octets(),
                },
                sin6_scope_id: 0,
            };
            // SAFETY: storage has room for every address, aligned as any.
            unsafe { to.write(value) };
            (storage, size_of_val(&value) as libc::socklen_t)
        }
    }
}

fn checked(z: i32) -> io::Result<i32> {
    match z {
        -1 => Err(io::Error::last_os_error()),
        z => Ok(z),
    }
}
