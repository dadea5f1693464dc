//! Pairs that wait for several descriptors at once: chat, select and epoll. What all pairs report.

use crate::pairs::*;
use crate::support::*;

fn send(mut stream: &TcpStream, words: &str) -> Result<()> {
    stream.write_all(words.as_bytes()).map_err(text)
}

fn receive(mut stream: &TcpStream, words: &str) -> Result<()> {
    let mut bytes = vec![0; words.len()];
    let read = stream.read_exact(&mut bytes).map_err(text);
    read.map(|()| assert_eq!(bytes, words.as_bytes()))
}

/// Suspends a program that is blocked, as a shell does, and continues it after `session`.
fn suspend(run: &Run, session: impl FnOnce() -> Result<()>) -> Result<()> {
    run.blocks()?;
    send_signal(run.pid(), libc::SIGSTOP)?;
    run.makes(1, "stopped by SIGSTOP")?;
    session()?;
    send_signal(run.pid(), libc::SIGCONT)
}

#[test]
fn chat_sends_to_the_others_and_survives_a_client_that_has_closed() {
    let address = fresh_address();
    let outcome = run_pair("", "chat", &[&address.ip().to_string()], |run| {
        run.makes(1, "listen(3, 4096) = 0")?;
        let [first, second, third] = [4, 5, 6].map(|_| Client::connect(address).unwrap());
        run.makes(1, "accept(3, NULL, NULL) = 6")?;
        send(&first.stream, "one")?;
        receive(&second.stream, "one")?;
        receive(&third.stream, "one")?;
        run.makes(5, "poll([{fd=3")?;
        // One poll reports that all three can be read.
        suspend(run, || {
            send(&second.stream, "two")?;
            send(&third.stream, "three")?;
            let end = first.address;
            first.reset()?;
            wait_until("end of the first", || find_socket(address, end).is_none())
        })?;
        receive(&second.stream, "three")?;
        receive(&third.stream, "two")?;
        run.stop()
    });
    outcome.prints("", "", "signal: 15 (SIGTERM)").calls(
        r#"setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
        bind(3,
        listen(3, 4096) = 0
        poll([{fd=3, events=POLLIN}], 1, -1) = 1
        sendto(5, "one", 3, MSG_DONTWAIT|MSG_NOSIGNAL, NULL, 0) = 3
        recvfrom(6, "three", 1024, 0, NULL, NULL) = 5
        sendto(4, "three", 5, MSG_DONTWAIT|MSG_NOSIGNAL, NULL, 0) = -1 ECONNRESET
        recvfrom(5, "two", 1024, 0, NULL, NULL) = 3
        sendto(4, "two", 3, MSG_DONTWAIT|MSG_NOSIGNAL, NULL, 0) = -1 EPIPE
        close(4) = 0
        poll([{fd=3, events=POLLIN}, {fd=6, events=POLLIN}, {fd=5, events=POLLIN}], 3, -1) = ?"#,
    );
}

#[test]
fn select_copies_in_both_directions_until_the_server_closes() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    let listener = TcpListener::bind(address).unwrap();
    let outcome = run_pair("", "select", &[ip], |run| {
        let (server, _) = listener.accept().map_err(text)?;
        server.set_read_timeout(Some(deadline())).map_err(text)?;
        run.program.type_in("one\n")?;
        receive(&server, "one\n")?;
        send(&server, "two\n")?;
        run.line().map(|line| assert_eq!(line, "two"))?;
        drop(run.program.process.stdin.take());
        assert_eq!((&server).read(&mut [0; 9]).map_err(text)?, 0);
        send(&server, "three\n")?;
        run.line().map(|line| assert_eq!(line, "three"))
    });
    outcome.prints("two\nthree\n", "", "exit status: 0").calls(
        r#"connect(3,
        pselect6(4, [0 3], NULL, NULL, NULL, NULL) = 1 (in [0])
        write(3, "one\n", LENGTH) = LENGTH
        pselect6(4, [0 3], NULL, NULL, NULL, NULL) = 1 (in [3])
        write(1, "two\n", LENGTH) = LENGTH
        pselect6(4, [0 3], NULL, NULL, NULL, NULL) = 1 (in [0])
        shutdown(3, SHUT_WR) = 0
        write(1, "three\n", LENGTH) = LENGTH
        read(3, "", 4096) = 0"#,
    );
    // A write of 2 bytes, which strace does not execute.
    run_pair("-e inject=write:retval=2:when=1", "select", &[ip], |run| {
        let (server, _) = listener.accept().map_err(text)?;
        server.set_read_timeout(Some(deadline())).map_err(text)?;
        run.program.type_in("one\n")?;
        receive(&server, "e\n")?;
        drop(server);
        run.program.wait().map(|_| ())
    });
}

#[test]
fn epoll_echoes_all_datagrams_of_one_event_also_after_a_stop() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    let session = |run: &mut Run| {
        run.makes(2, "epoll_ctl(")?;
        let client = UdpSocket::bind((*address.ip(), 0)).map_err(text)?;
        client.set_read_timeout(Some(deadline())).map_err(text)?;
        client.connect(address).map_err(text)?;
        run.program.type_in("ignored\n")?;
        run.makes(2, "epoll_wait(")?;
        let send = |words: &str| client.send(words.as_bytes()).map(|_| ()).map_err(text);
        suspend(run, || send("one").and_then(|()| send("second")))?;
        let mut bytes = [0; 9];
        for length in [3, 6] {
            assert_eq!(client.recv(&mut bytes).map_err(text)?, length);
        }
        run.blocks()
    };
    let outcome = run_pair("", "epoll", &[ip], session);
    let calls = r#"socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_IP) = 3
        bind(3, {sa_family=AF_INET, sin_port=htons(9099), sin_addr=inet_addr("IP")}, 16) = 0
        epoll_create1(EPOLL_CLOEXEC) = 4
        epoll_ctl(4, EPOLL_CTL_ADD, 0, {events=EPOLLIN, data={u32=0, u64=0}}) = 0
        epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
        read(0, "ignored\n", 2048) = 8
        epoll_wait(4, POINTER, 1, -1) = -1 EINTR
        recvfrom(3, "one", 2048, 0, {sa_family=AF_INET, sin_port=htons(PORT1), sin_addr=inet_addr("IP")}, [16]) = 3
        sendto(3, "one", 3, 0, {sa_family=AF_INET, sin_port=htons(PORT1), sin_addr=inet_addr("IP")}, 16) = 3
        sendto(3, "second", 6, 0,
        recvfrom(3, POINTER, 2048, 0, POINTER, [16]) = -1 EAGAIN
        read(0, "", 2048) = 0"#;
    let outcome = outcome.prints("", "", "exit status: 0");
    outcome.calls(&calls.replace("IP\"", &format!("{ip}\"")));
    let wrong = [("count == -1 && errno != EINTR", "count == -1")];
    let outcome = run_wrong_form("", "epoll", &wrong, &[ip], |run| {
        run.makes(1, "epoll_wait(")?;
        suspend(run, || Ok(()))
    });
    outcome.fails("epoll: epoll_wait: Interrupted system call");
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
    this.args(["--exact", name]).env(variable, "1");
    prepare_child(&mut this);
    assert_eq!(this.output().unwrap().status.signal(), Some(libc::SIGABRT));
}

/// Failures: the program and its arguments; the call that fails; what the error names.
const FAILURES: &str = "\
    listen::usage: listen PORT [HOST], connect::usage: connect HOST PORT, chat::usage: chat ADDRESS
    select::usage: select ADDRESS, epoll::usage: epoll ADDRESS, handover::usage: handover PATH [FILE]
    daemon::usage: daemon COMMAND [ARG]..., options::usage: options MILLISECONDS
    listen 9098:bind:bind 9098: DENIED, listen 9098:listen:listen 9098: DENIED
    listen none::getaddrinfo none: UNKNOWN, connect 127.0.0.1 none::getaddrinfo 127.0.0.1 none: UNKNOWN
    chat IP:socket:socket: DENIED, chat IP:bind:bind IP: DENIED, chat IP:listen:listen IP: DENIED
    select IP:socket:socket: DENIED, select IP:connect:connect IP: DENIED
    epoll IP:socket:socket: DENIED, epoll IP:bind:bind IP: DENIED, epoll IP:epoll_ctl:epoll_ctl 0: DENIED
    handover s:socket:socket: DENIED, handover s:bind:bind s: DENIED, handover s:recvmsg:recvmsg s: DENIED
    daemon true:clone:fork: DENIED, options 1:socket:socket: DENIED, options 1:setsockopt:setsockopt 2: DENIED";

#[test]
fn an_error_names_the_program_the_call_the_address_and_the_reason() {
    let failures = FAILURES.replace("\n    ", ", ");
    let failures = failures.replace("UNKNOWN", "Servname not supported for ai_socktype");
    let failures = failures.replace("DENIED", "Permission denied");
    let ip = fresh_address().ip().to_string();
    for failure in failures.replace("IP", &ip).split(", ") {
        let (words, failure) = failure.split_once(':').unwrap();
        let (call, error) = failure.split_once(':').unwrap();
        let mut args = words.split(' ');
        let (name, args) = (args.next().unwrap(), args.collect::<Vec<_>>());
        let fail = format!("-e inject={call}:error=EACCES");
        let fail = if call.is_empty() { "" } else { &fail };
        run_pair(fail, name, &args, |_| Ok(())).fails(&format!("{name}: {error}"));
    }
}
