//! What is printed in the situations that people meet.

use super::*;
use libc::SO_BINDTODEVICE;
use std::net::UdpSocket;

#[test]
fn an_unused_port_is_free() {
    let _alone = alone();
    let port = fresh_port();
    explain(port).is(port, &format!("TCP port PORT is free.\n{NONE}-> 0\n"));
}

#[test]
fn a_connection_that_survived_its_server_can_be_waited_for_or_closed() {
    let _alone = alone();
    let (_holder, address) = held("ESTABLISHED", false);
    let advice = "helps:\n    stop TEST\n        let its peers close first; else wait N s, or minutes if a peer is gone
    or close these connections, as root: ss -K -t state connected sport = :PORT
    next time, set SO_REUSEADDR before bind in every program on the port\n\nSockets ";
    explain(address).has(address.port(), advice);
}

#[test]
fn a_server_with_so_reuseport_can_bind_beside_sockets_of_its_user_that_have_it() {
    let _alone = alone();
    let address = unused_address();
    let first = bind_with(SOL_SOCKET, SO_REUSEPORT, address).unwrap();
    listen(&first, 1).unwrap();
    let beside = format!(
        "TCP port PORT is in use. A server that sets SO_REUSEADDR cannot bind it, but one run by {} that \
         also sets SO_REUSEPORT can.\n",
        own_name()
    );
    explain(address.port()).has(address.port(), &beside);
    let row = "    LISTEN 127.0.0.1:PORT - SO_REUSEADDR off, SO_REUSEPORT on\n";
    explain(address).has(address.port(), row);
    let everywhere = ([0, 0, 0, 0], address.port()).into();
    let second = bind_with(SOL_SOCKET, SO_REUSEPORT, everywhere).unwrap();
    explain(address.port()).has(address.port(), &beside);
    set_option(&second, SOL_SOCKET, SO_REUSEPORT, 0).unwrap();
    explain(address.port()).has(address.port(), &format!("TCP port PORT {IN_USE}\n"));
}

#[test]
fn a_bound_device_is_shown_and_does_not_prevent_a_conflict() {
    let _alone = alone();
    let (holder, address) = held("LISTEN", true);
    set_option(&holder.fds[0], SOL_SOCKET, SO_BINDTODEVICE, *b"lo\0").unwrap();
    let row = "    LISTEN 127.0.0.1:PORT - SO_REUSEADDR on, only on %lo\n        TEST\n-> 1\n";
    explain(address).has(address.port(), row);
}

#[test]
fn udp_is_named_and_does_not_conflict() {
    let _alone = alone();
    let address = unused_address();
    let _socket = UdpSocket::bind(address).unwrap();
    let udp = "UDP uses this port too, which does not conflict with TCP.\n        TEST\n-> 0\n";
    let expected = format!("TCP port PORT is free.\n{NONE}{udp}");
    explain(address.port()).is(address.port(), &expected);
}

#[test]
fn eacces_of_a_trial_is_explained_and_the_sockets_still_decide() {
    let _alone = alone();
    let (_listener, held) = held("LISTEN", true);
    let policy = "allow the bind in the security policy (in SELinux: name_bind)";
    for (address, advice, status) in [
        (held, format!("stop TEST\n    {policy}\n{AT_ONCE}"), 1),
        (unused_address(), policy.into(), 0),
    ] {
        let report = injected(&["bind:error=EACCES:when=2"], format!("--try {address}"));
        report.has(address.port(), &format!("\nWhat helps:\n    {advice}\n"));
        assert_eq!(report.status, status);
    }
}

#[test]
fn an_ordinary_user_may_not_bind_a_privileged_port() {
    let _alone = alone();
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    let first: u16 = first.trim().parse().unwrap();
    let address = |port| SocketAddr::from((*fresh_address().ip(), port));
    for (address, args) in [
        (address(1), ""),
        (address(first - 1), "--try "),
        (address(first), ""),
    ] {
        let report = explain_as_another_user(format!("{args}{address}"));
        let may = address.port() == first;
        let denied = " This user may not bind it.\n\n\
            What helps:\n    bind as root, or with CAP_NET_BIND_SERVICE\n";
        let end = if may { "\n" } else { denied };
        report.shows(&format!("{address} is free.{end}"));
        assert_eq!(report.text.contains("CAP_"), !may);
        assert_eq!(report.status, 0);
        if is_root() {
            let text = explain(address).text;
            assert!(!text.contains("may not"), "{text}");
            // One capability decides, not the user.
            let without =
                ["--bounding-set", "--inh-caps"].map(|set| format!("{set}=-net_bind_service"));
            let words = [&["setpriv".into()], &without[..]].concat();
            let text = explain_with(&words, address).text;
            assert_eq!(text.contains("may not"), !may, "{text}");
        }
    }
}

#[test]
fn a_trial_overrides_what_was_read() {
    let _alone = alone();
    let (_listener, held) = held("LISTEN", true);
    let free = unused_address();
    let [fails, succeeds] = ["error=EADDRINUSE", "retval=0"];
    let lost = "\nWhat helps:\n    run explain again: no conflicting socket was found\nNo TCP ";
    let set = "helps:\n    set SO_REUSEADDR before bind\n\nSockets on port PORT:\n    LISTEN ";
    for (address, injection, answer, advice, status) in [
        (free, fails, IN_USE, lost, 1),
        (held, succeeds, FOR_SETTERS, set, 0),
    ] {
        // The first bind finds out whether the address exists.
        let injection = format!("bind:{injection}:when=2");
        let report = injected(&[&injection], format!("--try {address}"));
        report.has(address.port(), &format!("127.0.0.1:PORT {answer}\n"));
        report.has(address.port(), advice);
        assert_eq!(report.status, status, "{}", report.text);
    }
}

#[test]
fn a_connection_on_an_ephemeral_port_has_one_more_remedy() {
    let _alone = alone();
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let range: Vec<u16> = range.split_whitespace().flat_map(str::parse).collect();
    let (first, last) = (range[0], range[1]);
    let beyond = last.checked_add(1).unwrap_or(first - 1);
    for (port, state, remedy) in [
        (first - 1, "ESTABLISHED", false),
        (first, "ESTABLISHED", true),
        (first, "LISTEN", false),
        (last, "ESTABLISHED", true),
        (beyond, "ESTABLISHED", false),
    ] {
        let address = (*fresh_address().ip(), port).into();
        let _holder = hold(state, address, false).unwrap();
        let text = explain(address).text;
        let reserve = format!("reserve the port: add {port} to net.ipv4.ip_local_reserved_ports\n");
        assert_eq!(text.contains(&reserve), remedy, "{text}");
    }
}

#[test]
fn a_client_on_an_ephemeral_port_is_probably_outgoing_unless_a_server_listens_there() {
    let _alone = alone();
    let (peer, to) = held("LISTEN", true);
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
    let address = (*fresh_address().ip(), first).into();
    let client = bind_socket(address, true).unwrap();
    connect(&client, to).unwrap();
    explain(address).shows(" SO_REUSEADDR on, probably outgoing\n");
    set_option(&client, SOL_SOCKET, SO_REUSEADDR, 0).unwrap();
    explain(address).shows("    connections that are probably outgoing, from this port: 1\n\n");
    set_option(&client, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    let listener = bind_socket(address, true).unwrap();
    listen(&listener, 1).unwrap();
    // Other programs' connections can have this port too.
    let text = explain(address).text;
    let own = text
        .lines()
        .filter(|line| line.contains(&address.to_string()));
    assert!(
        own.clone().count() > 1 && !own.clone().any(|line| line.contains("outgoing")),
        "{text}"
    );
    drop(peer);
}
