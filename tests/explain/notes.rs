//! The notes: what could not be read, and what would help. The trial binds depend on none of it.

use super::limits::listener;
use super::neutral::Names;
use super::tree::share;
use super::{alone, explain_under, explain_with, unused_address};
use crate::support::{builds, fresh_port, hold, injecting, is_root, scratch, tool};
use std::fs;
use std::net::SocketAddr;

const UNSEEN: &str = "\
# state local peer reuseaddr reuseport uid
1 LISTEN 127.0.0.1:PORT - ? ? UID
    owner not visible
NOTE

bind 127.0.0.1:PORT without SO_REUSEADDR: EADDRINUSE, as predicted
    #1: is listening (C1)
bind 127.0.0.1:PORT with SO_REUSEADDR: EADDRINUSE, as predicted
    #1: is listening (C1)

What helps:
    #1: stop the owner
exit status 1
";
const UNREAD: &str = "\
# state local peer reuseaddr reuseport uid
1 ESTABLISHED 127.0.0.1:PORT 127.0.0.1:PEER ? ? UID
    held by pid TEST (test), fd N, uid UID
NOTE

TEST test
     1: 127.0.0.1:PORT <--> 127.0.0.1:PEER (TEST test)

bind 127.0.0.1:PORT without SO_REUSEADDR: EADDRINUSE, as predicted
    #1: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 127.0.0.1:PORT with SO_REUSEADDR: OK, not predictable, as an option cannot be read
    #1: has SO_REUSEADDR, as the result shows

What helps:
    set SO_REUSEADDR before bind
exit status 0
";
const PARTLY_UNSEEN: &str = "\
    owner not visible
NOTE

TEST test
     1: 127.0.0.1:PORT, listening
owner not visible
     2: 127.0.0.2:PORT, listening
";
const PARTLY_LISTED: &str = "\
bind 127.0.0.1:PORT with SO_REUSEADDR: EADDRINUSE, not predictable, as an option cannot be read
    #1: may lack SO_REUSEADDR, which cannot be read (C2)
";
const UNLISTED: &str = "\
The sockets cannot be listed (sock_diag: REASON).
The trial binds below do not depend on the list.

bind 127.0.0.1:PORT without SO_REUSEADDR: EADDRINUSE, not predictable, as an option cannot be read
bind 127.0.0.1:PORT with SO_REUSEADDR: EADDRINUSE, not predictable, as an option cannot be read

What helps:
    stop the process that holds it; as root, ss -tanp may show it
exit status 1
";
const UNLISTED_AND_FREE: &str = "\
The sockets cannot be listed (sock_diag: REASON).
The trial binds below do not depend on the list.

bind 127.0.0.1:PORT without SO_REUSEADDR: OK, not predictable, as an option cannot be read
bind 127.0.0.1:PORT with SO_REUSEADDR: OK, not predictable, as an option cannot be read
exit status 0
";

#[test]
fn a_holder_that_is_not_found_is_looked_for_again_unless_it_may_be_hidden() {
    let _alone = alone();
    let (_listener, address) = listener();
    let names = Names::of(address.port());
    let trace = scratch("explain.unseen");
    let links = "?readlink,readlinkat"; // the builds differ; not each architecture has both
    for (calls, error, hides) in [
        ("openat", "EACCES", true),
        ("openat", "EPERM", true),
        ("openat", "ENOENT", false),
        ("openat", "ESRCH", false),
        ("openat", "ENFILE", false),
        (links, "EACCES", true),
        (links, "ENOENT", false),
    ] {
        let note = match error {
            "ENFILE" => {
                "The processes cannot be listed (/proc: Too many open files in system); is it \
                 mounted?"
            }
            _ if !is_root() => "Other users' processes are hidden; run as root to see them.",
            _ if hides => "Some processes are hidden even from root; CAP_SYS_PTRACE is missing.",
            _ => {
                "The owner may be in another PID namespace; run explain there or on the host.\n\
                 A socket in flight over a UNIX socket (SCM_RIGHTS) has no process, nor has a\n\
                 socket of the kernel."
            }
        };
        // In a PID namespace without the holder. The error is that of another process, strace.
        let user = if is_root() { "" } else { "--map-current-user" };
        let line = format!(
            "exec {} --pid --fork --mount-proc {user} {} -f --seccomp-bpf -o {} -P /proc/1/fd \
             -P /proc/1/fd/0 -e trace=openat,{calls} -e inject={calls}:error={error} \"$@\"",
            tool("unshare", "util-linux").display(),
            tool("strace", "strace").display(),
            trace.display(),
        );
        let words = ["sh", "-c", &line, "sh"].map(String::from);
        for build in builds() {
            let report = explain_under(&words, build, &address.to_string());
            report.is(&names, &UNSEEN.replace("NOTE", note));
            let calls_made = fs::read_to_string(&trace).unwrap();
            let snapshots = calls_made.matches("\"/proc/1/fd\"").count();
            assert_eq!(snapshots, if hides { 1 } else { 5 }, "{calls} {error}");
        }
        fs::remove_file(&trace).unwrap();
    }
}

#[test]
fn without_pidfd_getfd_the_trial_reveals_the_option() {
    let _alone = alone();
    let address = unused_address();
    let _holder = hold("ESTABLISHED", address, true).unwrap();
    let old = "Options cannot be read: pidfd_getfd needs Linux 5.6 or newer.";
    let denied = match is_root() {
        true => "(pidfd_getfd: Operation not permitted).\nCAP_SYS_PTRACE is missing.",
        false => "(pidfd_getfd: Operation not permitted).\nRun as root to read them.",
    };
    let denied = format!("Options cannot be read {denied}");
    for (error, note) in [("ENOSYS", old), ("EPERM", &denied)] {
        for call in ["pidfd_open", "pidfd_getfd"] {
            let injecting = injecting(&[&format!("{call}:error={error}")]);
            let report = explain_with(&injecting, &address.to_string());
            report.is(&Names::of(address.port()), &UNREAD.replace("NOTE", note));
        }
    }
}

#[test]
fn without_sock_diag_bind_is_still_tried() {
    let _alone = alone();
    let (_listener, held) = listener();
    let unsupported = "Address family not supported by protocol";
    for (injection, reason) in [
        ("socket:error=EAFNOSUPPORT:when=1", unsupported),
        ("socket:error=EAFNOSUPPORT:when=4", unsupported), // the second list
        ("sendto:error=ENOENT", "No such file or directory"),
        (
            "setsockopt:error=EDOM:when=1",
            "Numerical argument out of domain",
        ),
        ("recvfrom:error=ENOBUFS:when=1", "No buffer space available"),
        ("recvfrom:retval=65537:when=1", "Message too long"),
    ] {
        for (address, expected) in [(held, UNLISTED), (unused_address(), UNLISTED_AND_FREE)] {
            let report = explain_with(&injecting(&[injection]), &address.to_string());
            report.is(
                &Names::of(address.port()),
                &expected.replace("REASON", reason),
            );
        }
    }
}

#[test]
fn an_unknown_option_is_not_decisive_if_a_socket_may_be_missing() {
    let _alone = alone();
    let address = unused_address();
    let _holder = hold("FIN_WAIT2", address, false).unwrap();
    // Both lists end before the IPv6 sockets.
    let report = explain_with(
        &injecting(&["sendto:error=ENOENT:when=2+2"]),
        &address.to_string(),
    );
    report.has(&Names::of(address.port()), PARTLY_LISTED);
}

#[test]
fn the_tree_has_a_place_for_sockets_whose_holder_is_hidden() {
    let _alone = alone();
    let port = fresh_port();
    let [seen, unseen] = [1, 2].map(|host| SocketAddr::from(([127, 0, 0, host], port)));
    let _seen = hold("LISTEN", seen, true).unwrap();
    let (holder, _) = share(unseen, "echo cat P1 $$; exec cat <&3;", 1);
    let folder = format!("/proc/{}/fd", holder.process.id());
    let mut words = injecting(&["openat:error=EACCES"]);
    words.splice(1..1, ["-P".into(), folder]);
    let note = match is_root() {
        true => "Some processes are hidden even from root; CAP_SYS_PTRACE is missing.",
        false => "Other users' processes are hidden; run as root to see them.",
    };
    let report = explain_with(&words, &port.to_string());
    report.has(&Names::of(port), &PARTLY_UNSEEN.replace("NOTE", note));
}
