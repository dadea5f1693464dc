//! Pairs that look up, pass and read addresses: listen and connect.

use crate::pairs::*;
use crate::support::*;
use std::cell::Cell;

#[test]
fn listen_sets_the_option_binds_and_prints_the_addresses_of_clients() {
    let port = &*fresh_port().to_string();
    let listen = |ip: &str, args: &[&str], calls: &str| {
        let outcome = run_pair("", "listen", args, |run| {
            run.makes(1, "listen(3, 4096) = 0")?;
            for _ in 0..2 {
                let client = TcpStream::connect(format!("{ip}:{port}")).map_err(text)?;
                let address = client.local_addr().map_err(text)?;
                run.trace.name(address.port(), "CLIENT");
                assert_eq!(run.line()?, format!("client {address}"));
            }
            run.stop()
        });
        let stdout = format!("client {ip}:CLIENT\n").repeat(2);
        let outcome = outcome.prints(&stdout, "", "signal: 15 (SIGTERM)");
        outcome.calls(&calls.replace("PORT", port));
    };
    let calls = r#"socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3
        setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
        bind(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
        listen(3, 4096) = 0
        accept(3, {sa_family=AF_INET, sin_port=htons(CLIENT), sin_addr=inet_addr("127.0.0.1")}, [128 => 16]) = 4
        close(4) = 0
        accept(3, {sa_family=AF_INET, sin_port=htons(CLIENT), sin_addr=inet_addr("127.0.0.1")}, [128 => 16]) = 4"#;
    listen("127.0.0.1", &[port], calls);
    if has_ipv6() {
        listen("[::1]", &[port, "::1"], "socket(AF_INET6, ");
    }
}

#[test]
fn the_option_frees_an_address_only_if_it_is_set_alone_and_before_bind() {
    let address = fresh_address();
    let _holder = hold("TIME_WAIT", address.into(), true).unwrap();
    let args = ["9099", &*address.ip().to_string()];
    let stop = |run: &mut Run| run.makes(1, "accept(3").and_then(|()| run.stop());
    run_pair("", "listen", &args, stop).prints("", "", "signal: 15 (SIGTERM)");
    let set = "    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);\n";
    let later = format!("{set}    freeaddrinfo");
    let both = [("SO_REUSEADDR, &on", "SO_REUSEADDR | SO_REUSEPORT, &on")];
    for wrong in [&[(set, ""), ("    freeaddrinfo", &later)][..], &both] {
        let outcome = run_wrong_form("", "listen", wrong, &args, |_| Ok(()));
        outcome.fails("listen: bind 9099: Address already in use");
    }
}

#[test]
fn without_sock_cloexec_a_command_keeps_the_port_of_a_server_that_was_killed() {
    let address = fresh_address();
    let args = ["9099", &*address.ip().to_string()];
    let step = "    for (;;) {\n";
    let command = format!("    if (vfork() == 0) execlp(\"cat\", \"cat\", NULL);\n{step}");
    let restarts = Cell::new(false);
    let session = |run: &mut Run| {
        run.makes(1, "vfork() = ")?;
        send_signal(run.pid(), libc::SIGKILL)?;
        run.program.wait()?; // Child::wait would close stdin
        restarts.set(hold("LISTEN", address.into(), true).is_ok());
        Ok(())
    };
    for (flag, expected) in [(" | SOCK_CLOEXEC", true), ("", false)] {
        let changes = [(step, &*command), (" | SOCK_CLOEXEC", flag)];
        run_wrong_form("", "listen", &changes, &args, session);
        assert_eq!(restarts.get(), expected);
    }
}

#[test]
fn connect_tries_each_address_for_a_second() {
    let [address, other, full] = [fresh_address(), fresh_address(), fresh_address()];
    let _listener = TcpListener::bind(address).unwrap();
    let socket = bind_socket(full.into(), true).unwrap();
    listen(&socket, 0).unwrap();
    // The queue has room for one connection. The kernel drops the next request.
    let _first = small_client(full.into()).unwrap();
    let refused = "fcntl(3, F_GETFL) = POINTER (flags O_RDWR)
        fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
        connect(3, {sa_family=AF_INET
        poll([{fd=3, events=POLLOUT}], 1, 1000) = 1 ([{fd=3, revents=POLLOUT|POLLERR|POLLHUP}])
        getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
        close(3) = 0";
    let established = "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0";
    let timeout = "poll([{fd=3, events=POLLOUT}], 1, 1000) = 0 (Timeout)";
    for (address, reason, calls) in [
        (address, "", established),
        (other, "Connection refused", refused),
        (full, "Connection timed out", timeout),
    ] {
        let ip = &*address.ip().to_string();
        let outcome = run_pair("", "connect", &[ip, "9099"], |_| Ok(())).calls(calls);
        if reason.is_empty() {
            let stdout = format!("connected to {ip} 9099\n");
            outcome.prints(&stdout, "", "exit status: 0");
        } else {
            outcome.fails(&format!("connect: connect {ip} 9099: {reason}"));
        }
    }
    // localhost is ::1, if there is IPv6, and 127.0.0.1.
    let port = fresh_port();
    let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let port = &*port.to_string();
    let outcome = run_pair("", "connect", &["localhost", port], |_| Ok(()));
    let stdout = format!("connected to localhost {port}\n");
    let outcome = outcome.prints(&stdout, "", "exit status: 0");
    outcome.calls("connect(3, {sa_family=AF_INET, ");
}

#[test]
fn the_address_and_the_size_of_a_reference_are_not_those_of_the_structure() {
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: libc::sockaddr_in = unsafe { mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let connect = |name, len: usize| {
        // SAFETY: `name` points to at least `len` bytes.
        let z = unsafe { libc::connect(socket.as_raw_fd(), name, len as libc::socklen_t) };
        checked(z).map_err(|error| error.raw_os_error().unwrap())
    };
    let peers = [&address, &address]; // as many bytes as an address
    let peer = peers[0];
    let right = (&raw const *peer).cast();
    assert_eq!(connect(right, size_of_val(peer)), Ok(0));
    let wrong = connect((&raw const peers).cast(), size_of_val(peer));
    assert_eq!(wrong, Err(libc::EAFNOSUPPORT));
    #[allow(clippy::size_of_ref)] // it warns
    let size = size_of_val(&peer);
    assert_eq!(connect(right, size), Err(libc::EINVAL));
}
