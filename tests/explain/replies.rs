//! What `explain` makes of the kernel's replies, which strace replaces by made-up ones.

use super::neutral::Names;
use super::{Report, alone, explain_with, unused_address};
use crate::support::{
    Program, builds, fill, hold, is_root, scratch, send_signal, strace, tool, wait_for,
};
use libc::SIGCONT;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};

const CLOSED: &str = "\
#  state        local            peer             reuseaddr  reuseport  uid
1  TIME_WAIT    127.0.0.1:9099   127.0.0.1:10009  ?          ?          -
    no process, 1 s left
2  TIME_WAIT    127.0.0.1:9099   127.0.0.2:10007  ?          ?          -
    no process, 60 s left
3  TIME_WAIT    127.0.0.2:9099   127.0.0.9:10004  ?          ?          -
    no process, 1 s left
4  TIME_WAIT    127.0.0.2:9099   127.0.0.9:10005  ?          ?          -
    no process, 2 s left
5  FIN_WAIT2    127.0.0.3:9099   127.0.0.1:10011  ?          ?          -
    no process, 4 s left
6  FIN_WAIT2    127.0.0.10:9099  127.0.0.1:10010  ?          ?          -
    no process, 2 s left

bind 0.0.0.0:9099 without SO_REUSEADDR: EADDRINUSE, as predicted
    #1, 2, 3, 4, 5, 6: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 0.0.0.0:9099 with SO_REUSEADDR: EADDRINUSE, not predictable, as an option cannot be read
    #1, 2, 3, 4, 5, 6: may lack SO_REUSEADDR, which cannot be read (C2)

What helps:
    #1, 2, 3, 4: wait 60 s (TIME_WAIT)
    #5, 6: wait 4 s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT)
    next time: set SO_REUSEADDR before bind in every program that uses the port
exit status 1
";
const V6ONLY: &str = "\
#  state        local      peer         reuseaddr  reuseport  uid
1  TIME_WAIT    [::]:9099  [::1]:10001  ?          ?          -
    no process, 1 s left
2  TIME_WAIT    [::]:9099  [::1]:10002  ?          ?          -
    no process, 1 s left
    v6only
3  TIME_WAIT    [::]:9099  [::1]:10003  ?          ?          -
    no process, 1 s left
4  TIME_WAIT    [::]:9099  [::1]:10004  ?          ?          -
    no process, 1 s left

bind 0.0.0.0:9099 without SO_REUSEADDR: EADDRINUSE, as predicted
    #1, 4: may lack IPV6_V6ONLY, which cannot be read
    #3: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 0.0.0.0:9099 with SO_REUSEADDR: OK, not predictable, as an option cannot be read
    #1, 4: may lack IPV6_V6ONLY, which cannot be read
    #3: has SO_REUSEADDR, as the result shows

What helps:
    set SO_REUSEADDR before bind
exit status 0
";
const CLOSED_MEANWHILE: &str = "\
# state local peer reuseaddr reuseport uid
1 FIN_WAIT1 127.0.0.1:PORT 127.0.0.1:PEER 1 0 -
    no process; kept until the peer closes or the kernel gives up

no process
     1: 127.0.0.1:PORT <--> 127.0.0.1:PEER (TEST test), FIN_WAIT1
";
const NOTHING: &str = "\
No TCP socket uses port 9099 in this network namespace.

bind 0.0.0.0:9099 without SO_REUSEADDR: OK, as predicted
bind 0.0.0.0:9099 with SO_REUSEADDR: OK, as predicted
exit status 0
";

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const ESTABLISHED: u8 = 1;
const FIN_WAIT2: u8 = 5;
const TIME_WAIT: u8 = 6;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A netlink message, in hexadecimal. `${own}` is the port id of explain, its process id.
fn message(kind: u16, body: &str) -> String {
    let length = 16 + body.len() as u32 / 2;
    let flags = libc::NLM_F_MULTI as u16;
    let start = [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &flags.to_ne_bytes(),
    ]
    .concat();
    format!("{}01000000${{own}}{body}", hex(&start))
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
        &local.port().to_be_bytes(),
        &peer.port().to_be_bytes(),
        &octets(local),
        &octets(peer),
        &[0; 4],
        &cookie.to_ne_bytes(),
        &milliseconds.to_ne_bytes(),
        &[0; 16],
    ];
    hex(&body.concat())
}

/// Runs both builds for port 9099 in a network namespace without sockets, and compares what they print with
/// `expected`. The replies that `when` selects consist of `sockets`. `more` are options of strace.
fn check(sockets: &[String], when: &str, more: &str, expected: &str) {
    let message_about = |socket: &String| message(SOCK_DIAG_BY_FAMILY, socket);
    let mut reply: String = sockets.iter().map(message_about).collect();
    reply += &message(libc::NLMSG_DONE as u16, "00000000");
    let length = reply.replace("${own}", "00000000").len() / 2;
    let user = if is_root() { "" } else { "--map-current-user" };
    let script = format!(
        "own=$(printf %02x $(($$ & 255)) $(($$ >> 8 & 255)) $(($$ >> 16 & 255)) 0)
        exec {} --net {user} {} -Dfo /dev/null --seccomp-bpf -e trace=recvfrom,bind {more} -e \
        inject=recvfrom:retval={length}:poke_exit=@arg2={reply}:when={when} \"$@\"",
        tool("unshare", "util-linux").display(),
        tool("strace", "strace").display()
    );
    let words = ["sh", "-c", &script, "sh"].map(String::from);
    let report = explain_with(&words, "9099");
    let text = format!("{}exit status {}\n", report.text, report.status);
    assert!(
        text == expected,
        "--- expected\n{expected}--- printed\n{text}"
    );
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
        socket(ESTABLISHED, "127.0.0.1:10012", "127.0.0.1:10013", 9, 1),
    ];
    let failing = "-e inject=bind:error=EADDRINUSE";
    check(&sockets, "1+5", failing, CLOSED);
}

#[test]
fn ipv6_v6only_is_read_from_the_attributes_if_they_have_it() {
    let _alone = alone();
    let failing = "-e inject=bind:error=EADDRINUSE:when=1+2";
    let socket = |cookie| {
        socket(
            TIME_WAIT,
            "[::]:9099",
            &format!("[::1]:1000{cookie}"),
            cookie,
            1,
        )
    };
    let sockets = [
        socket(1),
        socket(2) + "050008000000000005000b0001000000",
        socket(3) + "050008000000000005000b0000000000",
        socket(4) + "000008000000000005000b0001000000", // a wrong length
    ];
    check(&sockets, "1+5", failing, V6ONLY);
}

#[test]
fn a_socket_that_is_not_in_both_lists_is_left_out() {
    let _alone = alone();
    for reply in ["1", "5"] {
        let socket = socket(TIME_WAIT, "127.0.0.1:9099", "127.0.0.1:10001", 1, 1);
        check(&[socket], reply, "", NOTHING);
    }
}

#[test]
fn a_socket_that_is_closed_meanwhile_keeps_its_options_and_loses_its_holder() {
    let _alone = alone();
    for build in builds() {
        let address = unused_address();
        let mut holder = hold("ESTABLISHED", address, true).unwrap();
        let socket = TcpStream::from(holder.fds.remove(0));
        fill(&socket).unwrap();
        // Between the lists, explain stops: at its first bind.
        let trace = scratch("explain.trace");
        let mut command = strace(
            "-Df -e trace=bind -e inject=bind:signal=SIGSTOP:when=1",
            &trace,
        );
        command
            .arg(&build.path)
            .args(["explain", &address.to_string()]);
        let mut explain = Program::start(command).unwrap();
        let is_stopped = || {
            let lines = fs::read_to_string(&trace).unwrap_or_default();
            lines.contains("stopped by SIGSTOP").then_some(())
        };
        wait_for("stop", is_stopped).unwrap();
        fs::remove_file(&trace).unwrap();
        drop(socket);
        send_signal(explain.process.id() as i32, SIGCONT).unwrap();
        let text = explain.lines.iter().map(|line| line + "\n").collect();
        let status = explain.process.wait().unwrap().code().unwrap();
        Report { text, status }.has(&Names::of(address.port()), CLOSED_MEANWHILE);
    }
}
