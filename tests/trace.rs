//! Both builds under strace: their system calls are compared one by one.

use crate::support::*;

#[test]
fn the_system_calls_of_both_builds_are_the_same_one_by_one() -> Result<()> {
    println!(
        "\nBy process. SERVER is killed, then restarted without the option (REFUSED) and\n\
         with it (GRANTED). OLD, HALF and RUDE are its child processes.\n"
    );
    let [c, rust] = [session(&builds()[0])?, session(&builds()[1])?];
    let different = print_calls(["C", "Rust"], [&c, &rust]);
    let listen = format!("SERVER: listen(3, {}) = 0", libc::SOMAXCONN);
    assert!(c.contains(&listen), "no {listen}");
    assert_eq!(different, 0, "calls that only one build makes");
    Ok(())
}

/// The system calls of `build` with `command`, from unshare on, without what is different in every run.
/// brk is left out: the languages allocate memory in different ways.
fn calls_of(build: &Build, command: &str) -> Vec<String> {
    let file = scratch(format!("{}.{command}.calls", build.name));
    let mut strace = strace("-s 256 -e signal=none -e trace=!brk", &file);
    strace.arg(&build.path).arg(command);
    assert!(strace.output().unwrap().status.success(), "{command}");
    let trace = take_file(&file).unwrap();
    let mut calls: Vec<String> = Vec::new();
    let first = |line: &&str| !line.starts_with("pipe");
    for line in trace.lines().skip_while(first) {
        let mut call = without_pointers(line);
        for start in [
            "htons(",
            "sa_data=\"",
            "getpid() = ",
            "child_tidptr=POINTER) = ",
            "wait4(",
        ] {
            call = masked(&call, start, |c| "),\"".contains(c));
        }
        // Timing decides how often a state is polled, and how much is sent until the peer's buffer is full.
        if call.starts_with("poll(") {
            calls.pop();
            continue;
        }
        if call.starts_with("sendto(") {
            call = masked(&call, ") = ", |_| false);
        }
        if !call.starts_with("sendto(") || calls.last() != Some(&call) {
            calls.push(call);
        }
    }
    calls
}

/// The states that TCP_INFO shows during `rules`, as strace prints the byte: from FIN_WAIT1 (4) on, those of
/// each scenario, which has four cells. \t is LAST_ACK, \v is CLOSING.
const STATES: [&str; 7] = ["4", "5", "10", "4 v", "10 t", "5 7", "10 7"];

#[test]
fn rules_and_abi_make_the_same_system_calls_in_both_builds() {
    for (command, at_least, states) in [("abi", 300, &[][..]), ("rules", 4000, &STATES)] {
        // On a shared network, the ports that one run leaves in TIME_WAIT change the search of the next.
        if command == "rules" && network().failed.is_some() {
            continue;
        }
        let [c, rust] = builds().each_ref().map(|build| calls_of(build, command));
        assert!(c.len() >= at_least, "{command}: {} calls", c.len());
        assert_eq!(first_difference(&c, &rust), None, "{command}");
        let after = |start| c.iter().filter_map(move |c| Some(c.split_once(start)?.1));
        let reset = "{l_onoff=1, l_linger=0}, 8) = 0";
        assert!(after("SO_LINGER, ").all(|rest| rest == reset));
        let bind = "sin_addr=inet_addr(\"127.0.0.2\")}, 16) = 0";
        let mut binds = c.iter().filter(|call| call.starts_with("bind("));
        let binds = binds.any(|call| call.ends_with(bind));
        assert_eq!(binds, command == "rules", "a bind to 127.0.0.2");
        let bytes = after(", TCP_INFO, \"\\").filter_map(|rest| rest.split('"').next());
        let seen: Vec<_> = bytes.collect();
        let four = |states: &&str| [*states; 4].join(" ");
        let expected: Vec<_> = states.iter().map(four).collect();
        let seen = seen.join(" ");
        // The last probes have a holder in FIN_WAIT1.
        let first = seen.strip_suffix(&expected.join(" "));
        let is_first = |first: &str| first.trim_matches(['4', ' ']).is_empty();
        assert!(first.is_some_and(is_first), "{command}: {seen}");
    }
}
