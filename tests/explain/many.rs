//! Thousands of sockets, and sockets that come and go.

use super::*;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddrV4, TcpListener};
use std::thread;

/// Connections on each of two addresses.
const CONNECTIONS: usize = 1500;

/// The sockets that ss(8) lists on `port`: state, local address and peer, as explain writes them.
fn listed_by_ss(port: u16) -> BTreeSet<[String; 3]> {
    let mut ss = Command::new(tool("ss", "iproute2"));
    ss.args(["-tanH", &format!("sport = :{port}")]);
    let text = String::from_utf8(ss.output().unwrap().stdout).unwrap();
    let rows = text.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // FIN-WAIT-2 there is FIN_WAIT2 here, as in the kernel.
        let state = words[0].replace("ESTAB", "ESTABLISHED");
        let state = state.replace("WAIT-", "WAIT").replace('-', "_");
        let peer = if state == "LISTEN" { "-" } else { words[4] };
        [state, words[3].into(), peer.into()]
    });
    rows.collect()
}

#[test]
fn among_thousands_of_sockets_it_lists_those_that_ss_lists() {
    let _alone = alone();
    raise_limit();
    let port = fresh_port();
    let ips = &["127.0.0.1", "::1"][..1 + usize::from(has_ipv6())];
    let mut held = Vec::new();
    let mut listeners = Vec::new();
    for ip in ips {
        let to: (IpAddr, u16) = (ip.parse().unwrap(), port);
        let listener = TcpListener::bind(to).unwrap();
        for number in 0..CONNECTIONS {
            let client = TcpStream::connect(to).unwrap();
            let (accepted, _) = listener.accept().unwrap();
            match number % 3 {
                0 => held.push(accepted), // CLOSE_WAIT
                1 => held.push(client),   // FIN_WAIT2, without a process
                _ => held.extend([accepted, client]),
            }
        }
        listeners.push(listener);
    }
    let ss = wait_for("peers in ss", || {
        let ss = listed_by_ss(port);
        let settled = ss.iter().all(|[state, ..]| state != "FIN_WAIT1");
        settled.then_some(ss)
    });
    let ss = ss.unwrap();
    let report = explain(port);
    let lines = report.text.lines();
    let rows = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|row| row.len() == 7 && row[0].parse::<usize>().is_ok());
    let listed = rows.map(|row| [row[1], row[2], row[3]].map(String::from));
    let listed: BTreeSet<[String; 3]> = listed.collect();
    assert_eq!(ss.len(), ips.len() * (1 + CONNECTIONS));
    let difference = listed.symmetric_difference(&ss).next();
    assert_eq!(difference, None, "only one of them lists it");
    assert_eq!(report.results(), ["EADDRINUSE"; 2]);
}

#[test]
fn sockets_that_come_and_go_meanwhile_cause_no_error() {
    let _alone = alone();
    let address = SocketAddrV4::new([127, 0, 0, 1].into(), fresh_port());
    let listener = TcpListener::bind(address).unwrap();
    thread::scope(|scope| {
        let runs = scope.spawn(|| {
            let runs = (0..20).flat_map(|_| builds());
            let runs = runs.map(|build| explain_under(&[], build, address));
            runs.collect::<Vec<Report>>()
        });
        while !runs.is_finished() {
            let client = Client::connect(address).unwrap();
            drop(listener.accept().unwrap());
            client.reset().unwrap();
        }
        for report in runs.join().unwrap() {
            assert_eq!(report.results(), ["EADDRINUSE"; 2], "{}", report.text);
            report.shows("\n1  LISTEN ");
            assert!(!report.text.contains("owner not"), "{}", report.text);
        }
    });
}
