//! Sockets of this process, in every state in which a socket can hold a port.

use super::*;
use std::net::IpAddr;

/// Keeps a socket in its state until it is dropped.
pub struct Holder {
    /// The descriptors of the socket and of its peer.
    pub fds: Vec<OwnedFd>,
}

/// A port that no socket uses, below the ephemeral range and the ports of `rules`. It reads the kernel's table
/// and binds no socket, since a process that another thread forks could keep that socket open.
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

/// A socket bound to `address`, with SO_REUSEADDR if `option`, and without IPV6_V6ONLY.
pub fn bind_socket(address: SocketAddr, option: bool) -> io::Result<OwnedFd> {
    let s = open_socket(address)?;
    set_option(&s, libc::SOL_SOCKET, libc::SO_REUSEADDR, i32::from(option))?;
    bind(s, address)
}

/// A socket bound to `address`, with the given option set to 1.
pub fn bind_with(level: i32, name: i32, address: SocketAddr) -> io::Result<OwnedFd> {
    let s = open_socket(address)?;
    set_option(&s, level, name, 1_i32)?;
    bind(s, address)
}

/// A socket bound to `address`, with SO_REUSEADDR and SO_REUSEPORT.
pub fn bind_with_both(address: SocketAddr) -> io::Result<OwnedFd> {
    let s = open_socket(address)?;
    set_option(&s, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1_i32)?;
    set_option(&s, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1_i32)?;
    bind(s, address)
}

fn bind(s: OwnedFd, address: SocketAddr) -> io::Result<OwnedFd> {
    let raw = raw(address);
    let length = raw.len() as libc::socklen_t;
    // SAFETY: `raw` is a socket address of `length` bytes; the kernel copies it, however it is aligned.
    let z = unsafe { libc::bind(s.as_raw_fd(), raw.as_ptr().cast(), length) };
    checked(z).map(|_| s)
}

/// Creates a socket in the TCP state `state` on `address`, with SO_REUSEADDR if `option`. BOUND is a socket that
/// does not listen, CLIENT is a client's in ESTABLISHED, and PASSIVE_CLOSED is a connection that the client
/// closed first, which leaves nothing behind.
pub fn hold(state: &str, address: SocketAddr, option: bool) -> io::Result<Holder> {
    let s = bind_socket(address, option)?;
    let fds = match state {
        "BOUND" => vec![s],
        "CLIENT" => {
            let listener = TcpListener::bind((address.ip(), 0))?;
            connect(&s, listener.local_addr()?)?;
            vec![s, listener.accept()?.0.into()]
        }
        "SYN_SENT" => {
            let full = bind_socket((address.ip(), 0).into(), false)?;
            listen(&full, 0)?;
            let full = TcpListener::from(full);
            // The queue has room for one connection. The kernel drops the next request.
            let first = small_client(full.local_addr()?)?;
            let client = TcpStream::from(s);
            client.set_nonblocking(true)?;
            let client = client.into();
            let _in_progress = connect(&client, full.local_addr()?).unwrap_err();
            vec![client, full.into(), first.into()]
        }
        "SYN_RECV" => {
            // The kernel waits for data before it completes the handshake.
            set_option(&s, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, 60_i32)?;
            listen(&s, 16)?;
            vec![s, small_client(address)?.into()]
        }
        _ => {
            listen(&s, 16)?;
            if state == "LISTEN" {
                vec![s]
            } else {
                // A connect to a wildcard address reaches the loopback address.
                let client = small_client(address)?;
                leave(TcpListener::from(s).accept()?.0, client, state)?
            }
        }
    };
    Ok(Holder { fds })
}

/// A client of `server` with a small receive buffer, which soon makes the server's write block.
pub fn small_client(server: SocketAddr) -> io::Result<TcpStream> {
    let client = open_socket(server)?;
    set_option(&client, libc::SOL_SOCKET, libc::SO_RCVBUF, 1_i32)?;
    connect(&client, server)?;
    Ok(client.into())
}

/// Takes `accepted` from ESTABLISHED to `state`. Returns the descriptors that are still open then.
fn leave(accepted: TcpStream, client: TcpStream, state: &str) -> io::Result<Vec<OwnedFd>> {
    let ends = (accepted.local_addr()?, accepted.peer_addr()?);
    let wait = |state: &str| {
        wait_for(format!("{state} of {}", ends.0), || {
            let ours = |socket: &Socket| (socket.local.into(), socket.peer.into()) == ends;
            let found = sockets().into_iter().find(ours).map(|socket| socket.state);
            (found.unwrap_or("PASSIVE_CLOSED") == state).then_some(())
        })
        .map_err(io::Error::other)
    };

    if ["CLOSE_WAIT", "LAST_ACK", "PASSIVE_CLOSED"].contains(&state) {
        client.shutdown(Shutdown::Write)?;
        wait("CLOSE_WAIT")?;
    }
    if ["ESTABLISHED", "CLOSE_WAIT"].contains(&state) {
        return Ok(vec![accepted.into(), client.into()]);
    }
    // Our FIN is sent only after the data, for which the peer has no room.
    if ["FIN_WAIT1", "CLOSING", "LAST_ACK"].contains(&state) {
        fill(&accepted)?;
    }
    drop(accepted);
    for (last, before) in [("CLOSING", "FIN_WAIT1"), ("TIME_WAIT", "FIN_WAIT2")] {
        if state == last {
            wait(before)?;
            client.shutdown(Shutdown::Write)?;
        }
    }
    wait(state)?;
    Ok(vec![client.into()])
}

/// Sends until the socket buffers are full.
pub fn fill(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    while stream.write(&[0; 1 << 16]).is_ok() {}
    Ok(())
}

fn open_socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers; any argument value is safe.
    owned(unsafe { libc::socket(family(address), kind, 0) })
}

/// A copy of descriptor `fd` of process `pid`.
pub fn copy_of(pid: i32, fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: no pointers; any argument value is safe.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as i32)?;
    // SAFETY: no pointers; any argument value is safe.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) } as i32)
}

/// The new descriptor `z` that a call returns.
fn owned(z: i32) -> io::Result<OwnedFd> {
    // SAFETY: `z` is a new descriptor, and nothing else owns it.
    checked(z).map(|z| unsafe { OwnedFd::from_raw_fd(z) })
}

/// Sets a socket option. Its value is a number or a structure of the C library.
pub fn set_option<T>(s: &impl AsRawFd, level: i32, name: i32, value: T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    let value = (&raw const value).cast();
    // SAFETY: `value` points to a T, and `length` is the size of a T.
    let z = unsafe { libc::setsockopt(s.as_raw_fd(), level, name, value, length) };
    checked(z).map(|_| ())
}

pub fn listen(s: &OwnedFd, backlog: i32) -> io::Result<i32> {
    // SAFETY: no pointers; any argument value is safe.
    checked(unsafe { libc::listen(s.as_raw_fd(), backlog) })
}

pub fn connect(s: &OwnedFd, to: SocketAddr) -> io::Result<()> {
    let to = raw(to);
    let length = to.len() as libc::socklen_t;
    // SAFETY: `to` is a socket address of `length` bytes; the kernel copies it, however it is aligned.
    let z = unsafe { libc::connect(s.as_raw_fd(), to.as_ptr().cast(), length) };
    checked(z).map(|_| ())
}

fn family(address: SocketAddr) -> i32 {
    match address {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    }
}

/// `address` in the layout of sockaddr_in or sockaddr_in6.
fn raw(address: SocketAddr) -> Vec<u8> {
    let family = (family(address) as libc::sa_family_t).to_ne_bytes();
    let port = address.port().to_be_bytes();
    match address.ip() {
        IpAddr::V4(ip) => [&family[..], &port, &ip.octets(), &[0; 8]].concat(),
        IpAddr::V6(ip) => [&family[..], &port, &[0; 4], &ip.octets(), &[0; 4]].concat(),
    }
}

/// The result of a call, or errno if it is -1.
pub fn checked(z: i32) -> io::Result<i32> {
    match z {
        -1 => Err(io::Error::last_os_error()),
        z => Ok(z),
    }
}
