//! `explain` with sock_diag replies that strace injects.

use super::neutral::folded;
use super::*;
use libc::{NLMSG_DONE, NLMSG_ERROR};
use std::net::IpAddr;

const CLOSED: &str = "\
1 TIME_WAIT 127.0.0.1:9099 127.0.0.1:10009 ? ? -; no process, 1 s left
2 TIME_WAIT 127.0.0.1:9099 127.0.0.2:10007 ? ? -; no process, 60 s left
3 TIME_WAIT 127.0.0.2:9099 127.0.0.9:10004 ? ? -; no process, 1 s left
4 TIME_WAIT 127.0.0.2:9099 127.0.0.9:10005 ? ? -; no process, 2 s left
5 FIN_WAIT2 127.0.0.3:9099 127.0.0.1:10011 ? ? -; no process, 4 s left
6 FIN_WAIT2 127.0.0.10:9099 127.0.0.1:10010 ? ? -; no process, 2 s left
bind 0.0.0.0:9099 without SO_REUSEADDR: EADDRINUSE, as predicted; \
#1, 2, 3, 4, 5, 6: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 0.0.0.0:9099 with SO_REUSEADDR: EADDRINUSE, not predictable, as an option cannot be read; \
#1, 2, 3, 4, 5, 6: may lack SO_REUSEADDR, which cannot be read (C2)
What helps: #1, 2, 3, 4: wait 60 s (TIME_WAIT); \
#5, 6: wait 4 s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT); \
next time: set SO_REUSEADDR before bind in every program that uses the port
exit status 1
";
const V6ONLY: &str = "\
1 TIME_WAIT [::]:9099 [::1]:10001 ? ? -; no process, 1 s left
2 TIME_WAIT [::]:9099 [::1]:10002 ? ? -; no process, 1 s left; v6only
3 TIME_WAIT [::]:9099 [::1]:10003 ? ? -; no process, 1 s left
4 TIME_WAIT [::]:9099 [::1]:10004 ? ? -; no process, 1 s left
bind 0.0.0.0:9099 without SO_REUSEADDR: EADDRINUSE, as predicted; \
#1, 4: may lack IPV6_V6ONLY, which cannot be read; \
#3: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 0.0.0.0:9099 with SO_REUSEADDR: OK, not predictable, as an option cannot be read; \
#1, 4: may lack IPV6_V6ONLY, which cannot be read; #3: has SO_REUSEADDR, as the result shows
What helps: set SO_REUSEADDR before bind
exit status 0
";
const NOTHING: &str = "\
No TCP socket uses port 9099 in this network namespace.
bind 0.0.0.0:9099 without SO_REUSEADDR: OK, as predicted
bind 0.0.0.0:9099 with SO_REUSEADDR: OK, as predicted
exit status 0
";

const FIN_WAIT2: u8 = 5;
const TIME_WAIT: u8 = 6;

/// A netlink message from the kernel with NLM_F_MULTI. It and `body` are little-endian, in hexadecimal.
fn message(kind: i32, sequence: u32, body: &str) -> String {
    let length = 16 + body.len() / 2;
    format!("{length:02x}000000{kind:02x}000200{sequence:02x}00000000000000{body}")
}

/// An inet_diag_msg, in hexadecimal: a socket in `state`, which it leaves after `milliseconds`.
fn socket(state: u8, local: &str, peer: &str, cookie: u64, milliseconds: u32) -> String {
    let [local, peer]: [SocketAddr; 2] = [local, peer].map(|text| text.parse().unwrap());
    let octets = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => [&ip.octets()[..], &[0; 12]].concat(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let body = [
        &[if local.is_ipv4() { 2 } else { 10 }, state, 3, 0][..],
        &[local.port(), peer.port()].map(u16::to_be_bytes).concat(),
        &[octets(local), octets(peer), vec![0; 4]].concat(),
        &cookie.to_ne_bytes(),
        &milliseconds.to_ne_bytes(),
        &[0; 16],
    ];
    let bytes = body.concat();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs both builds for port 9099 in a network namespace without sockets, and compares what they print with
/// `expected`. The replies that `when` selects consist of `sockets`. bind(2) fails as `binds` selects.
fn check(sockets: &[String], when: &str, binds: &str, expected: &str) {
    // SOCK_DIAG_BY_FAMILY is 20.
    let mut reply: String = sockets
        .iter()
        .map(|socket| message(20, 1, socket))
        .collect();
    reply += &message(NLMSG_DONE, 1, "00000000");
    let length = reply.len() / 2;
    let poke = format!("recvfrom:retval={length}:poke_exit=@arg2={reply}:when={when}");
    let failing = format!("bind:error=EADDRINUSE:when={binds}");
    let mut words = vec![tool("unshare", "util-linux").display().to_string()];
    words.push("--net".into());
    words.extend((!is_root()).then(|| "--map-current-user".into()));
    words.extend(injecting(&[&poke, &failing]));
    let report = report(both_under(&words, &["explain", "9099"]));
    let text = folded(&report.text, report.status);
    assert!(text == expected, "{text}--- instead of\n{expected}");
}

#[test]
fn seconds_are_rounded_up_and_sockets_are_sorted() {
    let _alone = alone();
    let at = |host| format!("127.0.0.{host}:9099");
    let sockets = [
        socket(0, &at(1), "127.0.0.1:10001", 1, 1),
        socket(12, &at(1), "127.0.0.1:10002", 2, 1),
        "02010000".into(), // too short
        socket(TIME_WAIT, &at(2), "127.0.0.9:10005", 3, 1001),
        socket(TIME_WAIT, &at(2), "127.0.0.9:10004", 4, 1000),
        socket(FIN_WAIT2, &at(10), "127.0.0.1:10010", 5, 2000),
        socket(FIN_WAIT2, &at(3), "127.0.0.1:10011", 6, 3001),
        socket(TIME_WAIT, &at(1), "127.0.0.2:10007", 7, 60_000),
        socket(TIME_WAIT, &at(1), "127.0.0.1:10009", 8, 1),
        socket(1, "127.0.0.1:10012", "127.0.0.1:10013", 9, 1), // ESTABLISHED
    ];
    check(&sockets, "1+5", "1+1", CLOSED);
}

#[test]
fn ipv6_v6only_is_read_from_the_attributes_if_they_have_it() {
    let _alone = alone();
    let attributes = [
        "",
        "050008000000000005000b0001000000",
        "050008000000000005000b0000000000",
        "000008000000000005000b0001000000", // a wrong length
    ];
    let sockets = [1, 2, 3, 4].map(|cookie| {
        let peer = format!("[::1]:1000{cookie}");
        socket(TIME_WAIT, "[::]:9099", &peer, cookie, 1) + attributes[cookie as usize - 1]
    });
    check(&sockets, "1+5", "1+2", V6ONLY);
}

#[test]
fn a_socket_that_is_not_in_both_lists_is_left_out() {
    let _alone = alone();
    for reply in ["1", "5"] {
        let socket = socket(TIME_WAIT, "127.0.0.1:9099", "127.0.0.1:10001", 1, 1);
        check(&[socket], reply, "9", NOTHING);
    }
}

#[test]
fn other_messages_are_skipped_and_interrupted_dumps_requested_five_times_at_most() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    let expected = explain(address).text;
    // Inserted before the first reply: ENETDOWN.
    let inserted = |sender, sequence| {
        let message = message(NLMSG_ERROR, sequence, "9cffffff");
        let poke = format!("poke_exit=@arg2={message},@arg5=100000000{sender}000000");
        format!("recvfrom:retval=20:{poke}:when=1")
    };
    // The first message becomes NLMSG_DONE with NLM_F_DUMP_INTR.
    let interrupted = "recvfrom:poke_exit=@arg2=1400000003001200";
    let failing = |request| format!("{interrupted} sendto:error=ENOENT:when={request}");
    for (injections, error) in [
        (inserted(0, 1), "Network is down"),
        (inserted(1, 1), ""),
        (inserted(0, 2), ""),
        (failing(5), "No such file or directory"),
        (failing(6), "Interrupted system call"),
        // The end of the first dump of the second list: its sockets are not listed twice.
        (format!("{interrupted}:when=7"), ""),
        ("recvfrom:error=EINTR:when=1+2".into(), ""),
    ] {
        let injections: Vec<&str> = injections.split(' ').collect();
        let report = injected(&injections, address);
        match error {
            "" => assert_eq!(report.text, expected),
            _ => report.shows(&format!("cannot be listed (sock_diag: {error}).\n")),
        }
    }
}
