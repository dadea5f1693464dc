//! Pairs that look up, pass and read addresses: listen and connect.

use crate::pairs::*;
use crate::support::*;
use libc::{sockaddr_in, socklen_t};
use std::cell::Cell;
use std::mem;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

#[test]
fn listen_sets_the_option_binds_and_prints_the_addresses_of_clients() {
    let port = &*fresh_port().to_string();
    let listen = |ip: &str, args: &[&str]| {
        let outcome = run_pair("", "listen", args, |run| {
            run.makes(1, "listen(")?;
            for _ in 0..2 {
                let client = TcpStream::connect(format!("{ip}:{port}")).map_err(text)?;
                let address = client.local_addr().map_err(text)?;
                run.name(address.port(), "CLIENT");
                run.prints(&format!("client {address}"))?;
            }
            run.stop()
        });
        let stdout = format!("client {ip}:CLIENT\n").repeat(2);
        outcome.prints(&stdout, "", "signal: 15 (SIGTERM)")
    };
    let accepted = "accept(3, {sa_family=AF_INET, sin_port=htons(CLIENT), \
        sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16]) = 4";
    listen("127.0.0.1", &[port]).calls(&[
        "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3",
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        &format!("bind(3, {{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"0.0.0.0\")}}, 16) = 0"),
        &format!("listen(3, {}) = 0", libc::SOMAXCONN),
        accepted,
        "close(4) = 0",
        accepted,
        "close(4) = 0",
    ]);
    if has_ipv6() {
        listen("[::1]", &[port, "::1"]).calls(&["socket(AF_INET6, ", "bind(3, "]);
    }
}

#[test]
fn the_option_frees_an_address_only_if_it_is_set_alone_and_before_bind() {
    let address = fresh_address();
    let _holder = hold("TIME_WAIT", address.into(), true).unwrap();
    let args = ["9099", &*address.ip().to_string()];
    let stop = |run: &mut Run| run.makes(1, "listen(").and_then(|()| run.stop());
    run_pair("", "listen", &args, stop).prints("", "", "signal: 15 (SIGTERM)");
    let set = "    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);\n";
    let later = format!("{set}    freeaddrinfo");
    let both = [("SO_REUSEADDR, &on", "SO_REUSEADDR | SO_REUSEPORT, &on")];
    for (wrong, call) in [
        (&[(set, ""), ("    freeaddrinfo", &later)][..], "bind("),
        (&both, "setsockopt(3, SOL_SOCKET, SO_REUSEPORT, [1]"),
    ] {
        let outcome = run_wrong_form("", "listen", wrong, &args, |_| Ok(()));
        let error = "listen: bind 9099: Address already in use\n";
        outcome.prints("", error, "exit status: 1").calls(&[call]);
    }
}

#[test]
fn without_sock_cloexec_a_command_keeps_the_port_of_a_server_that_was_killed() {
    let address = fresh_address();
    let args = ["9099", &*address.ip().to_string()];
    let step = "    for (;;) {\n";
    let command = "    if (vfork() == 0)\n        execlp(\"cat\", \"cat\", NULL);\n";
    let command = format!("{command}{step}");
    let restarts = Cell::new(false);
    let session = |run: &mut Run| {
        run.makes(1, "vfork(")?;
        send_signal(run.pid(), libc::SIGKILL)?;
        run.program.process.wait().map_err(text)?;
        restarts.set(hold("LISTEN", address.into(), true).is_ok());
        Ok(())
    };
    let change = (step, &*command);
    let killed = "signal: 9 (SIGKILL)";
    run_wrong_form("", "listen", &[change], &args, session).prints("", "", killed);
    assert!(restarts.get());
    let wrong = [change, (" | SOCK_CLOEXEC", "")];
    run_wrong_form("", "listen", &wrong, &args, session).prints("", "", killed);
    assert!(!restarts.get());
}

#[test]
fn connect_tries_each_address_for_a_second() {
    let connect = |args: [&str; 2]| run_pair("", "connect", &args, |_| Ok(()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = &*listener.local_addr().unwrap().port().to_string();
    let refused = [
        "fcntl(3, F_GETFL) = POINTER (flags O_RDWR)",
        "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
        "connect(3, {sa_family=AF_INET",
        "poll([{fd=3, events=POLLOUT}], 1, 1000) = 1 ([{fd=3, revents=POLLOUT|POLLERR|POLLHUP}])",
        "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0",
        "close(3) = 0",
    ];
    let established = "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0";
    let stdout = format!("connected to 127.0.0.1 {port}\n");
    let outcome = connect(["127.0.0.1", port]).prints(&stdout, "", "exit status: 0");
    outcome.calls(&[established]);

    let [address, full] = [fresh_address(), fresh_address()];
    let socket = bind_socket(full.into(), true).unwrap();
    listen(&socket, 0).unwrap();
    // The queue has room for one connection. The kernel drops the next request.
    let _first = small_client(full.into()).unwrap();
    let timeout = ["poll([{fd=3, events=POLLOUT}], 1, 1000) = 0 (Timeout)"];
    for (address, reason, calls) in [
        (address, "Connection refused", &refused[..]),
        (full, "Connection timed out", &timeout),
    ] {
        let ip = address.ip().to_string();
        let stderr = format!("connect: connect {ip} 9099: {reason}\n");
        let outcome = connect([&ip, "9099"]).prints("", &stderr, "exit status: 1");
        outcome.calls(calls);
    }
    // The walk of the list, in which ::1 is before 127.0.0.1.
    let outcome = connect(["localhost", port]);
    if has_ipv6() && outcome.calls[0].starts_with("socket(AF_INET6") {
        outcome.calls(
            &[
                &refused[..],
                &["connect(3, {sa_family=AF_INET, ", established],
            ]
            .concat(),
        );
    }
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
    let peers = [&address, &address]; // as many bytes as an address
    let [peer, _] = peers;
    let size = size_of_val(peer) as socklen_t;
    let right = (&raw const *peer).cast();
    assert_eq!(connect(right, size), Ok(0));
    let wrong = connect((&raw const peers).cast(), size);
    assert_eq!(wrong, Err(libc::EAFNOSUPPORT));
    #[allow(clippy::size_of_ref)] // it warns
    let size = size_of_val(&peer) as socklen_t;
    assert_eq!(connect(right, size), Err(libc::EINVAL));
}
