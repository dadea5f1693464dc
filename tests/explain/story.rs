//! The page's story, told by explain: server, client, kill, restart.

use super::{Report, alone, explain, without_seconds};
use crate::support::{
    Client, Result, Server, Socket, builds, fresh_port, own_uid, send_signal, sockets, wait_for,
};
use libc::SIGKILL;
use std::fs;
use std::net::SocketAddrV4;

const ALIVE: &str = "\
# state local peer reuseaddr reuseport uid
1 LISTEN THERE - 0 0 UID
    held by pid SERVER (reuseaddr), fd 3, uid UID
2 ESTABLISHED THERE HERE 0 0 UID
    held by pid CHILD (reuseaddr), fd 4, uid UID

SERVER reuseaddr
 |   1: THERE, listening
 +-- CHILD reuseaddr
          2: THERE <--> HERE (CLIENT)

bind THERE without SO_REUSEADDR: EADDRINUSE, as predicted
    #1: is listening (C1)
    #2: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind THERE with SO_REUSEADDR: EADDRINUSE, as predicted
    #1: is listening (C1)
    #2: lacks SO_REUSEADDR (C2)

What helps:
    #1: stop process SERVER
    #2: let the peer close, then stop process CHILD (else wait up to 120 s)
    next time: set SO_REUSEADDR before bind in every program that uses the port
";
const KILLED: &str = "\
# state local peer reuseaddr reuseport uid
1 ESTABLISHED THERE HERE 1 0 UID
    held by pid CHILD (reuseaddr), fd 4, uid UID

CHILD reuseaddr
     1: THERE <--> HERE (CLIENT)

bind THERE without SO_REUSEADDR: EADDRINUSE, as predicted
    #1: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind THERE with SO_REUSEADDR: OK, as predicted

What helps:
    set SO_REUSEADDR before bind
";
const CHILD_KILLED: &str = "\
# state local peer reuseaddr reuseport uid
1 FIN_WAIT2 THERE HERE ? ? -
    no process, N s left

no process
     1: THERE <--> HERE (CLIENT), FIN_WAIT2

bind THERE without SO_REUSEADDR: EADDRINUSE, as predicted
    #1: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind THERE with SO_REUSEADDR: EADDRINUSE, not predictable, as an option cannot be read
    #1: lacks SO_REUSEADDR, as the result shows (C2)

What helps:
    #1: wait N s (FIN_WAIT2); if the peer closes, N s from then (TIME_WAIT)
    next time: set SO_REUSEADDR before bind in every program that uses the port
";

/// The words of the story for what is different in each run, and one space between the columns.
fn neutral(report: &Report, names: &[(String, &str)]) -> String {
    let mut text = String::new();
    for line in report.text.lines() {
        match line.starts_with(|first: char| first == '#' || first.is_ascii_digit()) {
            true => text += &line.split_whitespace().collect::<Vec<_>>().join(" "),
            false => text += line,
        }
        text += "\n";
    }
    for (here, name) in names {
        text = text.replace(here, name);
    }
    without_seconds(&text)
}

/// The processes and addresses of this run, and their names in the expected output.
fn names(server: &Server, client: &Client, child: i32) -> [(String, &'static str); 7] {
    let command = fs::read_to_string("/proc/self/comm").unwrap();
    let uid = own_uid();
    let this_process = format!("{} {}", std::process::id(), command.trim());
    [
        (this_process, "CLIENT"),
        (server.address.to_string(), "THERE"),
        (client.address.to_string(), "HERE"),
        (format!("uid {uid}\n"), "uid UID\n"),
        (format!(" 0 {uid}\n"), " 0 UID\n"),
        (server.pid.to_string(), "SERVER"),
        (child.to_string(), "CHILD"),
    ]
}

#[test]
fn a_server_without_the_option_is_killed_and_then_its_child() -> Result<()> {
    let _alone = alone();
    for build in builds() {
        let there = SocketAddrV4::new([127, 0, 0, 1].into(), fresh_port());
        let mut server = build.serve_on(there, false)?.server()?;
        let mut client = Client::of(&server)?;
        let child = server.child(&client)?;
        client.echo("hello")?;
        let names = names(&server, &client, child);
        let alive = explain(&there.to_string());
        assert_eq!(neutral(&alive, &names), ALIVE);
        assert_eq!(alive.status, 1);

        server.terminate(SIGKILL)?;
        send_signal(child, SIGKILL)?;
        client.receive_all()?;
        wait_for("FIN_WAIT2", || {
            let fin_wait2 = |socket: &Socket| socket.local == there && socket.state == "FIN_WAIT2";
            sockets().iter().any(fin_wait2).then_some(())
        })?;
        let killed = explain(&there.to_string());
        assert_eq!(neutral(&killed, &names), CHILD_KILLED);
        assert_eq!(killed.status, 1);
    }
    Ok(())
}

#[test]
fn a_server_with_the_option_is_killed_and_its_child_does_not_conflict() -> Result<()> {
    let _alone = alone();
    for build in builds() {
        let there = SocketAddrV4::new([127, 0, 0, 1].into(), fresh_port());
        let mut server = build.serve_on(there, true)?.server()?;
        let mut client = Client::of(&server)?;
        let child = server.child(&client)?;
        client.echo("hello")?;
        let names = names(&server, &client, child);
        server.terminate(SIGKILL)?;
        let killed = explain(&there.to_string());
        assert_eq!(neutral(&killed, &names), KILLED);
        assert_eq!(killed.status, 0);

        let mut restarted = build.serve_on(there, true)?.server()?;
        client.echo("still there?")?;
        restarted.terminate(SIGKILL)?;
    }
    Ok(())
}
