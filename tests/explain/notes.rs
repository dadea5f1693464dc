//! The notes: what could not be read, and what would help.

use super::*;
use std::os::unix::fs::fchown;

const UNSEEN: &str = "\
127.0.0.1:PORT is in use. A server that sets SO_REUSEADDR cannot bind it, but one run by USER that \
also sets SO_REUSEPORT can, if the old program set it too.
    listening sockets, which SO_REUSEADDR does not override: 1

What helps:
    stop the process that holds the socket (not found)
ROOTONCE
Sockets on port PORT:
    LISTEN 127.0.0.1:PORT - SO_REUSEADDR unknown
        process not found (user USER)
NOTE
-> 1
";
const ROOT: &str = "    run explain as root, which shows all processes that hold the sockets\n";
const UNLISTED: &str = "\
127.0.0.1:PORT may be in use, depending on options that cannot be read.

What helps:
    run explain with --try, which binds the port for an instant
The sockets cannot be listed (sock_diag: REASON).
-> 3
";
const HIDDEN_FROM_ROOT: &str = "Some processes cannot be inspected: that needs CAP_SYS_PTRACE.";
const HIDDEN: &str = "Some processes cannot be inspected: run explain as root.";
const ELSEWHERE: &str = "\
No process here holds the socket. It may belong to another PID namespace (a
container) or to the kernel, or be in flight over a UNIX socket (SCM_RIGHTS).";

/// The report about a listener without a visible holder, with `note`.
fn unseen(note: &str) -> String {
    let missing = note.contains("(/proc: No such file");
    let hidden = missing || [HIDDEN, HIDDEN_FROM_ROOT].contains(&note);
    let once = if hidden { "" } else { &format!("{AT_ONCE}\n") };
    let expected = UNSEEN.replace("USER", &own_name()).replace("NOTE", note);
    let expected = expected.replace("ONCE", once);
    expected.replace("ROOT", if hidden && !is_root() { ROOT } else { "" })
}

#[test]
fn a_holder_that_is_not_found_is_looked_for_again_unless_it_may_be_hidden() {
    let _alone = alone();
    let (listener, address) = held("LISTEN", true);
    let trace = scratch("explain.unseen");
    let links = "?readlink,readlinkat"; // the builds differ; not each architecture has both
    let full =
        "The processes cannot be listed (/proc: Too many open files in system); is it mounted?";
    for (calls, error, note) in [
        ("openat", "EACCES", HIDDEN_FROM_ROOT),
        ("openat", "EPERM", HIDDEN_FROM_ROOT),
        ("openat", "ENOENT", ELSEWHERE),
        ("openat", "ESRCH", ELSEWHERE),
        ("openat", "ENFILE", full),
        (links, "EACCES", HIDDEN_FROM_ROOT),
        (links, "ENOENT", ELSEWHERE),
    ] {
        let hidden = note == HIDDEN_FROM_ROOT;
        let note = if hidden && !is_root() { HIDDEN } else { note };
        // In a PID namespace without the holder. The calls that fail read the entries of strace, process 1.
        let mut words = in_pid_namespace();
        let options = format!(
            "-f --seccomp-bpf -P /proc/1/fd -P /proc/1/fd/0 -e trace=openat,{calls} \
             -e inject={calls}:error={error}"
        );
        words.extend(words_of(&strace(&options, &trace)));
        for owner in [if is_root() { 65534 } else { own_uid() }, own_uid()] {
            fchown(&listener.fds[0], Some(owner), None).unwrap();
            // A process of this user is found sooner or later, and that of another may stay hidden.
            let other = owner != own_uid();
            let snapshots = if hidden && other { 1 } else { 5 };
            for build in builds() {
                let report = explain_under(&words, build, address);
                if !other {
                    report.is(address.port(), &unseen(note));
                }
                let calls_made = take_file(&trace).unwrap();
                let taken = calls_made.matches("\"/proc/1/fd\"").count();
                assert_eq!(taken, snapshots, "{calls} {error}");
            }
        }
    }
}

#[test]
fn without_its_entries_in_proc_the_holder_is_not_visible() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    let shows = |words: &[String], note: &str| {
        explain_with(words, address).has(address.port(), &unseen(note));
    };
    let words = injecting_for(&["/proc"], "openat:error=ENOENT");
    let missing = "(/proc: No such file or directory); is it mounted?";
    shows(&words, &format!("The processes cannot be listed {missing}"));
    if is_root() {
        // hidepid=2 hides even process 1. Only the group of the option gid= is exempt.
        let script = "mount -t proc -o gid=65534,hidepid=2 none /proc && exec setpriv \
            --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace \"$@\"";
        let words = ["unshare", "--mount", "sh", "-c", script, "sh"].map(String::from);
        shows(&words, HIDDEN_FROM_ROOT);
    }
}

#[test]
fn pids_of_another_namespace_are_marked_and_their_options_are_not_read() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    if !is_root() {
        return; // another user namespace may not read the descriptors of this process
    }
    let words = ["unshare", "--pid", "--fork"].map(String::from);
    let expected = "    LISTEN 127.0.0.1:PORT - SO_REUSEADDR unknown\n        TEST\n\
        /proc shows another PID namespace; its pids are not valid here.\n-> 1\n";
    explain_with(&words, address).has(address.port(), expected);
}

#[test]
fn without_pidfd_getfd_no_option_is_known() {
    let _alone = alone();
    let (_holder, address) = held("ESTABLISHED", true);
    for call in ["pidfd_open", "pidfd_getfd"] {
        let report = injected(&[&format!("{call}:error=ENOSYS")], address);
        report.has(address.port(), &format!("127.0.0.1:PORT {MAYBE}\n"));
        report.has(address.port(), &format!("{TRY}\n\nSockets"));
        let row = "    ESTABLISHED 127.0.0.1:PORT 127.0.0.1:PEER SO_REUSEADDR unknown\n        TEST\n\
            Options cannot be read (pidfd_getfd: Function not implemented).\n-> 3\n";
        report.has(address.port(), row);
    }
}

#[test]
fn without_sock_diag_only_a_trial_can_answer() {
    let _alone = alone();
    let (_listener, held) = held("LISTEN", true);
    let failures = "\
        socket:error=EAFNOSUPPORT:when=2 Address family not supported by protocol
        sendto:error=ENOENT No such file or directory
        setsockopt:error=EDOM:when=2 Numerical argument out of domain
        recvfrom:error=ENOBUFS:when=1 No buffer space available
        recvfrom:error=EAGAIN:when=1 Connection timed out
        recvfrom:retval=65537:when=1 Message too long
        recvfrom:poke_exit=@arg2=00000000:when=1 Bad message
        recvfrom:poke_exit=@arg2=08000000:when=1 Bad message
        recvfrom:poke_exit=@arg2=ffffffff:when=1 Bad message";
    for line in failures.lines() {
        // The last three have wrong lengths of a message.
        let (injection, reason) = line.trim().split_once(' ').unwrap();
        let free = unused_address();
        injected(&[injection], free).is(free.port(), &UNLISTED.replace("REASON", reason));
        let note = format!("The sockets cannot be listed (sock_diag: {reason}).\n");
        let free_for_setters = "is free for a server that sets SO_REUSEADDR.";
        for (address, answer) in [(held, IN_USE), (free, free_for_setters)] {
            let report = injected(&[injection], format!("--try {address}"));
            report.has(address.port(), &format!("127.0.0.1:PORT {answer}\n"));
            report.shows(&note);
        }
    }
}
