//! The notes: what could not be read, and what would help. The trial binds work without it.

use super::tree::share;
use super::*;

const UNSEEN: &str = "\
1 LISTEN 127.0.0.1:PORT - ? ? UID; owner not visible
NOTE
bind 127.0.0.1:PORT without SO_REUSEADDR: EADDRINUSE, as predicted; #1: is listening (C1)
bind 127.0.0.1:PORT with SO_REUSEADDR: EADDRINUSE, as predicted; #1: is listening (C1)
What helps: #1: stop the owner
exit status 1
";
const UNLISTED: &str = "\
The sockets cannot be listed (sock_diag: REASON).
The trial binds below do not depend on the list.
bind 127.0.0.1:PORT without SO_REUSEADDR: RESULT, not predictable, as an option cannot be read
bind 127.0.0.1:PORT with SO_REUSEADDR: RESULT, not predictable, as an option cannot be read
";
const HIDDEN_FROM_ROOT: &str =
    "Some processes are hidden even from root; CAP_SYS_PTRACE is missing.";
const HIDDEN: &str = "Other users' processes are hidden; run as root to see them.";
const ELSEWHERE: &str = "\
The owner may be in another PID namespace; run explain there or on the host.
A socket in flight over a UNIX socket (SCM_RIGHTS) has no process, nor has a
socket of the kernel.";

#[test]
fn a_holder_that_is_not_found_is_looked_for_again_unless_it_may_be_hidden() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    let trace = scratch("explain.unseen");
    let links = "?readlink,readlinkat"; // the builds differ; not each architecture has both
    let full =
        "The processes cannot be listed (/proc: Too many open files in system); is it mounted?";
    for (calls, error, snapshots, note) in [
        ("openat", "EACCES", 1, HIDDEN_FROM_ROOT),
        ("openat", "EPERM", 1, HIDDEN_FROM_ROOT),
        ("openat", "ENOENT", 5, ELSEWHERE),
        ("openat", "ESRCH", 5, ELSEWHERE),
        ("openat", "ENFILE", 5, full),
        (links, "EACCES", 1, HIDDEN_FROM_ROOT),
        (links, "ENOENT", 5, ELSEWHERE),
    ] {
        let seen = is_root() || note == full;
        let note = if seen { note } else { HIDDEN };
        // In a PID namespace without the holder. The calls that fail read the entries of strace, process 1.
        let mut words = ["unshare", "--pid", "--fork", "--mount-proc"]
            .map(String::from)
            .to_vec();
        words.extend((!is_root()).then(|| "--map-current-user".into()));
        let options = format!(
            "-f --seccomp-bpf -P /proc/1/fd -P /proc/1/fd/0 -e trace=openat,{calls} \
             -e inject={calls}:error={error}"
        );
        words.extend(words_of(&strace(&options, &trace)));
        for build in builds() {
            let report = explain_under(&words, build, address);
            report.is(&Names::of(address.port()), &UNSEEN.replace("NOTE", note));
            let calls_made = take_file(&trace).unwrap();
            let taken = calls_made.matches("\"/proc/1/fd\"").count();
            assert_eq!(taken, snapshots, "{calls} {error}");
        }
    }
}

#[test]
fn without_its_entries_in_proc_the_holder_is_not_visible() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    let (_, expected) = UNSEEN.split_once(" UID").unwrap();
    let shows = |words: &[String], note: &str| {
        let report = explain_with(words, address);
        report.has(&Names::of(address.port()), &expected.replace("NOTE", note));
    };
    let ports = "/proc/sys/net/ipv4/ip_local_port_range";
    let words = injecting_for(&["/proc", ports], "openat:error=ENOENT");
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
fn without_pidfd_getfd_the_trial_reveals_the_option() {
    let _alone = alone();
    let (_holder, address) = held("ESTABLISHED", true);
    let old = "Options cannot be read: pidfd_getfd needs Linux 5.6 or newer.";
    let denied = "Options cannot be read (pidfd_getfd: Operation not permitted).\n";
    let [root, user] = ["CAP_SYS_PTRACE is missing.", "Run as root to read them."];
    let advice = if is_root() { root } else { user };
    for (error, note) in [("ENOSYS", old), ("EPERM", &format!("{denied}{advice}"))] {
        for call in ["pidfd_open", "pidfd_getfd"] {
            let report = injected(&[&format!("{call}:error={error}")], address);
            let row = format!(" ? ? UID; held by TEST\n{note}\nTEST test; 1: ");
            report.has(&Names::of(address.port()), &row);
            report.shows(" with SO_REUSEADDR: OK, not predictable, ");
            report.shows("\n    #1: has SO_REUSEADDR, as the result shows\n");
        }
    }
}

#[test]
fn without_sock_diag_bind_is_still_tried() {
    let _alone = alone();
    let (_listener, held) = held("LISTEN", true);
    let unsupported = "Address family not supported by protocol";
    let find = "What helps: stop the process that holds it; as root, ss -tanp may show it\nexit status 1\n";
    let domain = "Numerical argument out of domain";
    for (injection, reason) in [
        ("socket:error=EAFNOSUPPORT:when=1", unsupported),
        ("socket:error=EAFNOSUPPORT:when=4", unsupported), // the second list
        ("sendto:error=ENOENT", "No such file or directory"),
        ("setsockopt:error=EDOM:when=1", domain),
        ("recvfrom:error=ENOBUFS:when=1", "No buffer space available"),
        ("recvfrom:error=EAGAIN:when=1", "Connection timed out"),
        ("recvfrom:retval=65537:when=1", "Message too long"),
        // Wrong lengths of a message.
        ("recvfrom:poke_exit=@arg2=00000000:when=1", "Bad message"),
        ("recvfrom:poke_exit=@arg2=08000000:when=1", "Bad message"),
        ("recvfrom:poke_exit=@arg2=ffffffff:when=1", "Bad message"),
    ] {
        let in_use = (held, "EADDRINUSE", find);
        for (address, result, advice) in [in_use, (unused_address(), "OK", "exit status 0\n")] {
            let expected = UNLISTED.replace("REASON", reason).replace("RESULT", result) + advice;
            injected(&[injection], address).is(&Names::of(address.port()), &expected);
        }
    }
}

#[test]
fn an_unknown_option_is_not_decisive_if_a_socket_may_be_missing() {
    let _alone = alone();
    let (_holder, address) = held("FIN_WAIT2", false);
    // Both lists end before the IPv6 sockets.
    let report = injected(&["sendto:error=ENOENT:when=2+2"], address);
    report.shows("\n    #1: may lack SO_REUSEADDR, which cannot be read (C2)\n\nWhat ");
}

#[test]
fn the_tree_has_a_place_for_sockets_whose_holder_is_hidden() {
    let _alone = alone();
    let (_seen, seen) = held("LISTEN", true);
    let unseen = ([127, 0, 0, 2], seen.port()).into();
    let (holder, _) = share(unseen, "echo cat P1 $$; exec cat <&3;", 1);
    let folder = format!("/proc/{}/fd", holder.process.id());
    let words = injecting_for(&[&folder], "openat:error=EACCES");
    let note = if is_root() { HIDDEN_FROM_ROOT } else { HIDDEN };
    let expected = format!(
        "; owner not visible\n{note}\nTEST test; 1: 127.0.0.1:PORT, listening
owner not visible; 2: 127.0.0.2:PORT, listening\n"
    );
    explain_with(&words, seen.port()).has(&Names::of(seen.port()), &expected);
}
