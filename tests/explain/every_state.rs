//! One port, and on it a socket in each state: what is printed about all of them.

use super::*;
use std::net::Shutdown;

const WITHOUT_THE_OPTION: &str = "\
1 LISTEN 127.0.0.2:PORT - 0 0 UID; held by TEST
2 LISTEN 127.0.0.3:PORT - 0 0 UID; held by TEST
3 LISTEN 127.0.0.14:PORT - 0 0 UID; held by TEST
4 BOUND 127.0.0.1:PORT - 0 0 UID; held by TEST
5 ESTABLISHED 127.0.0.2:PORT 127.0.0.1:PEER ? ? -; not accepted yet
6 SYN_RECV 127.0.0.3:PORT 127.0.0.1:PEER ? ? -; no process; the handshake is not complete
7 SYN_SENT 127.0.0.4:PORT 127.0.0.4:PEER 0 0 UID; held by TEST
8 ESTABLISHED 127.0.0.5:PORT 127.0.0.1:PEER 0 0 UID; held by TEST
9 ESTABLISHED 127.0.0.6:PORT 127.0.0.6:PEER 0 0 UID; held by TEST
10 FIN_WAIT1 127.0.0.7:PORT 127.0.0.1:PEER ? ? -; no process; kept until the peer closes or the kernel gives up
11 FIN_WAIT2 127.0.0.8:PORT 127.0.0.1:PEER ? ? -; no process, N s left
12 CLOSE_WAIT 127.0.0.9:PORT 127.0.0.1:PEER 0 0 UID; held by TEST
13 CLOSING 127.0.0.10:PORT 127.0.0.1:PEER ? ? -; no process; kept until the peer closes or the kernel gives up
14 LAST_ACK 127.0.0.11:PORT 127.0.0.1:PEER ? ? -; no process; kept until the peer closes or the kernel gives up
15 TIME_WAIT 127.0.0.12:PORT 127.0.0.1:PEER ? ? -; no process, N s left
16 FIN_WAIT2 127.0.0.13:PORT 127.0.0.1:PEER 0 0 UID; held by TEST
17 CLOSE_WAIT 127.0.0.14:PORT 127.0.0.1:PEER ? ? -; not accepted yet
TEST test; 1: 127.0.0.2:PORT, listening; 2: 127.0.0.3:PORT, listening; 3: 127.0.0.14:PORT, listening; \
4: 127.0.0.1:PORT, bound, not listening; 7: 127.0.0.4:PORT <--> 127.0.0.4:PEER, SYN_SENT; \
8: 127.0.0.5:PORT <--> 127.0.0.1:PEER (TEST test); and 3 more
not accepted yet; 5: 127.0.0.2:PORT <--> 127.0.0.1:PEER (TEST test); \
17: 127.0.0.14:PORT <--> 127.0.0.1:PEER (TEST test), CLOSE_WAIT
no process; 6: 127.0.0.3:PORT <--> 127.0.0.1:PEER (TEST test), SYN_RECV; \
10: 127.0.0.7:PORT <--> 127.0.0.1:PEER (TEST test), FIN_WAIT1; \
11: 127.0.0.8:PORT <--> 127.0.0.1:PEER (TEST test), FIN_WAIT2; \
13: 127.0.0.10:PORT <--> 127.0.0.1:PEER (TEST test), CLOSING; \
14: 127.0.0.11:PORT <--> 127.0.0.1:PEER (TEST test), LAST_ACK; \
15: 127.0.0.12:PORT <--> 127.0.0.1:PEER, TIME_WAIT
bind 0.0.0.0:PORT without SO_REUSEADDR: EADDRINUSE, as predicted; #1, 2, 3: is listening (C1); \
#4, 5, 7, 8, 9, 10, 11, 12 and more: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 0.0.0.0:PORT with SO_REUSEADDR: EADDRINUSE, as predicted; #1, 2, 3: is listening (C1); \
#4, 7, 8, 9, 12, 16: lacks SO_REUSEADDR (C2); \
#5, 10, 11, 13, 14, 15, 17: may lack SO_REUSEADDR, which cannot be read (C2)
What helps: #1, 2, 3, 7, 12: stop process TEST; #4: stop process TEST, or have it set SO_REUSEADDR; \
#5, 17: stop the listener, which closes this too; \
#8, 9: let the peer close, then stop process TEST (else wait up to 120 s); \
#10, 13: wait until 60 s after the peer closes, or until the kernel gives up; \
#11: wait N s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT); \
#14: wait until the peer acknowledges, or until the kernel gives up; #15: wait N s (TIME_WAIT); \
#16: stop process TEST, then wait until 60 s after the peer closes; \
next time: set SO_REUSEADDR before bind in every program that uses the port
exit status 1
";
const WITH_THE_OPTION: &str = "\
bind 0.0.0.0:PORT without SO_REUSEADDR: EADDRINUSE, as predicted; \
#1, 2, 3, 4, 5, 6, 7, 8 and more: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 0.0.0.0:PORT with SO_REUSEADDR: OK, not predictable, as an option cannot be read; \
#5, 6, 8, 9, 10: has SO_REUSEADDR, as the result shows
What helps: set SO_REUSEADDR before bind
exit status 0
";

/// A socket in each of `states`, on `port` of 127.0.0.1, 127.0.0.2 and so on.
fn hold_each(states: &str, port: u16, option: bool) -> Vec<Holder> {
    let states = states.split_whitespace().zip(1..);
    let hold = |(state, host)| hold(state, ([127, 0, 0, host], port).into(), option).unwrap();
    states.map(hold).collect()
}

/// Compares what is printed about all sockets on `port`.
fn check(port: u16, expected: &str) {
    let report = explain(port);
    match is_before_6_8(&release()) {
        true => assert!(!report.text.contains("BOUND"), "{}", report.text),
        false => report.has(&Names::of(port), expected),
    }
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
    // Two connections that are not accepted. The peer of the second has closed.
    let _open = TcpStream::connect(("127.0.0.2", port)).unwrap();
    let closed = TcpStream::connect(("127.0.0.14", port)).unwrap();
    closed.shutdown(Shutdown::Write).unwrap();
    check(port, WITHOUT_THE_OPTION);
}

#[test]
fn no_state_but_listen_conflicts_if_both_sockets_have_the_option() {
    let _alone = alone();
    let port = fresh_port();
    let states = "BOUND SYN_SENT ESTABLISHED CLIENT FIN_WAIT1 FIN_WAIT2 CLOSE_WAIT CLOSING LAST_ACK \
        TIME_WAIT";
    let _held = hold_each(states, port, true);
    check(port, WITH_THE_OPTION);
}
