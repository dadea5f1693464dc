//! Sockets, processes and addresses out of the ordinary.

use super::*;
use libc::{SO_REUSEPORT, SOL_SOCKET};
use std::os::fd::OwnedFd;
use std::os::unix::fs::fchown;

/// With the columns as they are printed.
const ALIGNED: &str = "\
#  state        local           peer              reuseaddr  reuseport  uid
1  LISTEN       127.0.0.1:PORT  -                 0          1          UID
    held by pid TEST (test), fd N, uid UID
    held by pid TEST (test), fd N, uid UID
2  ESTABLISHED  127.0.0.1:PORT  127.0.0.100:PEER  ?          ?          -
    not accepted yet

TEST test
     1: 127.0.0.1:PORT, listening
not accepted yet
     2: 127.0.0.1:PORT <--> 127.0.0.100:PEER (TEST test)

bind 127.0.0.1:PORT without SO_REUSEADDR: EADDRINUSE, as predicted
    #1: is listening (C1)
    #2: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 127.0.0.1:PORT with SO_REUSEADDR: EADDRINUSE, as predicted
    #1: is listening (C1)
    #2: may lack SO_REUSEADDR, which cannot be read (C2)

What helps:
    #1: stop process TEST
    #2: stop the listener, which closes this too
";
#[test]
fn a_process_name_is_printed_on_one_line_whatever_its_bytes_are() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    for (name, shown) in [
        ("", "?"),
        ("  ", "??"),
        ("\t\nab", "?\\nab"),
        ("a b\u{1b}[2J)", "a?b?[2J)"),
        ("!~\u{7f}", "!~?"),
        ("fifteen letters", "fifteen?letters"),
    ] {
        fs::write("/proc/self/comm", format!("{name}\0")).unwrap();
        let holder = format!("\n    held by pid {} ({shown}), fd ", std::process::id());
        explain(address).shows(&holder);
    }
}

#[test]
fn two_descriptors_a_peer_and_an_unaccepted_connection_are_shown() {
    let _alone = alone();
    let (holder, address) = held("LISTEN", false);
    set_option(&holder.fds[0], SOL_SOCKET, SO_REUSEPORT, 1).unwrap();
    let _second = holder.fds[0].try_clone().unwrap();
    let client = SocketAddr::from(([127, 0, 0, 100], fresh_port()));
    let socket = bind_socket(client, false).unwrap();
    connect(&socket, address).unwrap();
    let text = Names::of(address.port()).apply(&explain(address).text);
    assert_eq!(text, ALIGNED);
}

#[test]
fn a_socket_that_is_connected_to_itself_is_listed_once() {
    let _alone = alone();
    let address = unused_address();
    let socket = bind_socket(address, true).unwrap();
    connect(&socket, address).unwrap();
    let row = "1 ESTABLISHED 127.0.0.1:PORT 127.0.0.1:PORT 1 0 UID; held by TEST
TEST test; 1: 127.0.0.1:PORT <--> 127.0.0.1:PORT (TEST test)\nbind ";
    explain(address).has(&Names::of(address.port()), row);
}

#[test]
fn eight_descriptors_of_a_socket_are_listed_below_the_uid_of_the_socket() {
    let _alone = alone();
    let (holder, address) = held("LISTEN", true);
    // fchown(2) changes the uid of the socket; executing a setuid program, that of the process.
    let [root, user] = [(65534, "65534"), (own_uid(), "UID")];
    let (owner, uid) = if is_root() { root } else { user };
    fchown(&holder.fds[0], Some(owner), None).unwrap();
    let mut copies: Vec<OwnedFd> = Vec::new();
    for (count, shown) in [
        (8, ""),
        (9, "; more descriptors: 1"),
        (12, "; more descriptors: 4"),
    ] {
        copies.resize_with(count - 1, || holder.fds[0].try_clone().unwrap());
        let holders = "; held by TEST".repeat(8);
        let row = format!(" - 1 0 {uid}{holders}{shown}\nTEST test; 1: ");
        explain(address).has(&Names::of(address.port()), &row);
    }
}
