//! One port, and on it a socket in each state: what is printed about all of them.

use super::*;
use std::net::{Shutdown, SocketAddrV4};

const WITHOUT_THE_OPTION: &str = "\
TCP port PORT is in use. A server cannot bind it, even if it sets SO_REUSEADDR.
    listening sockets, which SO_REUSEADDR does not override: 3
    sockets without SO_REUSEADDR: 6
    sockets whose options cannot be read: 7

What helps:
    stop TEST
        let its peers close first; else wait N s, or minutes if a peer is gone
    wait until peers acknowledge the last data, or TCP gives up (minutes)
    or close these connections, as root: ss -K -t state connected sport = :PORT
    next time, set SO_REUSEADDR before bind in every program on the port

Sockets on port PORT:
    LISTEN 127.0.0.2:PORT - SO_REUSEADDR off
        TEST
    LISTEN 127.0.0.3:PORT - SO_REUSEADDR off
        TEST
    LISTEN 127.0.0.14:PORT - SO_REUSEADDR off
        TEST
    BOUND 127.0.0.1:PORT - SO_REUSEADDR off
        TEST
    ESTABLISHED 127.0.0.2:PORT 127.0.0.1:PEER SO_REUSEADDR probably off
        not accepted yet by the listener
    SYN_SENT 127.0.0.4:PORT 127.0.0.4:PEER SO_REUSEADDR off
        TEST
    ESTABLISHED 127.0.0.5:PORT 127.0.0.1:PEER SO_REUSEADDR off
        TEST
    ESTABLISHED 127.0.0.6:PORT 127.0.0.6:PEER SO_REUSEADDR off
        TEST
    FIN_WAIT1 127.0.0.7:PORT 127.0.0.1:PEER SO_REUSEADDR unknown
        no process
    FIN_WAIT2 127.0.0.8:PORT 127.0.0.1:PEER SO_REUSEADDR unknown, N s left
        no process
    CLOSE_WAIT 127.0.0.9:PORT 127.0.0.1:PEER SO_REUSEADDR off
        TEST
    CLOSING 127.0.0.10:PORT 127.0.0.1:PEER SO_REUSEADDR unknown
        no process
    LAST_ACK 127.0.0.11:PORT 127.0.0.1:PEER SO_REUSEADDR unknown
        no process
    TIME_WAIT 127.0.0.12:PORT 127.0.0.1:PEER SO_REUSEADDR unknown, N s left
        no process
    FIN_WAIT2 127.0.0.13:PORT 127.0.0.1:PEER SO_REUSEADDR off
        TEST
    CLOSE_WAIT 127.0.0.14:PORT 127.0.0.1:PEER SO_REUSEADDR probably off
        not accepted yet by the listener
    SYN_RECV 127.0.0.3:PORT 127.0.0.1:PEER SO_REUSEADDR probably off
        no process
-> 1
";

/// A socket in each of `states`, on `port` of 127.0.0.1, 127.0.0.2 and so on.
fn hold_each(states: &str, port: u16, option: bool) -> Vec<Holder> {
    let states = states.split_whitespace().zip(1..);
    let hold = |(state, host)| hold(state, ([127, 0, 0, host], port).into(), option).unwrap();
    states.map(hold).collect()
}

#[test]
fn every_state_without_the_option_conflicts_and_has_its_advice() {
    let _alone = alone();
    let port = fresh_port();
    let states = "BOUND LISTEN SYN_RECV SYN_SENT ESTABLISHED CLIENT FIN_WAIT1 FIN_WAIT2 CLOSE_WAIT \
        CLOSING LAST_ACK TIME_WAIT ESTABLISHED LISTEN";
    let mut held = hold_each(states, port, false);
    // FIN_WAIT2 with a process.
    let socket = TcpStream::from(held[12].fds.remove(0));
    socket.shutdown(Shutdown::Write).unwrap();
    let local = SocketAddrV4::new([127, 0, 0, 13].into(), port);
    wait_for_state("FIN_WAIT2", |socket| socket.local == local);
    // Two connections that are not accepted. The peer of the second has closed.
    let _open = TcpStream::connect(("127.0.0.2", port)).unwrap();
    let closed = TcpStream::connect(("127.0.0.14", port)).unwrap();
    closed.shutdown(Shutdown::Write).unwrap();
    let report = explain(format!("--all {port}"));
    match is_before(6, 8) {
        true => assert!(!report.text.contains("BOUND"), "{}", report.text),
        false => report.is(port, WITHOUT_THE_OPTION),
    }
}

#[test]
fn no_state_but_listen_conflicts_if_both_sockets_have_the_option() {
    let _alone = alone();
    let port = fresh_port();
    let states = "BOUND SYN_SENT ESTABLISHED CLIENT CLOSE_WAIT";
    let _held = hold_each(states, port, true);
    let advice = "What helps:\n    set SO_REUSEADDR before bind\n\n";
    let report = explain(port);
    report.has(port, &format!("TCP port PORT {FOR_SETTERS}\n\n{advice}"));
    let listed = 5 - usize::from(is_before(6, 8));
    assert_eq!(report.text.matches(" SO_REUSEADDR on\n").count(), listed);
}
