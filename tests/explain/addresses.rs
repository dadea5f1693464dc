//! Sockets on each kind of address and on the ephemeral ports, and the system calls of both builds.

use super::neutral::Names;
use super::{alone, explain, explain_under, unused_address};
use crate::support::{
    bind_with, builds, fresh_address, fresh_port, has_ipv6, hold, is_before_6_8, listen, release,
    scratch, strace,
};
use libc::{IPPROTO_IPV6, IPV6_V6ONLY};
use std::fs;
use std::iter;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

const OTHER_ADDRESSES: &str = "\
# state local peer reuseaddr reuseport uid
1 LISTEN 127.0.0.1:PORT - 1 0 UID
    held by pid TEST (test), fd N, uid UID
Sockets on other addresses of this port, without conflict: 2.
";
const V6ONLY: &str = "\
# state local peer reuseaddr reuseport uid
1 LISTEN [::]:PORT - 0 0 UID
    held by pid TEST (test), fd N, uid UID
    v6only
2 LISTEN 127.0.0.1:PORT - 1 0 UID
    held by pid TEST (test), fd N, uid UID
3 SYN_RECV 127.0.0.1:PORT 127.0.0.1:PEER ? ? -
    no process; the handshake is not complete

TEST test
     1: [::]:PORT, listening
     2: 127.0.0.1:PORT, listening
no process
     3: 127.0.0.1:PORT <--> 127.0.0.1:PEER (TEST test), SYN_RECV

bind 0.0.0.0:PORT without SO_REUSEADDR: EADDRINUSE, as predicted
    #2: is listening (C1)
bind 0.0.0.0:PORT with SO_REUSEADDR: EADDRINUSE, as predicted
    #2: is listening (C1)

What helps:
    #2: stop process TEST
exit status 1
";
const NO_ADDRESS: &str = "\
No TCP socket uses port PORT in this network namespace.

bind ADDRESS without SO_REUSEADDR: ERROR; no socket conflicts
bind ADDRESS with SO_REUSEADDR: ERROR; no socket conflicts

What helps:
    bind to an address ADVICE
exit status 1
";

#[test]
fn sockets_on_other_addresses_are_counted_and_those_on_other_ports_are_not() {
    let _alone = alone();
    let port = fresh_port();
    let addresses = [1, 2, 3].map(|last| SocketAddr::from(([127, 0, 0, last], port)));
    let _held = addresses.map(|address| TcpListener::bind(address).unwrap());
    let _elsewhere = ["BOUND", "CLIENT"].map(|state| hold(state, unused_address(), false).unwrap());
    explain(&addresses[0].to_string()).has(&Names::of(port), OTHER_ADDRESSES);
    let text = explain(&format!("127.0.0.4:{port}")).text;
    let only_others = "Sockets on other addresses of this port, without conflict: 3.\n\nbind ";
    assert!(text.starts_with(only_others), "{text}");
}

#[test]
fn a_v6only_socket_conflicts_on_ipv6_addresses_only() {
    let _alone = alone();
    if !has_ipv6() {
        return;
    }
    let port = fresh_port();
    let v6only = bind_with(
        IPPROTO_IPV6,
        IPV6_V6ONLY,
        (Ipv6Addr::UNSPECIFIED, port).into(),
    )
    .unwrap();
    listen(&v6only, 1).unwrap();
    let _v4 = hold("SYN_RECV", ([127, 0, 0, 1], port).into(), true).unwrap();
    explain(&port.to_string()).is(&Names::of(port), V6ONLY);
    for (address, ids, others) in [
        ("[::]", "1, 2", "0"),
        ("[::1]", "1", "2"),
        ("127.0.0.1", "1", "1"),
        ("[::ffff:127.0.0.1]", "1", "1"),
    ] {
        let report = explain(&format!("{address}:{port}"));
        report.shows(&format!(
            "bind {address}:{port} with SO_REUSEADDR: EADDRINUSE, as predicted
    #{ids}: is listening (C1)

What helps:
    #{ids}: stop process "
        ));
        let note = "\nSockets on other addresses of this port, without conflict: ";
        let counted = report
            .text
            .split_once(note)
            .map_or("0", |(_, rest)| &rest[..1]);
        assert_eq!(counted, others, "{}", report.text);
    }
}

#[test]
fn an_address_that_cannot_be_bound_is_not_blamed_on_sockets() {
    let _alone = alone();
    let port = fresh_port();
    let of_this_machine = "of this machine; ip address lists them";
    let unicast = "that is neither multicast nor link-local";
    // TEST-NET-1 of RFC 5737, and all nodes on a link.
    for (address, error, advice) in [
        (
            format!("192.0.2.1:{port}"),
            "EADDRNOTAVAIL",
            of_this_machine,
        ),
        (format!("[ff02::1]:{port}"), "EINVAL", unicast),
    ] {
        if address.starts_with('[') && !has_ipv6() {
            continue;
        }
        let names = Names::of(port).and(error, "ERROR").and(advice, "ADVICE");
        let names = names.and(&address.replace(&port.to_string(), "PORT"), "ADDRESS");
        explain(&address).is(&names, NO_ADDRESS);
    }
}

#[test]
fn a_connection_on_an_ephemeral_port_has_one_more_remedy() {
    let _alone = alone();
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let range: Vec<u16> = range.split_whitespace().flat_map(str::parse).collect();
    let [first, last] = range[..] else {
        panic!("{range:?}");
    };
    let next_time = "
    next time: set SO_REUSEADDR before bind in every program that uses the port\n";
    let or = format!("    or choose a port outside the ephemeral range ({first} to {last})\n");
    let connection = "let the peer close, then stop process TEST (else wait up to 120 s)";
    for (port, state, advice) in [
        (first - 1, "ESTABLISHED", format!("{connection}{next_time}")),
        (first, "ESTABLISHED", format!("{connection}{next_time}{or}")),
        (first, "LISTEN", "stop process TEST\n".into()),
        (
            last,
            "CLOSE_WAIT",
            format!("stop process TEST{next_time}{or}"),
        ),
        (
            last.checked_add(1).unwrap_or(first - 1),
            "ESTABLISHED",
            format!("{connection}{next_time}"),
        ),
    ] {
        let address = (*fresh_address().ip(), port).into();
        let _holder = hold(state, address, false).unwrap();
        let text = Names::of(port).apply(&explain(&address.to_string()).text);
        let advice = format!("\nWhat helps:\n    #1: {advice}");
        assert!(text.ends_with(&advice), "{advice}{text}");
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
    let calls = "trace=socket,sendto,pidfd_open,pidfd_getfd,setsockopt,getsockopt,bind";
    // Without --seccomp-bpf, which needs -f, it would stop at each call that looks for descriptors.
    let strace = strace(&format!("-f --seccomp-bpf -e {calls}"), &file);
    let line = iter::once(strace.get_program()).chain(strace.get_args());
    let words: Vec<String> = line.map(|word| word.to_str().unwrap().into()).collect();
    let [c, rust] = builds().each_ref().map(|build| {
        explain_under(&words, build, &address.to_string());
        let trace = fs::read_to_string(&file).unwrap();
        let calls = trace
            .lines()
            .filter_map(|line| Some(line.split_once(' ')?.1.trim_start()));
        calls.collect::<Vec<_>>().join("\n")
    });
    fs::remove_file(&file).unwrap();
    assert!(c.contains("pidfd_getfd(") && c.contains("bind("), "{c}");
    // The kernel has 5 s for each part of a reply, as the first digit of the structure shows.
    let (_, timeout) = c.split_once("SO_RCVTIMEO").unwrap();
    assert_eq!(timeout.chars().find(char::is_ascii_digit), Some('5'), "{c}");
    assert_eq!(c, rust);
}
