//! Sockets, processes and addresses out of the ordinary.

use super::limits::listener;
use super::{alone, explain};
use crate::support::{
    bind_socket, fresh_port, has_ipv6, is_before_6_8, is_root, own_uid, release, set_option,
};
use libc::{SO_REUSEPORT, SOL_SOCKET};
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::fchown;

#[test]
fn a_process_name_is_printed_on_one_line_whatever_its_bytes_are() {
    let _alone = alone();
    for (name, shown) in [
        ("", "?"),
        (" x", "?x"),
        ("  ", "??"),
        ("\t\nab", "?\\nab"),
        ("a b\u{1b}[2J)", "a?b?[2J)"),
    ] {
        let (_listener, address) = listener();
        let file = "/proc/self/comm";
        let old = fs::read_to_string(file).unwrap();
        fs::write(file, format!("{name}\0")).unwrap();
        let report = explain(&address.to_string());
        fs::write(file, old.trim_end()).unwrap();
        let holder = report.details()[0];
        let named =
            holder.starts_with("held by pid ") && holder.contains(&format!(" ({shown}), fd "));
        assert!(named, "{}", report.text);
    }
}

#[test]
fn an_address_limits_the_list_and_a_port_alone_does_not() {
    let _alone = alone();
    let port = fresh_port();
    let addresses = [1, 2, 3].map(|last| SocketAddr::from(([127, 0, 0, last], port)));
    let _held = addresses.map(|address| TcpListener::bind(address).unwrap());
    let [here, there, _] = addresses;
    let report = explain(&here.to_string());
    assert_eq!(report.row(1)[1], here.to_string());
    assert!(report.row(2).is_empty(), "{}", report.text);
    report.shows("\nSockets on other addresses of this port, without conflict: 2.\n");
    assert!(!report.text.contains(&there.to_string()), "{}", report.text);

    let report = explain(&port.to_string());
    assert_eq!(report.row(2)[1], there.to_string());
    assert!(!report.text.contains("without conflict"), "{}", report.text);
}

#[test]
fn an_address_that_cannot_be_bound_is_not_blamed_on_sockets() {
    let _alone = alone();
    if !has_ipv6() {
        return;
    }
    let report = explain(&format!("[ff02::1]:{}", fresh_port()));
    report.shows_detail("bind to an address that is neither multicast nor link-local");
    assert_eq!(report.status, 1);
}

#[test]
fn two_descriptors_and_an_unaccepted_connection_are_shown() {
    let _alone = alone();
    let (first, address) = listener();
    let _second = first.try_clone().unwrap();
    let _client = TcpStream::connect(address).unwrap();
    let report = explain(&address.to_string());
    let mut holders = report.details();
    holders.retain(|line| line.starts_with("held by pid "));
    assert_eq!(holders.len(), 2, "{}", report.text);
    report.shows_detail("not accepted yet");
    report.shows_detail("#2: may lack SO_REUSEADDR, which cannot be read (C2)");
    report.shows_detail("#2: stop the listener, which closes this too");
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

#[test]
fn a_bound_socket_is_listed_with_its_options_and_may_set_one() {
    let _alone = alone();
    let v6 = has_ipv6();
    let ip: IpAddr = if v6 { "::1" } else { "127.0.0.1" }.parse().unwrap();
    let address = SocketAddr::new(ip, fresh_port());
    let bound = bind_socket(address, false).unwrap();
    set_option(&bound, SOL_SOCKET, SO_REUSEPORT, 1).unwrap();
    let report = explain(&address.to_string());
    if is_before_6_8(&release()) {
        report.shows_detail("the conflicting socket is not listed, or has just been closed");
        return;
    }
    assert_eq!(
        report.row(1),
        [
            "BOUND",
            &address.to_string(),
            "-",
            "0",
            "1",
            &own_uid().to_string()
        ]
    );
    assert_eq!(report.details().contains(&"v6only"), v6, "{}", report.text);
    let pid = std::process::id();
    report.shows_detail(&format!(
        "#1: stop process {pid}, or have it set SO_REUSEADDR"
    ));
}
