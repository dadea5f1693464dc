//! Pairs that pass descriptors, give them a path, or wait for many of them.

use crate::pairs::*;
use crate::support::*;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

#[test]
fn unix_prints_a_message_and_removes_its_path() {
    let outcome = run_pair("unix", &["s"], |run| {
        let folder = File::open(&run.folder).map_err(text)?;
        // The whole path may be too long for an address.
        let path = format!("/proc/self/fd/{}/s", folder.as_raw_fd());
        let client = UnixDatagram::unbound().map_err(text)?;
        wait_until("bind", || client.send_to(b"message\n", &path).is_ok())?;
        run.prints("message")
    });
    outcome.prints("message\n", "", "exit status: 0").calls(&[
        "socket(AF_UNIX, SOCK_DGRAM, 0) = 3",
        "bind(3, {sa_family=AF_UNIX, sun_path=\"s\"}, 110) = 0",
        "recvfrom(3, \"message\\n\", 4096, 0, NULL, NULL) = 8",
        "unlink(\"s\") = 0",
    ]);
}

#[test]
fn a_path_must_fit_and_so_reuseaddr_does_not_free_one_that_exists() {
    let [empty, longest, too_long] = [0, 107, 108].map(|length| "s".repeat(length));
    for path in [empty, too_long] {
        let outcome = run_pair("unix", &[&path], |_| Ok(()));
        outcome.prints("", "usage: unix PATH\n", "exit status: 2");
    }
    let bound = format!("bind(3, {{sa_family=AF_UNIX, sun_path=\"{longest}\"}}, 110) = 0");
    let session = |run: &mut Run| run.makes(1, "recvfrom(").and_then(|()| run.stop());
    run_pair("unix", &[&longest], session).calls(&[&bound]);

    let option =
        "int on = 1; setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);\nif (s == -1";
    let set = "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0";
    let ends = |outcome: Outcome| {
        let error = "unix: bind stderr: Address already in use\n";
        outcome.prints("", error, "exit status: 1")
    };
    ends(run_pair("unix", &["stderr"], |_| Ok(())));
    ends(run_wrong_form(
        "unix",
        &[("if (s == -1", option)],
        &["stderr"],
        |_| Ok(()),
    ))
    .calls(&[set]);
}

#[test]
fn handover_passes_a_descriptor_to_another_process() {
    let handover = |file: &str| run_pair_injecting(QUIET, "handover", &[file], |_| Ok(()));
    let license = project("LICENSE");
    let outcome = handover(license.to_str().unwrap());
    let message = |fd, flags| {
        format!(
            "{{msg_name=NULL, msg_namelen=0, msg_iov=[{{iov_base=\"\\0\", iov_len=1}}], \
             msg_iovlen=1, msg_control=[{{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, \
             cmsg_data=[{fd}]}}], msg_controllen=24, msg_flags={flags}}}, "
        )
    };
    let received = message(4, "MSG_CMSG_CLOEXEC");
    outcome
        .prints(&fs::read_to_string(&license).unwrap(), "", "exit status: 0")
        .calls(&[
            "socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0",
            "close(4) = 0",
            &format!("recvmsg(3, {received}MSG_CMSG_CLOEXEC) = 1"),
            "read(4, ",
            &format!("openat(AT_FDCWD, {license:?}, O_RDONLY) = 5"),
            &format!("sendmsg(4, {}0) = 1", message(5, "0")),
            "exit_group(0)",
        ]);
    let error = "handover: open none: No such file or directory\n";
    let outcome = handover("none");
    outcome.prints("", error, "exit status: 1");
}

#[test]
fn epoll_serves_clients_at_the_same_time() {
    let address = fresh_address();
    let ip = address.ip().to_string();
    let outcome = run_pair("epoll", &[&ip], |run| {
        run.makes(1, "epoll_wait(")?;
        let mut first = Client::served(address)?;
        Client::served(address)?.half_close()?;
        first.echo("first")?;
        run.stop()
    });
    let port = "sin_port=htons(9099)";
    outcome.prints("", "", "signal: 15 (SIGTERM)").calls(&[
        "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_IP) = 3",
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        &format!("bind(3, {{sa_family=AF_INET, {port}, sin_addr=inet_addr(\"{ip}\")}}, 16) = 0"),
        &format!("listen(3, {}) = 0", libc::SOMAXCONN),
        "epoll_create1(EPOLL_CLOEXEC) = 4",
        "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, data={u32=3, u64=3}}) = 0",
        "epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 16, -1) = 1",
        "accept(3, NULL, NULL) = 5",
        "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0",
        "accept(3, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)",
        "recvfrom(5, \"hello\", 4096, 0, NULL, NULL) = 5",
        "sendto(5, \"hello\", 5, MSG_DONTWAIT|MSG_NOSIGNAL, NULL, 0) = 5",
        "accept(3, NULL, NULL) = 6",
        "recvfrom(6, \"\", 4096, 0, NULL, NULL) = 0",
        "close(6) = 0",
        "recvfrom(5, \"first\", ",
    ]);
}

/// Suspends and continues `epoll`, as a shell does. Meanwhile, `clients` may connect.
fn suspend(pid: i32, clients: impl FnOnce()) -> Result<()> {
    wait_for_call(pid, libc::SYS_epoll_wait)?;
    send_signal(pid, libc::SIGSTOP)?;
    wait_for_stop(pid)?;
    clients();
    send_signal(pid, libc::SIGCONT)
}

#[test]
fn epoll_accepts_all_clients_of_one_event_and_waits_again_after_a_stop() -> Result<()> {
    let address = fresh_address();
    let ip = address.ip().to_string();
    for build in programs("epoll") {
        let program = Program::start(command_under(&[], &build, &[&ip]))?;
        let mut clients = Vec::new();
        let connect = || clients.extend([(); 3].map(|()| Client::connect(address).unwrap()));
        suspend(program.process.id() as i32, connect)?;
        clients
            .iter_mut()
            .try_for_each(|client| client.echo("hello"))?;
    }
    let interrupted = [("count == -1 && errno != EINTR", "count == -1")];
    let wrong = run_wrong_form("epoll", &interrupted, &[&ip], |run| {
        suspend(run.pid(), || ())
    });
    wrong.prints(
        "",
        "epoll: epoll_wait: Interrupted system call\n",
        "exit status: 1",
    );
    Ok(())
}
