//! Addresses that are asked for, and the system calls for them: `explain` binds to no port, and reads no more
//! than it needs.

use super::*;
use std::net::UdpSocket;

/// The system calls that `build` makes for `args`, of those in `calls`.
fn trace(calls: &str, build: &Build, args: &str) -> String {
    let file = scratch("explain.calls");
    // Without --seccomp-bpf, which needs -f, it would stop at each call that looks for descriptors.
    let options = format!("-f --seccomp-bpf -e trace={calls}");
    let words = words_of(&strace(&options, &file));
    explain_under(&words, build, args);
    let trace = take_file(&file).unwrap();
    let call = |line: &str| Some(line.split_once(' ')?.1.trim_start().to_string());
    let calls: Vec<String> = trace.lines().filter_map(call).collect();
    calls.join("\n")
}

#[test]
fn both_builds_make_the_same_system_calls() {
    let _alone = alone();
    let (_holder, address) = held("ESTABLISHED", true);
    let calls = "socket,sendto,pidfd_open,pidfd_getfd,setsockopt,getsockopt,bind";
    let calls = |build| trace(calls, build, &format!("--try {address}"));
    let [c, rust] = builds().each_ref().map(calls);
    assert!(c.contains("pidfd_getfd(") && c.contains("bind("), "{c}");
    // SO_RCVTIMEO is 5 s: the first digit in what strace prints.
    let (_, timeout) = c.split_once("SO_RCVTIMEO").unwrap();
    assert_eq!(timeout.chars().find(char::is_ascii_digit), Some('5'), "{c}");
    assert_eq!(c, rust);
}

#[test]
fn it_binds_to_a_port_only_if_asked_and_with_the_option() {
    let _alone = alone();
    let (_listener, held) = held("LISTEN", true);
    let free = unused_address();
    for build in builds() {
        // Without a port, it finds out whether the address exists.
        let binds = |args: String| {
            let calls = trace("bind,setsockopt", build, &args);
            let word = |line: &str| match line {
                _ if line.contains("SO_REUSEADDR, [1]") => Some("on"),
                _ if line.contains("IP_BIND_ADDRESS_NO_PORT, [1]") => Some("no port"),
                _ if line.contains("bind(") && line.contains("port=htons(0)") => Some("bind 0"),
                _ if line.contains("bind(") => Some("bind"),
                _ => None,
            };
            calls.lines().filter_map(word).collect::<Vec<_>>().join(" ")
        };
        let addresses = if has_ipv6() { 3 } else { 2 };
        let exist = ["no port bind 0"; 3][..addresses].join(" ");
        assert_eq!(binds(free.port().to_string()), exist);
        assert_eq!(binds(held.to_string()), "no port bind 0");
        assert_eq!(binds(format!("--try {free}")), "no port bind 0 on bind");
        assert_eq!(binds(format!("--try {held}")), "no port bind 0 on bind");
    }
}

#[test]
fn it_lists_the_sockets_once_and_reads_processes_only_if_one_can_hold_a_socket() {
    let _alone = alone();
    let (_holder, remains) = held("TIME_WAIT", true);
    let (_listener, held) = held("LISTEN", true);
    let udp = unused_address();
    let _udp = UdpSocket::bind(udp).unwrap();
    for build in builds() {
        for (address, reads) in [(remains, 0), (unused_address(), 0), (held, 1), (udp, 1)] {
            let calls = trace("sendto,openat", build, &address.to_string());
            // TCP, and UDP over IPv4 and IPv6.
            assert_eq!(calls.matches("sendto(").count(), 3, "{calls}");
            assert_eq!(calls.matches("\"/proc\"").count(), reads, "{calls}");
            assert!(!calls.contains("/task"), "{calls}");
        }
    }
}

#[test]
fn a_port_alone_is_answered_for_each_address_if_they_differ() {
    let _alone = alone();
    if !has_ipv6() {
        return;
    }
    let port = fresh_port();
    let _listener = TcpListener::bind(("::1", port)).unwrap();
    let answers = format!("127.0.0.1:PORT is free.\n0.0.0.0:PORT is free.\n[::]:PORT {IN_USE}\n");
    explain(port).has(port, &answers);
    explain(format!("127.0.0.1:{port}")).has(port, "127.0.0.1:PORT is free.\n\nSockets ");
    let row = "    LISTEN [::1]:PORT - SO_REUSEADDR on, v6only\n        TEST\n-> 1\n";
    explain(format!("::1:{port}")).has(port, row);
}

#[test]
fn an_address_that_cannot_be_bound_is_neither_free_nor_in_use() {
    let _alone = alone();
    // TEST-NET-1 of RFC 5737, and all nodes on a link.
    let reasons = [
        ("192.0.2.1", "Cannot assign requested address"),
        ("[ff02::1]", "Invalid argument"),
    ];
    for (ip, reason) in reasons.into_iter().take(1 + usize::from(has_ipv6())) {
        for option in ["", "--try "] {
            let port = fresh_port();
            let report = explain(format!("{option}{ip}:{port}"));
            let answer = format!("{ip}:PORT cannot be bound ({reason}).\nNo TCP ");
            report.has(port, &answer);
            assert_eq!(report.status, 3);
        }
    }
    let port = fresh_port();
    let no_ipv6 = ["socket:error=EAFNOSUPPORT:when=1"];
    let report = injected(&no_ipv6, format!("[::1]:{port}"));
    report.has(
        port,
        "[::1]:PORT cannot be bound (Address family not supported by protocol).\nNo TCP ",
    );
}

#[test]
fn ipv6_v6only_helps_if_only_ipv4_sockets_conflict() {
    let _alone = alone();
    if !has_ipv6() {
        return;
    }
    let hint = "    or set IPV6_V6ONLY before bind: [::] then excludes IPv4\n";
    for (ip, helps) in [("127.0.0.1", true), ("::1", false)] {
        let port = fresh_port();
        let _listener = TcpListener::bind((ip, port)).unwrap();
        let text = explain(format!("[::]:{port}")).text;
        assert_eq!(text.contains(hint), helps, "{text}");
        assert!(!explain(format!("0.0.0.0:{port}")).text.contains(hint));
    }
}
