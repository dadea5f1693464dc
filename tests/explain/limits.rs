//! What `explain` prints if system calls fail or processes are hidden.

use super::{Report, alone, explain, explain_with, report, unused_address, without_seconds};
use crate::support::{bind_socket, compare_builds, hold, injecting, is_root, set_option, tool};
use libc::{PR_SET_DUMPABLE, SO_REUSEPORT, SOL_SOCKET};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{env, fs};

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
fn a_result_that_contradicts_the_prediction_gives_exit_status_1() {
    let _alone = alone();
    let (_listener, held) = listener();
    let free = unused_address();

    let report = injected(&["bind:error=EADDRINUSE"], &free);
    let bind = format!("bind {free} with SO_REUSEADDR");
    report.shows(&format!("{bind}: EADDRINUSE, but OK was predicted\n"));
    report.shows_detail("the conflicting socket is not listed, or has just been closed");
    assert_eq!(report.status, 1);

    // Once is no contradiction: it looks again.
    let report = injected(&["bind:error=EADDRINUSE:when=1"], &free);
    assert_eq!((report.results(), report.status), (["OK"; 2], 0));

    let report = injected(&["bind:retval=0"], &held);
    let line = format!("bind {held} with SO_REUSEADDR: OK, but EADDRINUSE was predicted\n");
    report.shows(&line);
    assert_eq!(report.status, 1);
}

#[test]
fn another_error_of_bind_is_not_blamed_on_sockets() {
    let _alone = alone();
    let (_listener, held) = listener();
    let free = unused_address();
    let privileged = ["bind:error=EACCES"];
    for (address, rule, status) in [(held, "a socket", 1), (free, "no socket", 0)] {
        let report = injected(&privileged, &address);
        let line = format!("bind {address} with SO_REUSEADDR: EACCES; {rule} conflicts\n");
        report.shows(&line);
        report.shows_detail("bind as root, or with CAP_NET_BIND_SERVICE");
        assert_eq!(report.status, status);
    }

    let report = explain(&format!("192.0.2.1:{}", free.port())); // TEST-NET-1, RFC 5737
    report.shows(": EADDRNOTAVAIL; no socket conflicts\n");
    report.shows_detail("bind to an address of this machine; ip address lists them");
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
    let report = with_proc("-t tmpfs", "exec", &held);
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
    // A copy that other users can run, even if they cannot enter the directory of the build.
    let folder = env::temp_dir().join(format!("reuseaddr-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let outcome = compare_builds(without_seconds, |build| {
        let copy = folder.join("reuseaddr");
        fs::copy(&build.path, &copy).unwrap();
        let mut command = Command::new(&copy);
        command.args(["explain", &address.to_string()]);
        if is_root() {
            command.uid(65534).gid(65534);
        }
        // Hide this process from its own user too.
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::prctl(PR_SET_DUMPABLE, 0) };
        let output = command.output().unwrap();
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::prctl(PR_SET_DUMPABLE, 1) };
        output
    });
    fs::remove_dir_all(&folder).unwrap();
    let c = report(outcome);
    assert_eq!(c.row(1)[3..5], ["?", "?"]);
    c.shows("Other users' processes are hidden; run as root to see them.\n");
    c.shows_detail("owner not visible");
    c.shows_detail("#1: lacks SO_REUSEADDR, as the result shows (C2)");
    assert_eq!((c.results(), c.status), (["EADDRINUSE"; 2], 1));
}
