//! One socket in each state and on each kind of address; what is report of it, and what is so.

use super::{Report, alone, explain, explain_under, unused_address};
use crate::support::{
    SCENARIOS, bind_socket, builds, fresh_port, has_ipv6, hold, is_before_6_8, release, scratch,
    tool,
};
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

/// What bind(2) returns for `address`, without the option and with it.
fn binds(address: SocketAddr) -> [&'static str; 2] {
    [false, true].map(|option| match bind_socket(address, option) {
        Ok(_) => "OK",
        Err(error) if error.kind() == ErrorKind::AddrInUse => "EADDRINUSE",
        Err(error) => panic!("{address}: {error}"),
    })
}

fn check(report: &Report, address: SocketAddr) {
    assert_eq!(report.results(), binds(address), "{}", report.text);
    assert_eq!(report.status, i32::from(report.results()[1] != "OK"));
}

#[test]
fn in_every_state_the_prediction_is_what_bind_returns() {
    let _alone = alone();
    for state in SCENARIOS.split(' ') {
        for option in [false, true] {
            let address = unused_address();
            let holder = hold(state, address, option).unwrap();
            let report = explain(&address.to_string());
            if state == "BOUND" && is_before_6_8(&release()) {
                let unlisted = "the conflicting socket is not listed, or has just been closed";
                assert!(report.details().contains(&unlisted) && report.status == 1);
                continue;
            }
            check(&report, address);

            if state == "PASSIVE_CLOSED" {
                let nothing = format!("No TCP socket uses port {} in this", address.port());
                assert!(report.text.starts_with(&nothing), "{}", report.text);
                continue;
            }
            let name = state.replace("CLIENT", "ESTABLISHED");
            let peer = holder.peer.map_or("-".into(), |peer| peer.to_string());
            let local = address.to_string();
            let closed = ["FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK", "TIME_WAIT"];
            let [value, port_value] = match closed.contains(&state) {
                true => ["?", "?"],
                false => [if option { "1" } else { "0" }, "0"],
            };
            let row = [&name, &local, &peer, value, port_value];
            assert_eq!(report.row(1), row, "{}", report.text);
            assert!(report.row(2).is_empty(), "{}", report.text);
            if ["FIN_WAIT2", "TIME_WAIT"].contains(&state) {
                let left = report.details().into_iter().find_map(|line| {
                    let seconds = line.strip_prefix("no process, ")?.strip_suffix(" s left")?;
                    seconds.parse().ok()
                });
                assert!((1..=60).contains(&left.unwrap_or(0)), "{}", report.text);
            }
        }
    }
}

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
                check(&report, address);
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
    let calls = "-e trace=socket,sendto,pidfd_open,pidfd_getfd,setsockopt,getsockopt,bind";
    let strace = tool("strace", "strace").display().to_string();
    let file_name = file.display().to_string();
    // Without --seccomp-bpf, which needs -f, it would stop at each call that looks for descriptors.
    let options = format!("{calls} -f --seccomp-bpf -o");
    let mut words: Vec<String> = options.split(' ').map(String::from).collect();
    words.insert(0, strace);
    words.push(file_name);
    let [c, rust] = builds().each_ref().map(|build| {
        explain_under(&words, build, &address.to_string());
        let trace = fs::read_to_string(&file).unwrap();
        let is_of_pid = |c: char| c.is_ascii_digit() || c == ' ';
        let lines = trace.lines().map(|line| line.trim_start_matches(is_of_pid));
        lines.flat_map(|line| ["\n", line]).collect::<String>()
    });
    fs::remove_file(&file).unwrap();
    assert!(c.contains("\npidfd_getfd(") && c.contains("\nbind("), "{c}");
    assert_eq!(c, rust);
}
