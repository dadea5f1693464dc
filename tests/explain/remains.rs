//! Sockets that remain after their process: what is printed about them, and their inferred options.

use super::*;
use std::net::Shutdown;

const HEALTHY: &str = "\
TCP port PORT is in use. A server cannot bind it, even if it sets SO_REUSEADDR.
    listening sockets, which SO_REUSEADDR does not override: 1

What helps:
    stop TEST
    then a server that sets SO_REUSEADDR can bind at once

Sockets on port PORT:
    LISTEN 127.0.0.1:PORT - SO_REUSEADDR on
        TEST
    TIME_WAIT 127.0.0.1:PORT 20 sockets SO_REUSEADDR probably on, N s left
        no process
-> 1
";
const START: &str =
    "    set SO_REUSEADDR before bind, and start the server; if bind still fails:\n";
const WAIT: &str = "    wait N s at most
    or, as root: ss -K -t state time-wait state fin-wait-2 sport = :PORT\n";
const SENDING: &str = "    wait until peers acknowledge the last data, or TCP gives up (minutes)
    or close these connections, as root: ss -K -t state connected sport = :PORT\n";

/// The report about a closed connection, of which `row` has the state and the time left.
fn remains(answer: &str, advice: &str, row: [&str; 2], status: i32) -> String {
    let [state, left] = row;
    format!(
        "127.0.0.1:PORT {answer}\n    sockets whose options cannot be read: 1\n\nWhat helps:\n{advice}\n\
         Sockets on port PORT:\n    {state} 127.0.0.1:PORT 127.0.0.1:PEER SO_REUSEADDR unknown{left}\n        \
         no process\n-> {status}\n"
    )
}

/// A connection to `address`, which `listener` accepted and then closed.
fn time_wait(listener: &TcpListener, address: SocketAddr) {
    let client = TcpStream::connect(address).unwrap();
    drop(listener.accept().unwrap());
    client.shutdown(Shutdown::Write).unwrap();
    let local = client.local_addr().unwrap();
    drop(client);
    wait_for_state("TIME_WAIT", |socket| local == socket.peer.into());
}

#[test]
fn time_wait_of_a_server_that_runs_is_no_reason_to_wait() {
    let _alone = alone();
    let address = unused_address();
    let listener = TcpListener::bind(address).unwrap();
    (0..20).for_each(|_| time_wait(&listener, address));
    explain(address.port()).is(address.port(), HEALTHY);
    let listed = explain(format!("--all {}", address.port())).text;
    assert_eq!(listed.matches("\n    TIME_WAIT ").count(), 20, "{listed}");
}

#[test]
fn options_of_remains_decide_and_a_trial_shows_them() {
    let _alone = alone();
    for (state, option) in [
        ("TIME_WAIT", true),
        ("TIME_WAIT", false),
        ("FIN_WAIT2", true),
    ] {
        let (_holder, address) = held(state, option);
        let port = address.port();
        let row = [state, ", N s left"];
        let unread = remains(MAYBE, &format!("{START}{WAIT}{TRY}\n"), row, 3);
        explain(address).is(port, &unread);
        let tried = explain(format!("--try {address}"));
        if option {
            tried.has(port, &format!("127.0.0.1:PORT {FOR_SETTERS}\n"));
            assert_eq!(tried.status, 0);
        } else {
            tried.is(port, &remains(IN_USE, WAIT, row, 1));
        }
    }
}

#[test]
fn remains_probably_have_the_option_of_the_listeners_on_their_address() {
    let _alone = alone();
    let address = unused_address();
    let everywhere = ([0, 0, 0, 0], address.port()).into();
    let listeners = [address, everywhere].map(|address| {
        let listener = bind_with(SOL_SOCKET, SO_REUSEPORT, address).unwrap();
        listen(&listener, 1).unwrap();
        TcpListener::from(listener)
    });
    time_wait(&listeners[0], address);
    let row = |option: &str| {
        let row = format!("127.0.0.1:PORT 127.0.0.1:PEER SO_REUSEADDR {option}, N s left\n");
        explain(address).has(address.port(), &format!(" TIME_WAIT {row}"));
    };
    row("probably off, SO_REUSEPORT probably on");
    // It is unknown if they differ, in whichever order they are listed.
    for listener in &listeners {
        set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        row("unknown");
        set_option(listener, SOL_SOCKET, SO_REUSEADDR, 0).unwrap();
    }
}

#[test]
fn a_client_on_the_port_does_not_reveal_the_options_of_remains() {
    let _alone = alone();
    let (_client, address) = held("CLIENT", true);
    let mut other = hold("CLIENT", address, true).unwrap();
    set_option(&other.fds[0], SOL_SOCKET, SO_REUSEADDR, 0).unwrap();
    drop(other.fds.remove(0));
    TcpStream::from(other.fds.remove(0))
        .shutdown(Shutdown::Write)
        .unwrap();
    wait_for_state("TIME_WAIT", |socket| address == socket.local.into());
    let report = explain(address);
    let answer = format!("PORT {MAYBE}\n    sockets whose options cannot be read: 1\n");
    report.has(address.port(), &answer);
    assert_eq!(report.status, 3);
    assert!(bind_socket(address, true).is_err());
}

#[test]
fn a_closed_connection_with_unsent_data_has_no_known_end() {
    let _alone = alone();
    for state in ["FIN_WAIT1", "LAST_ACK", "CLOSING"] {
        let (_holder, address) = held(state, false);
        let expected = remains(MAYBE, &format!("{START}{SENDING}{TRY}\n"), [state, ""], 3);
        explain(address).is(address.port(), &expected);
    }
}
