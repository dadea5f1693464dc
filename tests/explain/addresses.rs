//! Sockets on each kind of address and on the ephemeral ports, and the system calls of both builds.

use super::*;
use libc::{IPPROTO_IPV6, IPV6_V6ONLY};
use std::net::{IpAddr, Ipv6Addr, TcpListener};

const V6ONLY: &str = "\
1 LISTEN [::]:PORT - 0 0 UID; held by TEST; v6only
2 LISTEN 127.0.0.1:PORT - 1 0 UID; held by TEST
3 SYN_RECV 127.0.0.1:PORT 127.0.0.1:PEER ? ? -; no process; the handshake is not complete
TEST test; 1: [::]:PORT, listening; 2: 127.0.0.1:PORT, listening
no process; 3: 127.0.0.1:PORT <--> 127.0.0.1:PEER (TEST test), SYN_RECV
";
const NO_ADDRESS: &str = "\
No TCP socket uses port PORT in this network namespace.
bind ADDRESS:PORT without SO_REUSEADDR: ERROR; no socket conflicts
bind ADDRESS:PORT with SO_REUSEADDR: ERROR; no socket conflicts
What helps: bind ADVICE
exit status ";

#[test]
fn sockets_on_other_addresses_are_counted_and_those_on_other_ports_are_not() {
    let _alone = alone();
    let port = fresh_port();
    let names = Names::of(port);
    let ips = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
    let _held = ips.map(|ip| TcpListener::bind((ip, port)).unwrap());
    let _elsewhere = ["BOUND", "CLIENT"].map(|state| held(state, false));
    let note = "\nSockets on other addresses of this port, without conflict: ";
    let table = format!("1 LISTEN 127.0.0.1:PORT - 1 0 UID; held by TEST{note}2.\nTEST ");
    explain(format!("127.0.0.1:{port}")).has(&names, &table);
    let text = explain(format!("127.0.0.4:{port}")).text;
    let start = format!("{}3.\n\nbind ", &note[1..]);
    assert!(text.starts_with(&start), "{text}");
}

#[test]
fn a_v6only_socket_conflicts_on_ipv6_addresses_only() {
    let _alone = alone();
    if !has_ipv6() {
        return;
    }
    let port = fresh_port();
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v6only = bind_with(IPPROTO_IPV6, IPV6_V6ONLY, any).unwrap();
    listen(&v6only, 1).unwrap();
    let _v4 = hold("SYN_RECV", ([127, 0, 0, 1], port).into(), true).unwrap();
    explain(port).has(&Names::of(port), V6ONLY);
    for (ip, ids, others) in [
        ("0.0.0.0", "2", "0"),
        ("[::]", "1, 2", "0"),
        ("[::1]", "1", "2"),
        ("127.0.0.1", "1", "1"),
        ("[::ffff:127.0.0.1]", "1", "1"),
    ] {
        let report = explain(format!("{ip}:{port}"));
        let expected = format!(
            "bind {ip}:PORT with SO_REUSEADDR: EADDRINUSE, as predicted; #{ids}: is listening (C1)
What helps: #{ids}: stop process "
        );
        report.has(&Names::of(port), &expected);
        let counted = report.text.split_once(", without conflict: ");
        let counted = counted.map_or("0", |(_, rest)| &rest[..1]);
        assert_eq!(counted, others, "{}", report.text);
    }
}

#[test]
fn an_address_that_cannot_be_bound_is_not_reported_as_a_conflict() {
    let _alone = alone();
    let here = "to an address of this machine; ip address lists them";
    let unicast = "to an address that is neither multicast nor link-local";
    let root = "as root, or with CAP_NET_BIND_SERVICE";
    // TEST-NET-1 of RFC 5737, all nodes on a link, and a port below 1024.
    for (ip, error, injection, advice, status) in [
        ("192.0.2.1", "EADDRNOTAVAIL", "delay_exit=1", here, "1\n"),
        ("[ff02::1]", "EINVAL", "delay_exit=1", unicast, "1\n"),
        ("127.0.0.1", "EACCES", "error=EACCES", root, "0\n"),
    ] {
        if ip.starts_with('[') && !has_ipv6() {
            continue;
        }
        let port = fresh_port();
        let report = injected(&[&format!("bind:{injection}")], format!("{ip}:{port}"));
        let expected = NO_ADDRESS.replace("ADDRESS", ip).replace("ERROR", error);
        let expected = expected.replace("ADVICE", advice) + status;
        report.is(&Names::of(port), &expected);
    }
}

#[test]
fn a_connection_on_an_ephemeral_port_has_one_more_remedy() {
    let _alone = alone();
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let range: Vec<u16> = range.split_whitespace().flat_map(str::parse).collect();
    let (first, last) = (range[0], range[1]);
    let wait = "let the peer close, then stop process TEST (else wait up to 120 s)";
    let stop = "stop process TEST";
    let next = "; next time: set SO_REUSEADDR before bind in every program that uses the port";
    let or = format!("{next}; or choose a port outside the ephemeral range ({first} to {last})");
    let beyond = last.checked_add(1).unwrap_or(first - 1);
    for (port, state, advice, rest) in [
        (first - 1, "ESTABLISHED", wait, next),
        (first, "ESTABLISHED", wait, &or),
        (first, "LISTEN", stop, ""),
        (last, "CLOSE_WAIT", stop, &or),
        (beyond, "ESTABLISHED", wait, next),
    ] {
        let address = (*fresh_address().ip(), port).into();
        let _holder = hold(state, address, false).unwrap();
        let advice = format!("\nWhat helps: #1: {advice}{rest}\nexit status 1\n");
        explain(address).has(&Names::of(port), &advice);
    }
}

#[test]
fn on_every_kind_of_address_the_prediction_is_what_bind_returns() {
    let _alone = alone();
    let addresses = "127.0.0.1 127.0.0.2 0.0.0.0 ::1 :: ::ffff:127.0.0.1";
    let addresses = addresses.split(' ').map(|text| text.parse().unwrap());
    let possible = |ip: &IpAddr| ip.is_ipv4() || has_ipv6();
    let addresses: Vec<IpAddr> = addresses.filter(possible).collect();
    let from = usize::from(is_before_6_8(&release()));
    for &present in &addresses {
        for state in &["BOUND", "LISTEN", "ESTABLISHED"][from..] {
            let port = fresh_port();
            let _holder = hold(state, (present, port).into(), true).unwrap();
            for &new in &addresses {
                let report = explain(SocketAddr::from((new, port)));
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
    let (_holder, address) = held("ESTABLISHED", true);
    let file = scratch("explain.calls");
    let calls = "trace=socket,sendto,pidfd_open,pidfd_getfd,setsockopt,getsockopt,bind";
    // Without --seccomp-bpf, which needs -f, it would stop at each call that looks for descriptors.
    let words = words_of(&strace(&format!("-f --seccomp-bpf -e {calls}"), &file));
    let [c, rust] = builds().each_ref().map(|build| {
        explain_under(&words, build, address);
        let trace = take_file(&file).unwrap();
        let lines = trace.lines();
        let calls = lines.filter_map(|line| Some(line.split_once(' ')?.1.trim_start()));
        calls.collect::<Vec<_>>().join("\n")
    });
    assert!(c.contains("pidfd_getfd(") && c.contains("bind("), "{c}");
    // SO_RCVTIMEO is 5 s: the first digit in what strace prints.
    let (_, timeout) = c.split_once("SO_RCVTIMEO").unwrap();
    assert_eq!(timeout.chars().find(char::is_ascii_digit), Some('5'), "{c}");
    assert_eq!(c, rust);
}
