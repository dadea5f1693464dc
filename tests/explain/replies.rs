//! `explain` with sock_diag replies that strace injects.

use super::*;
use libc::{NLMSG_DONE, NLMSG_ERROR};
use std::net::IpAddr;

const CLOSED: &str = "\
Sockets on port 9099:
    TIME_WAIT    127.0.0.1:9099   127.0.0.1:10009  SO_REUSEADDR unknown, 1 s left
        no process
    TIME_WAIT    127.0.0.1:9099   127.0.0.2:10007  SO_REUSEADDR unknown, 60 s left
        no process
    TIME_WAIT    127.0.0.2:9099   127.0.0.9:10004  SO_REUSEADDR unknown, 1 s left
        no process
    TIME_WAIT    127.0.0.2:9099   127.0.0.9:10005  SO_REUSEADDR unknown, 2 s left
        no process
    FIN_WAIT2    127.0.0.3:9099   127.0.0.1:10011  SO_REUSEADDR unknown, 4 s left
        no process
    FIN_WAIT2    127.0.0.10:9099  127.0.0.1:10010  SO_REUSEADDR unknown, 2 s left
        no process
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

/// Runs both builds with --all in a network namespace without sockets. The reply to the first request consists of
/// `sockets`.
fn explain_reply(sockets: &[String]) -> Report {
    // SOCK_DIAG_BY_FAMILY is 20.
    let messages = sockets.iter().map(|socket| message(20, 1, socket));
    let reply = messages.collect::<String>() + &message(NLMSG_DONE, 1, "00000000");
    let length = reply.len() / 2;
    let poke = format!("recvfrom:retval={length}:poke_exit=@arg2={reply}:when=1");
    let mut words = vec![tool("unshare", "util-linux").display().to_string()];
    words.push("--net".into());
    words.extend((!is_root()).then(|| "--map-current-user".into()));
    words.extend(injecting(&[&poke]));
    report(both_under(&words, &["explain", "--all", "0.0.0.0:9099"]))
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
    let report = explain_reply(&sockets);
    report.shows("    sockets whose options cannot be read: 6\n");
    report.shows("    wait 76 s at most\n"); // FIN_WAIT2 for 4 s, TIME_WAIT for 60 s, and 12 s of delay
    assert!(report.text.ends_with(CLOSED), "{}", report.text);
    assert_eq!(report.status, 3);
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
    let report = explain_reply(&sockets);
    report.shows("    sockets whose options cannot be read: 3\n");
    report.shows("[::1]:10002      SO_REUSEADDR unknown, v6only, 1 s left\n");
}

#[test]
fn other_messages_are_skipped_and_interrupted_dumps_requested_five_times_at_most() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    let expected = neutral(&explain(address).text, 0);
    // Inserted before the first reply: ENETDOWN.
    let inserted = |sender, sequence| {
        let message = message(NLMSG_ERROR, sequence, "9cffffff");
        let poke = format!("poke_exit=@arg2={message},@arg5=100000000{sender}000000");
        format!("recvfrom:retval=20:{poke}:when=1")
    };
    // The first message becomes NLMSG_DONE with NLM_F_DUMP_INTR.
    let interrupted = "recvfrom:poke_exit=@arg2=1400000003001200";
    let failing = |request| format!("{interrupted} sendto:error=ENOENT:when={request}");
    let error = |error| format!("cannot be listed (sock_diag: {error}).\n");
    for (injections, shown) in [
        (inserted(0, 1), error("Network is down")),
        (inserted(1, 1), "".into()),
        (inserted(0, 2), "".into()),
        // Each snapshot takes three requests: TCP, and UDP over IPv4 and IPv6.
        (failing(13), error("No such file or directory")),
        (failing(16), format!("{address} may be in use, ")),
        // The end of a dump whose sockets decide.
        (format!("{interrupted}:when=2"), "".into()),
        ("recvfrom:error=EINTR:when=1+2".into(), "".into()),
    ] {
        let injections: Vec<&str> = injections.split(' ').collect();
        let report = injected(&injections, address);
        match shown.as_str() {
            "" => assert_eq!(neutral(&report.text, 0), expected),
            shown => report.shows(shown),
        }
    }
}
