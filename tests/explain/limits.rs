//! What `explain` prints if system calls fail or processes are hidden.

use super::*;
use libc::{PR_SET_DUMPABLE, SO_LINGER, SO_REUSEPORT, SOL_SOCKET};
use std::os::fd::AsRawFd;
use std::process;

const PRIVILEGED: &str = "\
bind 127.0.0.1:PORT without SO_REUSEADDR: EACCES; a socket conflicts; \
#1: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 127.0.0.1:PORT with SO_REUSEADDR: EACCES; a socket may conflict; \
#1: may lack SO_REUSEADDR, which cannot be read (C2)
What helps: bind as root, or with CAP_NET_BIND_SERVICE; \
#1: let the peer close, then stop process TEST (else wait up to 120 s); \
next time: set SO_REUSEADDR before bind in every program that uses the port
exit status 1
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
    let injecting = injecting(&["pidfd_getfd:retval=0"]);
    let outcome = compare_builds(without_seconds, |build| {
        let mut command = command_under(&injecting, build, &["explain", &address.to_string()]);
        command.stdin(other.try_clone().unwrap()).output().unwrap()
    });
    let report = report(outcome);
    report.has(&Names::of(address.port()), " ? ? UID; held by TEST\n");
    report.shows("Options cannot be read (pidfd_getfd: Bad file descriptor).\n\n");
    assert_eq!(report.results(), ["EADDRINUSE"; 2]);
}

#[test]
fn a_contradiction_takes_five_snapshots_and_gives_exit_status_1() {
    let _alone = alone();
    let (_listener, held) = held("LISTEN", true);
    let free = unused_address();
    let ok = "OK, as predicted";
    let used = "EADDRINUSE, as predicted; #1: is listening (C1)";
    let lost = "EADDRINUSE, but OK was predicted; \
        the conflicting socket is not listed, or has just been closed";
    let none = "OK, but EADDRINUSE was predicted; #1: is listening (C1)";
    let set = "What helps: set SO_REUSEADDR before bind\n";
    let find = "What helps: stop the process that holds it; as root, ss -tanp may show it\n";
    let stop = "What helps: #1: stop process TEST\n";
    let trace = scratch("explain.binds");
    let [fails, succeeds] = ["error=EADDRINUSE", "retval=0"];
    for (address, injected, when, snapshots, [without, with], advice, status) in [
        (free, fails, "1+1", 5, [lost, lost], find, 1),
        (free, fails, "1+2", 5, [lost, ok], set, 1),
        (free, fails, "2+2", 5, [ok, lost], find, 1),
        (free, fails, "1", 2, [ok, ok], "", 0),
        (free, fails, "2", 2, [ok, ok], "", 0),
        (free, fails, "1..8", 5, [ok, ok], "", 0),
        (held, succeeds, "1+1", 5, [none, none], "", 1),
        (held, succeeds, "1+2", 5, [none, used], stop, 1),
        (held, succeeds, "2+2", 5, [used, none], set, 1),
        (held, succeeds, "1..8", 5, [used, used], stop, 1),
    ] {
        let mut words = injecting(&[&format!("bind:{injected}:when={when}")]);
        let file = words.iter_mut().find(|word| *word == "/dev/null");
        *file.unwrap() = trace.display().to_string();
        for build in builds() {
            let expected = format!(
                "\nbind 127.0.0.1:PORT without SO_REUSEADDR: {without}
bind 127.0.0.1:PORT with SO_REUSEADDR: {with}
{advice}exit status {status}\n"
            );
            explain_under(&words, build, address).has(&Names::of(address.port()), &expected);
            let binds = take_file(&trace).unwrap().matches("bind(").count();
            assert_eq!(binds, 2 * snapshots, "{injected} {when}");
        }
    }
}

#[test]
fn another_error_of_bind_does_not_hide_a_conflict() {
    let _alone = alone();
    let (_connection, address) = held("ESTABLISHED", false);
    let report = injected(&["bind:error=EACCES", "pidfd_open:error=ENOSYS"], address);
    report.has(&Names::of(address.port()), PRIVILEGED);
}

#[test]
fn without_root_the_output_advises_to_run_as_root() {
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
    let outcome = compare_builds(without_seconds, |build| as_another_user(build, run));
    let report = report(outcome);
    let row = " ? ? UID; owner not visible\n";
    let row_and_note =
        format!("{row}Other users' processes are hidden; run as root to see them.\n");
    report.has(&Names::of(address.port()), &row_and_note);
    report.shows("    #1: lacks SO_REUSEADDR, as the result shows (C2)\n");
    assert_eq!((report.results(), report.status), (["EADDRINUSE"; 2], 1));
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
        wait_until("write to stdout", || sleeps_in(pid, libc::SYS_write))?;
        assert_eq!(sockets_of(pid).len(), 0, "{}", build.name);
    }
    Ok(())
}
