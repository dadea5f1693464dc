//! Pairs that look up, pass and read addresses: listen, connect and udp.

use crate::pairs::*;
use crate::support::*;
use libc::{sockaddr_in, socklen_t};
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

/// Connects to `listen`, and waits until it prints the address of this client.
fn visit(run: &mut Run, server: SocketAddr) -> Result<()> {
    let client = TcpStream::connect_timeout(&server, deadline()).map_err(text)?;
    let address = client.local_addr().map_err(text)?;
    run.name(address.port(), "CLIENT");
    run.prints(&format!("client {address}"))
}

#[test]
fn listen_sets_the_option_binds_and_prints_the_addresses_of_clients() {
    let port = fresh_port();
    let outcome = run_pair("listen", &[&port.to_string()], |run| {
        run.prints(&format!("listening on port {port}"))?;
        visit(run, (Ipv4Addr::LOCALHOST, port).into())?;
        visit(run, (Ipv4Addr::LOCALHOST, port).into())?;
        run.stop()
    });
    let client = "client 127.0.0.1:CLIENT\n";
    let stdout = format!("listening on port {port}\n{client}{client}");
    let accepted = "accept(3, {sa_family=AF_INET, sin_port=htons(CLIENT), \
        sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16]) = 4";
    outcome.prints(&stdout, "", "signal: 15 (SIGTERM)").calls(&[
        "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3",
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        &format!("bind(3, {{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"0.0.0.0\")}}, 16) = 0"),
        &format!("listen(3, {}) = 0", libc::SOMAXCONN),
        accepted,
        "close(4) = 0",
        accepted,
        "close(4) = 0",
    ]);
}

#[test]
fn listen_goes_on_to_the_next_address_and_reports_errors() {
    let port = &*fresh_port().to_string();
    if has_ipv6() {
        let first = "-e inject=setsockopt:error=EPERM:when=1";
        let outcome = run_pair_injecting(first, "listen", &[port], |run| {
            run.prints(&format!("listening on port {port}"))?;
            visit(run, format!("[::1]:{port}").parse().unwrap())?;
            run.stop()
        });
        let stdout = format!("listening on port {port}\nclient [::1]:CLIENT\n");
        let outcome = outcome.prints(&stdout, "", "signal: 15 (SIGTERM)");
        outcome.calls(&["close(3) = 0", "socket(AF_INET6", "setsockopt", "bind(3"]);
    }
    for (injection, port, error) in [
        (
            "-e inject=bind:error=EACCES",
            port,
            "bind PORT: Permission denied",
        ),
        (
            "-e inject=listen:error=EINVAL",
            port,
            "listen PORT: Invalid argument",
        ),
        (
            "",
            "no-service",
            "getaddrinfo PORT: Servname not supported for ai_socktype",
        ),
    ] {
        let outcome = run_pair_injecting(injection, "listen", &[port], |_| Ok(()));
        let stderr = format!("listen: {}\n", error.replace("PORT", port));
        outcome.prints("", &stderr, "exit status: 1");
    }
}

#[test]
fn connect_tries_each_address_and_reports_the_last_error() {
    let port = fresh_port();
    let connect = |args: &[&str]| run_pair("connect", args, |_| Ok(()));
    let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let outcome = connect(&[&port.to_string()]);
    let outcome = outcome.prints(
        &format!("connected to localhost {port}\n"),
        "",
        "exit status: 0",
    );
    let refused = [
        "fcntl(3, F_GETFL) = POINTER (flags O_RDWR)",
        "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
        "connect(3, {sa_family=AF_INET",
        "poll([{fd=3, events=POLLOUT}], 1, 1000) = 1 ([{fd=3, revents=POLLOUT|POLLERR|POLLHUP}])",
        "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0",
        "close(3) = 0",
    ];
    let established = [
        "connect(3, {sa_family=AF_INET, ",
        "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
    ];
    outcome.calls(&[if has_ipv6() { &refused[..] } else { &[] }, &established].concat());

    let [address, full] = [fresh_address(), fresh_address()];
    let socket = bind_socket(full.into(), true).unwrap();
    listen(&socket, 0).unwrap();
    // The queue has room for one connection. The kernel drops the next request.
    let _first = small_client(full.into()).unwrap();
    for (address, reason, calls) in [
        (address, "Connection refused", &refused[..]),
        (
            full,
            "Connection timed out",
            &["poll([{fd=3, events=POLLOUT}], 1, 1000) = 0 (Timeout)"],
        ),
    ] {
        let [host, port] = [address.ip().to_string(), address.port().to_string()];
        let stderr = format!("connect: connect {host} {port}: {reason}\n");
        connect(&[&port, &host])
            .prints("", &stderr, "exit status: 1")
            .calls(calls);
    }
    let stderr =
        "connect: getaddrinfo 127.0.0.1 no-service: Servname not supported for ai_socktype\n";
    connect(&["no-service", "127.0.0.1"]).prints("", stderr, "exit status: 1");
}

#[test]
fn udp_prints_who_replies_or_that_nobody_does() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    let peer = UdpSocket::bind(address).unwrap();
    peer.set_read_timeout(Some(deadline())).unwrap();
    let ask = |reply: Option<&str>| {
        run_pair("udp", &[ip], |run| {
            run.program.type_in("ping")?;
            let (_, client) = peer.recv_from(&mut [0; 9]).map_err(text)?;
            let sent = reply.map(|reply| peer.send_to(reply.as_bytes(), client));
            sent.transpose().map(|_| ()).map_err(text)
        })
    };
    let name = format!("{{sa_family=AF_INET, sin_port=htons(9099), sin_addr=inet_addr(\"{ip}\")}}");
    let sent = format!("sendto(3, \"ping\", 4, 0, {name}, 16) = 4");
    let stdout = format!("{ip}:9099 replies with 6 bytes\n");
    ask(Some("longer"))
        .prints(&stdout, "", "exit status: 0")
        .calls(&[
            "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, \"\\1\\0\\0\\0\\0\\0\\0\\0\\0",
            &sent,
            &format!("recvfrom(3, \"longer\", 1024, 0, {name}, [16]) = 6"),
        ]);
    let reason = "Resource temporarily unavailable";
    let stderr = format!("udp: read, sendto or recvfrom {ip}: {reason}\n");
    ask(None)
        .prints("", &stderr, "exit status: 1")
        .calls(&[&sent, "recvfrom("]);
}

#[test]
fn the_address_and_the_size_of_a_reference_are_not_those_of_the_structure() {
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let connect = |name, len| {
        // SAFETY: `name` points to at least `len` bytes.
        let z = unsafe { libc::connect(socket.as_raw_fd(), name, len) };
        checked(z).map_err(|error| error.raw_os_error().unwrap())
    };
    let size = size_of::<sockaddr_in>() as socklen_t;
    let peers = [&address, &address]; // as many bytes as an address
    let [peer, _] = peers;
    assert_eq!(
        connect((&raw const *peer).cast(), size_of_val(peer) as socklen_t),
        Ok(0)
    );
    assert_eq!(
        connect((&raw const peers).cast(), size),
        Err(libc::EAFNOSUPPORT)
    );
    #[allow(clippy::size_of_ref)] // it warns
    let size_of_reference = size_of_val(&peer) as socklen_t;
    assert_eq!(
        connect((&raw const *peer).cast(), size_of_reference),
        Err(libc::EINVAL)
    );
}
