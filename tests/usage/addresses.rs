//! Addresses and ports: which texts are accepted, and which are refused.

use super::{PORT, refused};
use crate::support::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

const ADDRESS: &str = "ADDRESS must be an IPv4 address, an IPv6 address in brackets, or localhost";

/// Each of `texts`, which are separated by bars, is refused by `command`.
fn each_refused(command: &str, texts: &str, sentence: &str) {
    for text in texts.split('|') {
        refused(&[command, text], &format!("\"{text}\": {sentence}"));
    }
}

#[test]
fn a_port_that_is_not_1_to_65535_in_digits_is_refused() {
    let ports = "|000|80x|x80|+80| 80|8 0|0x50|65536|65540|99999|4294967296|18446744073709551696|\
        127.0.0.1|localhost|127.0.0.1:|127.0.0.1:80x|127.0.0.1:-1|127.0.0.1:00";
    each_refused("serve", ports, PORT);
    each_refused("serve", "0|localhost:0|[::1]:0", PORT);
    let chosen = "port 0 means any free port of net.ipv4.ip_local_port_range";
    each_refused("explain", "0|localhost:0|[::1]:0|*:0|:0", chosen);
    each_refused("explain", ports, PORT);
}

#[test]
fn an_address_in_another_form_is_refused() {
    let addresses = "1.2.3:80|1.2.3.4.5:80|1.2.3.256:80|1.2.3.-4:80|01.2.3.4:80|1.2.3.4 :80|\
        0x7f.0.0.1:80|2130706433:80|**:80|1:2:80|:::1:80|Localhost:80|localhosts:80|\
        255.255.255.2555:80|1.2.3:80x|::1|[127.0.0.1]:80|[::1:80|::1]:80|[]:80|[localhost]:80";
    each_refused("serve", addresses, ADDRESS);
    each_refused("explain", addresses, ADDRESS);
    let ipv6 = "[::1]:80|[::ffff:127.0.0.1]:80|::1:80|:::80";
    let sentence = "the ADDRESS of serve must be an IPv4 address";
    each_refused("serve", ipv6, sentence);
}

#[test]
fn an_address_that_is_not_utf_8_is_refused_as_an_address() {
    let args = [OsStr::new("serve"), OsStr::from_bytes(b"\xff:80")];
    refused(&args, &format!("\"\\xff:80\": {ADDRESS}"));
}

#[test]
fn leading_zeros_do_not_change_a_port() {
    for build in builds() {
        let address = fresh_address();
        let mut command = Command::new(&build.path);
        command.args(["serve", &format!("{}:{:037}", address.ip(), address.port())]);
        assert_eq!(launch(command).unwrap().server().unwrap().address, address);
    }
}

#[test]
fn explain_prints_an_address_in_one_form_however_it_is_written() {
    refused(&["explain"], "explain needs one [ADDRESS:]PORT");
    for (written, address) in [
        ("9", "Port 9"),
        (":9", "Port 9"),
        ("*:9", "Port 9"),
        ("localhost:9", "127.0.0.1:9"),
        (":::9", "[::]:9"),
        ("::1:9", "[::1]:9"),
        ("[0:0::1]:9", "[::1]:9"),
        ("[::0.1.0.2]:9", "[::1:2]:9"),
        ("[::0.0.0.2]:9", "[::2]:9"),
        ("[::ffff:7f00:1]:9", "[::ffff:127.0.0.1]:9"),
        ("[2001:DB8:0:0:1:0:0:1]:9", "[2001:db8::1:0:0:1]:9"),
    ] {
        let outcome = both(&["explain", written]).stderr("");
        let printed = String::from_utf8_lossy(&outcome.get_output().stdout).into_owned();
        assert!(
            printed.starts_with(&format!("{address} ")),
            "{written}: {printed}"
        );
    }
}

#[test]
fn bind_fails_for_an_address_of_another_machine() {
    let address = "192.0.2.1:9099"; // TEST-NET-1, RFC 5737
    let stderr = format!("reuseaddr: bind {address}: Cannot assign requested address\n");
    both(&["serve", address]).code(1).stdout("").stderr(stderr);
}

#[test]
fn bind_fails_for_a_port_in_use_with_a_hint_that_can_be_pasted() {
    let first = builds()[0].serve_on(fresh_address(), true).unwrap();
    let first = first.server().unwrap();
    let address = first.address.to_string();
    let long = &*"x".repeat(600); // its line is cut
    for (name, pasted) in [
        ("x/y", "x/y"),
        ("a b", "'a b'"),
        ("it's", "reuseaddr"),
        ("", "reuseaddr"),
        (long, long),
    ] {
        let run = |build: &Build| {
            let mut command = Command::new(&build.path);
            command.arg0(name).args(["serve", &address]);
            command.output().unwrap()
        };
        let mut hint = format!("reuseaddr: to see why, run: {pasted} explain {address}\n");
        hint.truncate(512);
        let stderr = format!("reuseaddr: bind {address}: Address already in use\n{hint}");
        let outcome = compare_builds(str::to_string, run);
        outcome.code(1).stdout("").stderr(stderr);
    }
}

#[test]
fn the_default_is_the_loopback_address_and_the_port_of_the_book() {
    // Injected: no port has to be free, and no privilege is needed.
    let refused = injecting(&["bind:error=EACCES"]);
    for (args, address) in [
        (&["serve"][..], "127.0.0.1:9099"),
        (&["serve", "80"], "127.0.0.1:80"),
        (&["serve", "localhost:1"], "127.0.0.1:1"),
        (&["serve", "65535"], "127.0.0.1:65535"),
    ] {
        let stderr = format!("reuseaddr: bind {address}: Permission denied\n");
        both_under(&refused, args).code(1).stdout("").stderr(stderr);
    }
}
