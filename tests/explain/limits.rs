//! What `explain` prints if system calls fail or processes are hidden.

use super::*;
use libc::{PR_SET_DUMPABLE, SO_LINGER};
use std::net::{Shutdown, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process;
use std::thread;

const HIDDEN: &str = "\
127.0.0.1:PORT is in use. A server without SO_REUSEADDR cannot bind it; one that sets it can only if the old program set it too.
    sockets whose options cannot be read: 1

What helps:
    stop the process that holds the socket (not found)
        let its peers close first; else wait N s, or minutes if a peer is gone
    run explain as root, which shows all processes that hold the sockets
    or close these connections, as root: ss -K -t state connected sport = :PORT
    run explain with --try, which binds the port for an instant

Sockets on port PORT:
    ESTABLISHED 127.0.0.1:PORT 127.0.0.1:PEER SO_REUSEADDR unknown
        process not found (user USER)
Some processes cannot be inspected: run explain as root.
-> 3
";

const WORKER: &str = "
What helps:
    stop PROCESS
    run explain as root, which shows all processes that hold the sockets

Sockets on port PORT:
";

/// The struct linger with which close(2) of the last descriptor blocks for longer than every deadline.
const LINGER: [i32; 2] = [1, 60];

#[test]
fn a_descriptor_number_that_was_reused_is_not_read() {
    let _alone = alone();
    let (_holder, address) = held("ESTABLISHED", false);
    // strace returns descriptor 0 from pidfd_getfd: this socket, which differs in SO_REUSEPORT.
    let other = bind_socket(unused_address(), false).unwrap();
    set_option(&other, SOL_SOCKET, SO_REUSEPORT, 1).unwrap();
    let report = explain_on(&other, &injecting(&["pidfd_getfd:retval=0"]), address);
    let unread =
        " unknown\n        TEST\nOptions cannot be read (pidfd_getfd: Bad file descriptor).\n";
    report.has(address.port(), unread);
    assert_eq!(report.status, 3);
}

#[test]
fn without_root_the_holder_may_be_hidden_and_the_output_says_so() {
    let _alone = alone();
    let (_holder, address) = held("ESTABLISHED", false);
    let run = |copy: Command| {
        let mut command = Command::new(if is_root() { "setpriv" } else { "env" });
        if is_root() {
            // The real user stays root.
            command.args(["--euid", "65534", "--clear-groups"]);
        }
        command.arg(copy.get_program());
        command.args(["explain", &address.to_string()]);
        // Hide this process from its own user too.
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::prctl(PR_SET_DUMPABLE, 0) };
        let output = command.output().unwrap();
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::prctl(PR_SET_DUMPABLE, 1) };
        output
    };
    let outcome = compare_builds(|text| neutral(text, 0), |build| as_another_user(build, run));
    let expected = HIDDEN.replace("USER", &own_name());
    report(outcome).is(address.port(), &expected);
}

#[test]
fn a_worker_of_this_user_is_not_all_that_holds_the_listener_of_another() {
    let _alone = alone();
    if !is_root() {
        return; // only root can have workers of another user
    }
    let (holder, address) = held("LISTEN", true);
    let mut worker = Command::new("setpriv");
    worker.args("--reuid 65534 --regid 65534 --clear-groups cat".split(' '));
    worker.stderr(holder.fds[0].try_clone().unwrap());
    let mut worker = worker.stdin(process::Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", worker.id());
    wait_until("worker", || {
        let status = fs::read_to_string(&status).unwrap();
        status.starts_with("Name:\tcat\n")
    })
    .unwrap();
    let report = explain_as_another_user(address);
    report.has(address.port(), WORKER);
    report.shows("Some processes cannot be inspected: run explain as root.\n");
    drop(worker.stdin.take());
    worker.wait().unwrap();
}

#[test]
fn explain_does_not_block_if_the_holder_closes_a_lingering_socket() -> Result<()> {
    let _alone = alone();
    for build in builds() {
        let (mut holder, address) = held("ESTABLISHED", true);
        let accepted = TcpStream::from(holder.fds.remove(0));
        set_option(&accepted, SOL_SOCKET, SO_LINGER, LINGER).unwrap();
        fill(&accepted).unwrap();

        // With -D, strace becomes the build. The first option of the copied descriptor is read late.
        let mut line = injecting(&["getsockopt:delay_enter=3s:when=1"]);
        line.insert(1, "-D".into());
        let command = command_under(&line, build, &["explain", &address.to_string()]);
        let mut explain = Program::start(command)?;
        let pid = explain.process.id() as i32;
        wait_for("copied descriptor", || {
            let mut copied = sockets_of(pid).into_iter();
            copied.find(|socket| address == socket.local.into())
        })?;
        drop(accepted);
        let end = "end of explain, which does not linger";
        let status = wait_for(end, || explain.process.try_wait().unwrap())?;
        assert_eq!(status.code(), Some(0));
    }
    Ok(())
}

#[test]
fn explain_has_closed_its_copies_before_it_waits_for_a_reader() -> Result<()> {
    let _alone = alone();
    let (holder, address) = held("ESTABLISHED", true);
    set_option(&holder.fds[0], SOL_SOCKET, SO_LINGER, LINGER).unwrap();
    let (_reader, pipe, _) = full_pipe();
    let full = format!("/proc/{}/fd/{}", process::id(), pipe.as_raw_fd());
    let script = format!("exec \"$0\" \"$@\" >{full}");
    let shell = ["sh".into(), "-c".into(), script];
    for build in builds() {
        let command = command_under(&shell, build, &["explain", &address.to_string()]);
        let explain = Program::start(command)?;
        let pid = explain.process.id() as i32;
        wait_for_call(pid, libc::SYS_write)?;
        assert_eq!(sockets_of(pid).len(), 0, "{}", build.name);
    }
    Ok(())
}

#[test]
fn the_output_is_one_write_and_a_reader_that_stops_is_no_error() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    let trace = scratch("explain.write");
    let words = words_of(&strace("-e trace=write", &trace));
    for build in builds() {
        explain_under(&words, build, address);
        assert_eq!(take_file(&trace).unwrap().matches("write(1, ").count(), 1);
    }
    let full = ["sh", "-c", "exec \"$0\" \"$@\" >/dev/full"].map(String::from);
    let args = ["explain", &address.to_string()];
    let error = "reuseaddr: write standard output: No space left on device\n";
    both_under(&full, &args).code(3).stderr(error);
    let broken = |build: &Build| {
        let (broken, _peer) = UnixStream::pair().unwrap();
        broken.shutdown(Shutdown::Write).unwrap();
        let mut command = command_under(&[], build, &args);
        command.stdout(OwnedFd::from(broken)).output().unwrap()
    };
    compare_builds(str::to_string, broken).code(1).stderr("");
}

#[test]
fn sockets_that_come_and_go_meanwhile_are_not_reported_without_a_process() {
    let _alone = alone();
    let address = SocketAddrV4::new([127, 0, 0, 1].into(), fresh_port());
    let listener = TcpListener::bind(address).unwrap();
    thread::scope(|scope| {
        let runs = scope.spawn(|| {
            let runs = (0..20).flat_map(|_| builds());
            let runs = runs.map(|build| explain_under(&[], build, address));
            runs.collect::<Vec<Report>>()
        });
        while !runs.is_finished() {
            let client = Client::connect(address).unwrap();
            drop(listener.accept().unwrap());
            client.reset().unwrap();
        }
        for report in runs.join().unwrap() {
            let row = "\n    LISTEN 127.0.0.1:PORT - SO_REUSEADDR on\n        TEST\n";
            report.has(address.port(), row);
            assert!(!report.text.contains("not found"), "{}", report.text);
        }
    });
}
