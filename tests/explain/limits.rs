//! What `explain` prints if system calls fail or processes are hidden.

use super::neutral::Names;
use super::{Report, alone, explain_under, explain_with, report, unused_address, without_seconds};
use crate::support::{
    as_another_user, bind_socket, builds, compare_builds, hold, injecting, is_root, scratch,
    set_option, tool,
};
use libc::{PR_SET_DUMPABLE, SO_REUSEPORT, SOL_SOCKET};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

const PRIVILEGED_AND_FREE: &str = "\
No TCP socket uses port PORT in this network namespace.

bind 127.0.0.1:PORT without SO_REUSEADDR: EACCES; no socket conflicts
bind 127.0.0.1:PORT with SO_REUSEADDR: EACCES; no socket conflicts

What helps:
    bind as root, or with CAP_NET_BIND_SERVICE
exit status 0
";
const PRIVILEGED_AND_UNKNOWN: &str = "\
bind 127.0.0.1:PORT without SO_REUSEADDR: EACCES; a socket conflicts
    #1: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 127.0.0.1:PORT with SO_REUSEADDR: EACCES; a socket may conflict
    #1: may lack SO_REUSEADDR, which cannot be read (C2)

What helps:
    bind as root, or with CAP_NET_BIND_SERVICE
    #1: let the peer close, then stop process TEST (else wait up to 120 s)
    next time: set SO_REUSEADDR before bind in every program that uses the port
exit status 1
";

/// Runs both builds for `address` under strace, which injects `injections`.
pub fn injected(injections: &[&str], address: &SocketAddr) -> Report {
    explain_with(&injecting(injections), &address.to_string())
}

/// A listener, with SO_REUSEADDR set by std.
pub fn listener() -> (TcpListener, SocketAddr) {
    let address = unused_address();
    let listener = TcpListener::bind(address).unwrap();
    (listener, address)
}

#[test]
fn a_descriptor_number_that_was_reused_is_not_read() {
    let _alone = alone();
    let address = unused_address();
    let _holder = hold("ESTABLISHED", address, false).unwrap();
    let other = unused_address();
    // strace returns descriptor 0 from pidfd_getfd: this socket, which differs in SO_REUSEPORT.
    let other = bind_socket(other, false).unwrap();
    set_option(&other, SOL_SOCKET, SO_REUSEPORT, 1).unwrap();
    let injecting = injecting(&["pidfd_getfd:retval=0"]);
    let outcome = compare_builds(without_seconds, |build| {
        let mut command = Command::new(&injecting[0]);
        command.args(&injecting[1..]).arg(&build.path);
        command.args(["explain", &address.to_string()]);
        command.stdin(other.try_clone().unwrap()).output().unwrap()
    });
    let report = report(outcome);
    assert_eq!(report.row(1)[3..5], ["?", "?"], "{}", report.text);
    report.shows("Options cannot be read (pidfd_getfd: Bad file descriptor).\n\n");
    assert_eq!(report.results(), ["EADDRINUSE"; 2]);
}

#[test]
fn a_contradiction_is_looked_into_five_times_and_gives_exit_status_1() {
    let _alone = alone();
    let (_listener, held) = listener();
    let free = unused_address();
    let ok = "OK, as predicted";
    let used = "EADDRINUSE, as predicted\n    #1: is listening (C1)";
    let lost = "EADDRINUSE, but OK was predicted
    the conflicting socket is not listed, or has just been closed";
    let none = "OK, but EADDRINUSE was predicted\n    #1: is listening (C1)";
    let set = "\nWhat helps:\n    set SO_REUSEADDR before bind\n";
    let find = "\nWhat helps:\n    stop the process that holds it; as root, ss -tanp may show it\n";
    let stop = "\nWhat helps:\n    #1: stop process TEST\n";
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
        let injection = format!("bind:{injected}:when={when}");
        let mut words = injecting(&[&injection]);
        let file = words.iter_mut().find(|word| *word == "/dev/null");
        *file.unwrap() = trace.display().to_string();
        for build in builds() {
            let report = explain_under(&words, build, &address.to_string());
            let (_, results) = report.text.split_once("\n\nbind ").unwrap();
            let expected = format!(
                "{address} without SO_REUSEADDR: {without}
bind {address} with SO_REUSEADDR: {with}
{advice}"
            );
            let names = Names::of(address.port());
            assert_eq!(names.apply(results), names.apply(&expected), "{injection}");
            assert_eq!(report.status, status);
            let binds = fs::read_to_string(&trace).unwrap().matches("bind(").count();
            assert_eq!(binds, 2 * snapshots, "{injection}");
        }
        fs::remove_file(&trace).unwrap();
    }
}

#[test]
fn another_error_of_bind_is_not_blamed_on_sockets() {
    let _alone = alone();
    let (_listener, held) = listener();
    let [free, connection] = [0; 2].map(|_| unused_address());
    let _connection = hold("ESTABLISHED", connection, false).unwrap();
    let privileged = "bind:error=EACCES";
    injected(&[privileged], &free).is(&Names::of(free.port()), PRIVILEGED_AND_FREE);
    let report = injected(&[privileged, "pidfd_open:error=ENOSYS"], &connection);
    report.has(&Names::of(connection.port()), PRIVILEGED_AND_UNKNOWN);
    let report = injected(&[privileged], &held);
    report.shows(" with SO_REUSEADDR: EACCES; a socket conflicts\n    #1: is listening (C1)\n");
    assert_eq!(report.status, 1);
}

/// Runs both builds with `exec` after a mount(8) on /proc with `options`.
fn with_proc(options: &str, exec: &str, address: &SocketAddr) -> Report {
    // Without root, mount(8) needs a user namespace.
    let user = if is_root() { "" } else { "--map-root-user" };
    let unshare = format!(
        "exec {} --mount {user} sh -c 'mount {options} none /proc && {exec} \"$@\"' sh \"$@\"",
        tool("unshare", "util-linux").display()
    );
    let words = ["sh", "-c", &unshare, "sh"].map(String::from);
    explain_with(&words, &address.to_string())
}

#[test]
fn root_without_cap_sys_ptrace_learns_that_it_is_missing() {
    let _alone = alone();
    if !is_root() {
        return;
    }
    let (_listener, held) = listener();
    let setpriv = tool("setpriv", "util-linux").display().to_string();
    let exec = format!("exec {setpriv} --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace");
    // readlink(2) fails with EACCES, then opendir(3) with EPERM; then /proc lacks the process. Only the
    // group gid is exempt.
    for hidepid in [0, 1, 2] {
        let report = with_proc(
            &format!("-t proc -o gid=65534,hidepid={hidepid}"),
            &exec,
            &held,
        );
        report.shows("Some processes are hidden even from root; CAP_SYS_PTRACE is missing.\n");
        report.shows_detail("owner not visible");
    }
}

#[test]
fn without_proc_the_sockets_and_the_results_are_still_shown() {
    let _alone = alone();
    let (_listener, held) = listener();
    // With -P, strace injects only into calls for these paths.
    let mut words = injecting(&["openat:error=ENOENT"]);
    let ports = "/proc/sys/net/ipv4/ip_local_port_range";
    words.splice(1..1, ["-P", "/proc", "-P", ports].map(String::from));
    let report = explain_with(&words, &held.to_string());
    report.shows(
        "The processes cannot be listed (/proc: No such file or directory); is it mounted?\n",
    );
    report.shows_detail("owner not visible");
    report.shows_detail("#1: stop the owner");
    assert_eq!(report.row(1)[0], "LISTEN");
    assert_eq!(report.results(), ["EADDRINUSE"; 2]);
}

#[test]
fn another_user_learns_that_root_can_see_more() {
    let _alone = alone();
    let address = unused_address();
    let _holder = hold("ESTABLISHED", address, false).unwrap();
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
    let c = report(outcome);
    assert_eq!(c.row(1)[3..5], ["?", "?"]);
    c.shows("Other users' processes are hidden; run as root to see them.\n");
    c.shows_detail("owner not visible");
    c.shows_detail("#1: lacks SO_REUSEADDR, as the result shows (C2)");
    assert_eq!((c.results(), c.status), (["EADDRINUSE"; 2], 1));
}
