//! What `explain` makes of the kernel's messages, which strace replaces.

use super::limits::{injected, listener};
use super::{Report, alone, explain, explain_with};
use crate::support::tool;
use std::net::SocketAddr;

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

/// Runs both builds for `address`, and inserts a message before the first reply: the error ENETDOWN. `${own}`
/// as the port id is that of explain, which is its process id.
fn with_message(sender: &str, sequence: &str, port_id: &str, address: &SocketAddr) -> Report {
    let script = format!(
        "own=$(printf %02x $(($$ & 255)) $(($$ >> 8 & 255)) $(($$ >> 16 & 255)) 0)
        message=1400000002000000{sequence}{port_id}9cffffff
        exec {} -Dfo /dev/null --seccomp-bpf -e trace=recvfrom -e \
        inject=recvfrom:retval=20:poke_exit=@arg2=$message,@arg5=10000000{sender}:when=1 \"$@\"",
        tool("strace", "strace").display()
    );
    let words = ["sh", "-c", &script, "sh"].map(String::from);
    explain_with(&words, &address.to_string())
}

#[test]
fn a_message_that_is_not_the_kernels_reply_to_the_request_is_skipped() {
    let _alone = alone();
    let (_listener, held) = listener();
    let expected = explain(&held.to_string()).text;
    for (sender, sequence, port_id, is_reply) in [
        ("00000000", "01000000", "${own}", true),
        ("01000000", "01000000", "${own}", false),
        ("00000000", "02000000", "${own}", false),
        ("00000000", "01000000", "ffffffff", false),
    ] {
        let report = with_message(sender, sequence, port_id, &held);
        if is_reply {
            report.shows("The sockets cannot be listed (sock_diag: Network is down).\n");
        } else {
            assert_eq!(report.text, expected);
        }
    }
}

#[test]
fn an_inconsistent_dump_is_requested_five_times_at_most() {
    let _alone = alone();
    let (_listener, held) = listener();
    let expected = explain(&held.to_string()).text;
    // The first message becomes NLMSG_DONE with NLM_F_DUMP_INTR.
    let interrupted = "recvfrom:poke_exit=@arg2=1400000003001200";
    for (request, reason) in [
        (5, "No such file or directory"),
        (6, "Interrupted system call"),
    ] {
        let report = injected(
            &[interrupted, &format!("sendto:error=ENOENT:when={request}")],
            &held,
        );
        report.shows(&format!(
            "The sockets cannot be listed (sock_diag: {reason}).\n"
        ));
    }
    // The end of the first dump of the second list: its sockets are not listed twice.
    let report = injected(&[&format!("{interrupted}:when=7")], &held);
    assert_eq!(report.text, expected);
}

#[test]
fn a_receive_that_a_signal_interrupts_is_repeated() {
    let _alone = alone();
    let (_listener, held) = listener();
    let expected = explain(&held.to_string()).text;
    let report = injected(&["recvfrom:error=EINTR:when=1+2"], &held);
    assert_eq!(report.text, expected);
}
