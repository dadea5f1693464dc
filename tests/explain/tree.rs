//! Processes that share a socket, and many sockets: lists, and the limits of lists.

use super::*;
use std::os::fd::OwnedFd;
use std::process::Stdio;

/// A shell with children and grandchildren. P6, the parent of P7, has closed the socket.
const FAMILY: &str = "\
1 LISTEN 127.0.0.1:PORT - 1 0 UID; \
held by pid P1 (sh), fd 2, uid UID; held by pid P2 (sh), fd 2, uid UID; held by pid P3 (cat), fd 2, uid UID; \
held by pid P4 (cat), fd 2, uid UID; held by pid P5 (cat), fd 2, uid UID; held by pid P7 (cat), fd 2, uid UID
P1 sh
 |   1: 127.0.0.1:PORT, listening
 +-- P2 sh
 |    |   1: 127.0.0.1:PORT, listening
 |    +-- P3 cat
 |    |        1: 127.0.0.1:PORT, listening
 |    +-- P4 cat
 |             1: 127.0.0.1:PORT, listening
 +-- P5 cat
          1: 127.0.0.1:PORT, listening
P7 cat; 1: 127.0.0.1:PORT, listening
bind ";
const FAMILY_SCRIPT: &str = "trap go=1 USR1; echo sh P1 $$
    sh -c 'echo sh P2 $$; cat <&3 & echo cat P3 $!; cat <&3 & echo cat P4 $!; kill -USR1 $PPID; wait' &
    until [ $go ]; do :; done; cat <&3 & echo cat P5 $!
    sh -c 'cat <&3 & echo cat P7 $!; exec 2>&-; echo sh P6 $$; wait' &";

const PEERS: &str = "
not accepted yet; 2: 127.0.0.1:PORT <--> 127.0.0.5:PEER (TEST test); \
3: 127.0.0.1:PORT <--> 127.0.0.5:PEER (P1 cat); 4: 127.0.0.1:PORT <--> 127.0.0.6:PEER (P2 cat)
";

/// Runs `script` in a shell that holds a listener on `address`, as [`give`] does.
pub fn share(address: SocketAddr, script: &str, count: usize) -> (Program, Names) {
    let listener = hold("LISTEN", address, true).unwrap().fds.remove(0);
    give(listener, Names::of(address.port()), script, count)
}

/// Runs `script` in a shell that holds `socket`, as descriptor 2. The script prints the command, name and
/// pid of each process. Each exits at end of file on descriptor 3, the shell's stdin.
fn give(socket: OwnedFd, mut names: Names, script: &str, count: usize) -> (Program, Names) {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 3<&0; {script} wait")]);
    shell.stderr(Stdio::from(socket));
    let shell = Program::start(shell).unwrap();
    for _ in 0..count {
        let line = shell.line().unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let (command, name, pid) = (words[0], words[1], words[2]);
        let is_started = || {
            let now = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
            (now.trim() == command).then_some(())
        };
        wait_for(&line, is_started).unwrap();
        names = names.process(pid.parse().unwrap(), command, name);
    }
    (shell, names)
}

#[test]
fn the_tree_shows_each_child_that_holds_a_socket_below_its_parent() {
    let _alone = alone();
    let address = unused_address();
    let (_shell, names) = share(address, FAMILY_SCRIPT, 7);
    let report = explain(address);
    report.has(&names, FAMILY);
    let advice = "What helps: #1: stop processes P1, P2, P3, P4, P5, P7\nexit status 1\n";
    report.has(&names, advice);
}

#[test]
fn a_peer_is_known_by_its_address_and_port() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    let mut ports = [fresh_port(), fresh_port()];
    ports.sort();
    let client = |host, port| {
        let socket = bind_socket(([127, 0, 0, host], port).into(), true).unwrap();
        connect(&socket, address).unwrap();
        socket
    };
    let _own = client(5, ports[0]);
    let names = Names::of(address.port());
    let script = "echo cat P1 $$; exec cat <&3;";
    let (_first, names) = give(client(5, ports[1]), names, script, 1);
    let script = script.replace("P1", "P2");
    let (_second, names) = give(client(6, ports[0]), names, &script, 1);
    explain(address).has(&names, PEERS);
}

#[test]
fn the_user_of_a_process_is_its_effective_user() {
    let _alone = alone();
    let address = unused_address();
    let other = ("setpriv --euid 65534", "65534");
    let (run_as, uid) = if is_root() { other } else { ("", "UID") };
    // A shell would reset its effective uid to the real uid.
    let script = format!("echo cat P1 $$; exec {run_as} cat <&3;");
    let (_process, names) = share(address, &script, 1);
    let holder = format!("; held by pid P1 (cat), fd 2, uid {uid}\n");
    explain(address).has(&names, &holder);
}

#[test]
fn a_long_list_of_sockets_ends_with_the_number_omitted() {
    let _alone = alone();
    let port = fresh_port();
    let hold_at = |host| hold("LISTEN", ([127, 0, 0, host], port).into(), true).unwrap();
    let mut held: Vec<_> = (1..=5).map(hold_at).collect();
    for (count, rest, ids) in [
        (6, "", "1, 2, 3, 4, 5, 6"),
        (7, "; and 1 more", "1, 2, 3, 4, 5, 6, 7"),
        (8, "; and 2 more", "1, 2, 3, 4, 5, 6, 7, 8"),
        (9, "; and 3 more", "1, 2, 3, 4, 5, 6, 7, 8 and more"),
    ] {
        held.push(hold_at(count));
        let end = format!(
            "; 6: 127.0.0.6:PORT, listening{rest}
bind 0.0.0.0:PORT without SO_REUSEADDR: EADDRINUSE, as predicted; #{ids}: is listening (C1)
bind 0.0.0.0:PORT with SO_REUSEADDR: EADDRINUSE, as predicted; #{ids}: is listening (C1)
What helps: #{ids}: stop process TEST\nexit status 1\n"
        );
        explain(port).has(&Names::of(port), &end);
    }
}

#[test]
fn a_list_of_pids_ends_after_eight_and_the_tree_after_24_lines() {
    let _alone = alone();
    let nine = "P1, P2, P3, P4, P5, P6, P7, P8 and more";
    let eight = &nine[..30];
    for (count, clients, last_lines, pids) in [
        (8, 0, "P8 cat\n          1: LISTENING\n", eight),
        (9, 0, "P9 cat\n          1: LISTENING\n", nine),
        (12, 0, "P12 cat\n          1: LISTENING\n", nine),
        (13, 0, "P12 cat\n |        1: LISTENING\n...\n", nine),
        (12, 1, "P12 cat\n          1: LISTENING\n...\n", nine),
        (11, 1, "not accepted yet; 2: CLIENT\n", nine),
        (11, 2, "not accepted yet; 2: CLIENT\n...\n", nine),
    ] {
        let address = unused_address();
        let script = "echo sh P1 $$; for n in $(seq 2 COUNT); do cat <&3 & echo cat P$n $!; done;";
        let (_shell, names) = share(address, &script.replace("COUNT", &count.to_string()), count);
        let _clients = [0, 1].map(|n| (n < clients).then(|| TcpStream::connect(address)));
        let report = explain(address);
        let client = "127.0.0.1:PORT <--> 127.0.0.1:PEER (TEST test)";
        let last_lines = last_lines.replace("LISTENING", "127.0.0.1:PORT, listening");
        let last_lines = last_lines.replace("CLIENT", client) + "bind ";
        report.has(&names, &last_lines);
        let end = if clients == 0 { "\n" } else { "; #2" };
        report.has(&names, &format!("stop processes {pids}{end}"));
    }
}
