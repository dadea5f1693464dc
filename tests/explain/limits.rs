//! What `explain` prints if system calls fail or processes are hidden.

use super::{Report, alone, explain, explain_with, report, unused_address, without_seconds};
use crate::support::{
    as_another_user, bind_socket, compare_builds, hold, injecting, is_root, set_option,
};
use libc::{PR_SET_DUMPABLE, SO_REUSEPORT, SOL_SOCKET};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

/// Runs both builds for `address` under strace, which injects `injections`.
fn injected(injections: &[&str], address: &SocketAddr) -> Report {
    explain_with(&injecting(injections), &address.to_string())
}

/// A listener, with SO_REUSEADDR set by std.
pub fn listener() -> (TcpListener, SocketAddr) {
    let address = unused_address();
    let listener = TcpListener::bind(address).unwrap();
    (listener, address)
}

#[test]
fn without_pidfd_getfd_the_trial_reveals_the_option() {
    let _alone = alone();
    let address = unused_address();
    let _holder = hold("ESTABLISHED", address, true).unwrap();
    let old = "Options cannot be read: pidfd_getfd needs Linux 5.6 or newer.\n";
    let denied = match is_root() {
        true => "(pidfd_getfd: Operation not permitted).\nCAP_SYS_PTRACE is missing.\n",
        false => "(pidfd_getfd: Operation not permitted).\nRun as root to read them.\n",
    };
    for (error, note) in [("ENOSYS", old), ("EPERM", denied)] {
        for call in ["pidfd_open", "pidfd_getfd"] {
            let report = injected(&[&format!("{call}:error={error}")], &address);
            assert_eq!(report.row(1)[3..], ["?", "?"], "{}", report.text);
            report.shows(note);
            assert_eq!(report.results(), ["EADDRINUSE", "OK"]);
            assert!(report.text.contains("\nbind ") && report.status == 0);
            report.shows_detail("#1: has SO_REUSEADDR, as the result shows");
        }
    }
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
    assert_eq!(report.row(1)[3..], ["?", "?"], "{}", report.text);
    assert_eq!(report.results(), ["EADDRINUSE"; 2]);
}

#[test]
fn a_wrong_length_in_a_netlink_message_is_an_error() {
    let _alone = alone();
    let (_listener, held) = listener();
    for length in ["00000000", "08000000", "ffffffff"] {
        let poke = format!("recvfrom:poke_exit=@arg2={length}:when=1");
        let report = injected(&[&poke], &held);
        report.shows("The sockets cannot be listed (sock_diag: Bad message).\n");
        assert_eq!(report.results(), ["EADDRINUSE"; 2]);
    }
}

#[test]
fn without_sock_diag_bind_is_still_tried() {
    let _alone = alone();
    let (_listener, held) = listener();
    let free = unused_address();
    let unsupported = "Address family not supported by protocol";
    for (injection, reason) in [
        ("socket:error=EAFNOSUPPORT:when=1", unsupported),
        ("sendto:error=ENOENT", "No such file or directory"),
        ("recvfrom:error=ENOBUFS:when=1", "No buffer space available"),
    ] {
        for (address, result, status) in [(held, "EADDRINUSE", 1), (free, "OK", 0)] {
            let report = injected(&[injection], &address);
            let note = format!("The sockets cannot be listed (sock_diag: {reason}).\n");
            assert!(report.text.starts_with(&note), "{}", report.text);
            assert_eq!(report.results(), [result; 2]);
            assert_eq!(report.status, status);
            let help = "stop the process that holds it; as root, ss -tanp may show it";
            assert_eq!(report.details().contains(&help), status == 1);
        }
    }
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
    let run = |mut command: Command| {
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
    assert_eq!(c.row(1)[3..], ["?", "?"]);
    c.shows("Other users' processes are hidden; run as root to see them.\n");
    c.shows_detail("owner not visible");
    c.shows_detail("#1: lacks SO_REUSEADDR, as the result shows (C2)");
    assert_eq!((c.results(), c.status), (["EADDRINUSE"; 2], 1));
}
