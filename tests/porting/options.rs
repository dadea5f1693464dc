//! The pair that sets options, and wrong ways to set them.

use crate::pairs::*;
use crate::support::*;

#[test]
fn options_sets_each_option_before_bind_and_reads_it_back() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    // A socket in TIME_WAIT: bind needs SO_REUSEADDR.
    let _holder = hold("TIME_WAIT", address.into(), true).unwrap();
    let printed = "reuse 1, nodelay 1, linger 5 s\ntimeout 1.100000 s\n";
    let outcome = run_pair("options", &[ip, " 1100"], |run| {
        run.makes(1, "accept(")?;
        Client::connect(address).map(drop).map_err(text)
    });
    let timeout = "\\1\\0\\0\\0\\0\\0\\0\\0\\240\\206\\1\\0\\0\\0\\0\\0";
    outcome.prints(printed, "", "exit status: 0").calls(&[
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        "getsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], [4]) = 0",
        &format!("setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, \"{timeout}\", 16) = 0"),
        &format!("getsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, \"{timeout}\", [16]) = 0"),
        "setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0",
        "getsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, [8]) = 0",
        "setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0",
        "getsockopt(3, SOL_TCP, TCP_NODELAY, [1], [4]) = 0",
        &format!("bind(3, {{sa_family=AF_INET, sin_port=htons(9099), sin_addr=inet_addr(\"{ip}\")}}, 16) = 0"),
        &format!("listen(3, {}) = 0", libc::SOMAXCONN),
        "accept(3, NULL, NULL) = 4",
    ]);

    let set = "set_option(s, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);";
    let later = format!("{set} if (accept(s");
    let after_bind = [(set, ""), ("if (accept(s", &later)];
    let both = [(
        "SOCKET, SO_REUSEADDR",
        "SOCKET, SO_REUSEADDR | SO_REUSEPORT",
    )];
    for (wrong, call) in [
        (&after_bind[..], "bind("),
        (&both, "setsockopt(3, SOL_SOCKET, SO_REUSEPORT, [1]"),
    ] {
        let outcome = run_wrong_form("options", wrong, &[ip, "1100"], |_| Ok(()));
        let error = format!("options: bind or listen {ip}: Address already in use\n");
        outcome
            .prints(printed, &error, "exit status: 1")
            .calls(&[call]);
    }
}

#[test]
fn options_waits_for_a_time_that_strtol_and_parse_read_to_its_end() {
    let ip = &*fresh_address().ip().to_string();
    for number in ["0", "-1", "5x", "", "0x10", "9223372036854775808"] {
        let outcome = run_pair("options", &[ip, number], |_| Ok(()));
        let usage = "usage: options ADDRESS MILLISECONDS\n";
        outcome.prints("", usage, "exit status: 2");
    }
    let outcome = run_pair("options", &[ip, "40"], |_| Ok(()));
    let printed = "reuse 1, nodelay 1, linger 5 s\ntimeout 0.040000 s\n";
    let error = "options: accept: Resource temporarily unavailable\n";
    outcome.prints(printed, error, "exit status: 1");
}
