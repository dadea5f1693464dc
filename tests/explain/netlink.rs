//! What `explain` makes of the kernel's messages, which strace replaces.

use super::limits::{injected, listener};
use super::{alone, explain};

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
fn a_message_that_is_not_the_kernels_reply_to_the_request_is_skipped() {
    let _alone = alone();
    let (_listener, held) = listener();
    let expected = explain(&held.to_string()).text;
    for (sender, sequence, is_reply) in [(0, 1, true), (1, 1, false), (0, 2, false)] {
        // Inserted before the first reply: NLMSG_ERROR with ENETDOWN.
        let message = format!("14000000020000000{sequence}000000000000009cffffff");
        let message = format!("@arg2={message},@arg5=100000000{sender}000000");
        let poke = format!("recvfrom:retval=20:poke_exit={message}:when=1");
        let report = injected(&[&poke], &held);
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
