//! Sockets, processes and addresses out of the ordinary.

use super::limits::listener;
use super::neutral::Names;
use super::{alone, explain, unused_address};
use crate::support::{
    bind_socket, bind_with, connect, fresh_port, hold, is_root, listen, own_uid, set_option,
};
use libc::{SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, fchown};

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
const TO_ITSELF: &str = "\
# state local peer reuseaddr reuseport uid
1 ESTABLISHED 127.0.0.1:PORT 127.0.0.1:PORT 1 0 UID
    held by pid TEST (test), fd N, uid UID

TEST test
     1: 127.0.0.1:PORT <--> 127.0.0.1:PORT (TEST test)
";

#[test]
fn a_process_name_is_printed_on_one_line_whatever_its_bytes_are() {
    let _alone = alone();
    for (name, shown) in [
        ("", "?"),
        (" x", "?x"),
        ("  ", "??"),
        ("\t\nab", "?\\nab"),
        ("a b\u{1b}[2J)", "a?b?[2J)"),
        ("!~\u{7f}", "!~?"),
        ("fifteen letters", "fifteen?letters"),
    ] {
        let (_listener, address) = listener();
        fs::write("/proc/self/comm", format!("{name}\0")).unwrap();
        let report = explain(&address.to_string());
        let holder = report.details()[0];
        let named =
            holder.starts_with("held by pid ") && holder.contains(&format!(" ({shown}), fd "));
        assert!(named, "{}", report.text);
    }
}

#[test]
fn two_descriptors_a_peer_and_an_unaccepted_connection_are_shown() {
    let _alone = alone();
    let address = unused_address();
    let first = hold("LISTEN", address, false).unwrap().fds.remove(0);
    set_option(&first, SOL_SOCKET, SO_REUSEPORT, 1).unwrap();
    let _second = first.try_clone().unwrap();
    let client = SocketAddr::from(([127, 0, 0, 100], fresh_port()));
    let socket = bind_socket(client, false).unwrap();
    connect(&socket, address).unwrap();
    let names = Names::of(address.port()).and(&format!(":{}", client.port()), ":PEER");
    let text = names.apply(&explain(&address.to_string()).text);
    assert_eq!(text, ALIGNED.replace("UID", &own_uid().to_string()));
}

#[test]
fn a_socket_that_is_connected_to_itself_is_listed_once() {
    let _alone = alone();
    let address = unused_address();
    let socket = bind_socket(address, true).unwrap();
    connect(&socket, address).unwrap();
    explain(&address.to_string()).has(&Names::of(address.port()), TO_ITSELF);
}

#[test]
fn sockets_that_differ_in_nothing_else_are_in_the_order_of_their_inodes() {
    let _alone = alone();
    let address = unused_address();
    let sockets = [0; 2].map(|_| {
        let socket = bind_with(SOL_SOCKET, SO_REUSEPORT, address).unwrap();
        listen(&socket, 1).unwrap();
        socket
    });
    let mut inodes = sockets.each_ref().map(|socket| {
        let file = fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd()));
        (file.unwrap().ino(), socket)
    });
    inodes.sort_by_key(|&(inode, _)| inode);
    set_option(inodes[1].1, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    let report = explain(&address.to_string());
    let options = [1, 2].map(|number| report.row(number)[3].to_string());
    assert_eq!(options, ["0", "1"], "{}", report.text);
}

#[test]
fn the_column_uid_is_the_sockets_and_not_its_holders() {
    let _alone = alone();
    let (listener, address) = listener();
    // A process that executes a setuid program differs from its sockets too, the other way round.
    let uid = if is_root() { 65534 } else { own_uid() };
    fchown(&listener, Some(uid), None).unwrap();
    let report = explain(&address.to_string());
    assert_eq!(report.row(1)[3..], ["1", "0", &uid.to_string()]);
    let holder = report.details()[0];
    let of_process = format!(", uid {}", own_uid());
    assert!(holder.ends_with(&of_process), "{}", report.text);
}

#[test]
fn of_the_descriptors_of_a_socket_eight_are_listed() {
    let _alone = alone();
    let (listener, address) = listener();
    let mut copies: Vec<TcpListener> = Vec::new();
    for (count, shown) in [(8, None), (9, Some("and 1 more")), (12, Some("and 4 more"))] {
        copies.resize_with(count - 1, || listener.try_clone().unwrap());
        let report = explain(&address.to_string());
        let details = report.details();
        let is_holder = |line: &&&str| line.starts_with("held by pid ");
        assert_eq!(details.iter().filter(is_holder).count(), 8);
        let rest = details.into_iter().find(|line| line.ends_with(" more"));
        assert_eq!(rest, shown, "{}", report.text);
    }
}
