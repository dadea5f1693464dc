//! One socket in each state and on each kind of address; what is report of it, and what is so.

use super::{alone, explain, explain_under, unused_address};
use crate::support::{builds, fresh_port, has_ipv6, hold, is_before_6_8, release, scratch, tool};
use std::fs;
use std::net::{IpAddr, SocketAddr};

#[test]
fn on_every_kind_of_address_the_prediction_is_what_bind_returns() {
    let _alone = alone();
    let addresses = "127.0.0.1 127.0.0.2 0.0.0.0 ::1 :: ::ffff:127.0.0.1";
    let addresses = addresses.split(' ').map(|text| text.parse().unwrap());
    let possible = |ip: &IpAddr| ip.is_ipv4() || has_ipv6();
    let addresses: Vec<IpAddr> = addresses.filter(possible).collect();
    let states = match is_before_6_8(&release()) {
        true => &["LISTEN", "ESTABLISHED"][..],
        false => &["BOUND", "LISTEN", "ESTABLISHED"],
    };
    for &present in &addresses {
        for state in states {
            let port = fresh_port();
            let _holder = hold(state, (present, port).into(), true).unwrap();
            for &new in &addresses {
                let address = SocketAddr::from((new, port));
                let report = explain(&address.to_string());
                assert_eq!(report.status, i32::from(report.results()[1] != "OK"));
                // This process holds both ends.
                let peer = report.text.contains(&format!(" ({} ", std::process::id()));
                let listed = !report.text.contains("without conflict");
                assert_eq!(peer, *state == "ESTABLISHED" && listed);
            }
        }
    }
}

#[test]
fn both_builds_make_the_same_system_calls() {
    let _alone = alone();
    let address = unused_address();
    let _holder = hold("ESTABLISHED", address, true).unwrap();
    let file = scratch("explain.calls");
    let calls = "trace=socket,connect,sendto,pidfd_open,pidfd_getfd,setsockopt,getsockopt,bind";
    let strace = tool("strace", "strace").display().to_string();
    let file_name = file.display().to_string();
    let words = [&strace, "-e", calls, "-o", &file_name].map(String::from);
    let [c, rust] = [0, 1].map(|build| {
        explain_under(&words, &builds()[build], &address.to_string());
        let calls = fs::read_to_string(&file).unwrap();
        // The process id, which differs.
        let pieces = calls.split("nlmsg_pid=");
        let pieces = pieces.map(|piece| piece.trim_start_matches(char::is_numeric));
        pieces.collect::<String>()
    });
    fs::remove_file(&file).unwrap();
    assert!(c.contains("\npidfd_getfd(") && c.contains("\nbind("), "{c}");
    // The kernel has 5 s for each part of a reply, as the first digit of the structure shows.
    let (_, timeout) = c.split_once("SO_RCVTIMEO").unwrap();
    assert_eq!(timeout.chars().find(char::is_ascii_digit), Some('5'), "{c}");
    assert_eq!(c, rust);
}
