//! Pairs that wait for several descriptors at once: chat and select.

use crate::pairs::*;
use crate::support::*;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::{env, mem};

fn send(mut stream: &TcpStream, words: &str) -> Result<()> {
    stream.write_all(words.as_bytes()).map_err(text)
}

fn receive(mut stream: &TcpStream, words: &str) -> Result<()> {
    let mut bytes = vec![0; words.len()];
    stream.read_exact(&mut bytes).map_err(text)?;
    let wrong = || format!("{bytes:?} for {words}");
    (bytes == words.as_bytes()).then_some(()).ok_or_else(wrong)
}

#[test]
fn chat_sends_to_the_others_and_survives_a_client_that_has_closed() {
    let address = fresh_address();
    let outcome = run_pair("chat", &[&address.ip().to_string()], |run| {
        run.prints(&format!("listening on {}", address.ip()))?;
        let connect = |fd| -> Result<Client> {
            let client = Client::connect(address).map_err(text)?;
            let accepted = run.makes(1, &format!("accept(3, NULL, NULL) = {fd}"));
            accepted.map(|()| client)
        };
        let (first, second, third) = (connect(4)?, connect(5)?, connect(6)?);
        send(&first.stream, "one")?;
        receive(&second.stream, "one")?;
        receive(&third.stream, "one")?;
        // One poll reports that all three can be read.
        run.blocks()?;
        send_signal(run.pid(), libc::SIGSTOP)?;
        wait_for_stop(run.pid())?;
        send(&second.stream, "two")?;
        send(&third.stream, "three")?;
        let peer = first.address;
        first.reset()?;
        wait_until("end of the first", || find_socket(address, peer).is_none())?;
        send_signal(run.pid(), libc::SIGCONT)?;
        receive(&second.stream, "three")?;
        receive(&third.stream, "two")?;
        send(&second.stream, "four")?;
        receive(&third.stream, "four")?;
        run.stop()
    });
    let stdout = format!("listening on {}\n", address.ip());
    outcome.prints(&stdout, "", "signal: 15 (SIGTERM)").calls(&[
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        "bind(3, ",
        &format!("listen(3, {}) = 0", libc::SOMAXCONN),
        "poll([{fd=3, events=POLLIN}], 1, -1) = 1",
        "sendto(5, \"one\", 3, MSG_NOSIGNAL, NULL, 0) = 3",
        "recvfrom(6, \"three\", 1024, 0, NULL, NULL) = 5",
        "sendto(4, \"three\", 5, MSG_NOSIGNAL, NULL, 0) = -1 ECONNRESET",
        "recvfrom(5, \"two\", 1024, 0, NULL, NULL) = 3",
        "sendto(4, \"two\", 3, MSG_NOSIGNAL, NULL, 0) = -1 EPIPE",
        "close(4) = 0",
        "poll([{fd=3, events=POLLIN}, {fd=6, events=POLLIN}, {fd=5, events=POLLIN}], 3, -1) = 1",
    ]);
}

#[test]
fn select_copies_in_both_directions_until_the_server_closes() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    let listener = TcpListener::bind(address).unwrap();
    let outcome = run_pair("select", &[ip], |run| {
        let (server, _) = listener.accept().map_err(text)?;
        server.set_read_timeout(Some(deadline())).map_err(text)?;
        run.program.type_in("one\n")?;
        receive(&server, "one\n")?;
        send(&server, "two\n")?;
        run.prints("two")?;
        drop(run.program.process.stdin.take());
        assert_eq!((&server).read(&mut [0; 9]).map_err(text)?, 0);
        send(&server, "three\n")?;
        run.prints("three")
    });
    outcome
        .prints("two\nthree\n", "", "exit status: 0")
        .calls(&[
            "connect(3, ",
            "pselect6(4, [0 3], NULL, NULL, NULL, NULL) = 1 (in [0])",
            "write(3, \"one\\n\", LENGTH) = LENGTH",
            "pselect6(4, [0 3], NULL, NULL, NULL, NULL) = 1 (in [3])",
            "write(1, \"two\\n\", LENGTH) = LENGTH",
            "pselect6(4, [0 3], NULL, NULL, NULL, NULL) = 1 (in [0])",
            "shutdown(3, SHUT_WR) = 0",
            "pselect6(4, [3], NULL, NULL, NULL, NULL) = 1 (in [3])",
            "write(1, \"three\\n\", LENGTH) = LENGTH",
            "read(3, \"\", 4096) = 0",
        ]);

    let too_large = "-e inject=socket:retval=1024";
    let outcome = run_pair_injecting(too_large, "select", &[ip], |_| Ok(()));
    let stderr = "select: socket: descriptor 1024 is too large\n";
    outcome.prints("", stderr, "exit status: 1");
}

#[test]
fn poll_reports_the_end_of_a_pipe_without_being_asked_and_without_pollin() {
    let (reader, writer) = io::pipe().unwrap();
    drop(writer);
    let (fd, events, revents) = (reader.as_raw_fd(), libc::POLLIN, 0);
    let mut fd = libc::pollfd {
        fd,
        events,
        revents,
    };
    // SAFETY: `fd` is one pollfd.
    assert_eq!(unsafe { libc::poll(&raw mut fd, 1, -1) }, 1);
    assert_eq!(fd.revents, libc::POLLHUP);
}

#[test]
fn fd_set_aborts_in_rust_where_c_writes_past_the_end() {
    let name = "waiting::fd_set_aborts_in_rust_where_c_writes_past_the_end";
    let variable = "FD_SET";
    if env::var_os(variable).is_some() {
        // SAFETY: fd_set is an array of integers, for which zero is valid.
        let mut set: libc::fd_set = unsafe { mem::zeroed() };
        // SAFETY: FD_SET checks the descriptor.
        unsafe { libc::FD_SET(libc::FD_SETSIZE as i32, &raw mut set) };
    }
    let mut this = Command::new(env::current_exe().unwrap());
    this.args(["--exact", name])
        .env(variable, "1")
        .env("RUST_BACKTRACE", "0");
    prepare_child(&mut this);
    assert_eq!(this.output().unwrap().status.signal(), Some(libc::SIGABRT));
}

#[test]
fn an_error_names_the_address_and_wrong_usage_exits_with_2() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    let _holder = hold("LISTEN", address.into(), false).unwrap();
    for (name, usage) in [
        ("listen", "PORT"),
        ("connect", "PORT [HOST]"),
        ("reap", "ADDRESS"),
        ("chat", "ADDRESS"),
        ("select", "ADDRESS"),
        ("udp", "ADDRESS"),
        ("unix", "PATH"),
        ("handover", "FILE"),
        ("epoll", "ADDRESS"),
        ("daemon", "ADDRESS PIDFILE"),
        ("exec", "ADDRESS COMMAND [ARG]..."),
        ("options", "ADDRESS MILLISECONDS"),
    ] {
        let stderr = format!("usage: {name} {usage}\n");
        run_pair(name, &[], |_| Ok(())).prints("", &stderr, "exit status: 2");
    }
    for name in ["reap", "chat", "epoll", "daemon", "exec"] {
        let stderr = format!("{name}: bind or listen {ip}: Address already in use\n");
        run_pair(name, &[ip, "none"], |_| Ok(())).prints("", &stderr, "exit status: 1");
    }
}
