//! Addresses and ports, as they may be written and as they may not.

use super::{PORT, refused, run};
use crate::support::{DEADLINE, Start, builds, fresh_address, has_ipv6, launch, tool};
use assert_cmd::Command;
use predicates::str::is_empty;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

const ADDRESS: &str = "ADDRESS must be a dotted quad such as 127.0.0.1";

/// `serve ADDRESS` fails with `sentence` and status 1.
fn fails(address: &str, sentence: &str) {
    for build in builds() {
        run(build, &["serve", address])
            .code(1)
            .stdout(is_empty())
            .stderr(format!("reuseaddr: {sentence}\n"));
    }
}

#[test]
fn a_port_that_is_not_0_to_65535_in_digits_is_refused() {
    for word in [
        "",
        "80x",
        "x80",
        "+80",
        " 80",
        "8 0",
        "0x50",
        "65536",
        "65540",
        "99999",
        "4294967296",
        "18446744073709551696",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:",
        "127.0.0.1:80x",
        "127.0.0.1:-1",
    ] {
        refused(&["serve", word], &format!("\"{word}\": {PORT}"));
    }
}

#[test]
fn an_address_that_is_not_a_dotted_quad_is_refused() {
    for address in [
        "1.2.3:80",
        "1.2.3.4.5:80",
        "1.2.3.256:80",
        "1.2.3.-4:80",
        "01.2.3.4:80",
        "1.2.3.4 :80",
        "0x7f.0.0.1:80",
        "2130706433:80",
        "localhost:80",
        ":80",
        "::1:80",
        "[::1]:80",
        "::ffff:1.2.3.4:80",
        "255.255.255.2555:80",
        "1.2.3:80x",
    ] {
        refused(&["serve", address], &format!("\"{address}\": {ADDRESS}"));
    }
}

#[test]
fn an_address_that_is_not_utf_8_is_refused_as_an_address() {
    let words = [OsStr::new("serve"), OsStr::from_bytes(b"\xff:80")];
    refused(&words, &format!("\"\\xff:80\": {ADDRESS}"));
}

#[test]
fn port_0_and_leading_zeros_are_a_port() {
    for build in builds() {
        let address = fresh_address();
        let (ip, fixed) = (*address.ip(), address.port());
        for port in ["0", "000", &format!("{fixed:037}")] {
            let mut command = std::process::Command::new(&build.path);
            command.args(["serve", &format!("{ip}:{port}")]);
            let server = launch(command).unwrap().server().unwrap();
            assert_eq!(*server.address.ip(), ip);
            match port.len() {
                37 => assert_eq!(server.address.port(), fixed),
                _ => assert_ne!(server.address.port(), 0),
            }
        }
    }
}

#[test]
fn explain_takes_one_endpoint_of_either_family() {
    refused(&["explain"], "explain needs one [ADDRESS:]PORT");
    refused(
        &["explain", "1", "2"],
        "\"2\": explain takes one [ADDRESS:]PORT",
    );
    for port in [
        "",
        "0",
        "+1",
        "65536",
        "80x",
        "127.0.0.1:",
        "[::1]:0",
        "::1",
    ] {
        let sentence = match port {
            "::1" => "ADDRESS must be a dotted quad, or IPv6 in brackets",
            _ => "PORT must be decimal digits from 1 to 65535",
        };
        refused(&["explain", port], &format!("\"{port}\": {sentence}"));
    }
    for address in [
        ":80",
        "localhost:80",
        "[127.0.0.1]:80",
        "[::1:80",
        "::1]:80",
        "[]:80",
        "127.1:80",
    ] {
        let sentence = "ADDRESS must be a dotted quad, or IPv6 in brackets";
        refused(&["explain", address], &format!("\"{address}\": {sentence}"));
    }
    // The addresses in all the ways in which they may be written come out in one.
    for (word, address) in [
        ("9", "0.0.0.0:9"),
        ("[0:0::1]:9", "[::1]:9"),
        ("[::0.1.0.2]:9", "[::1:2]:9"),
        ("[::0.0.0.2]:9", "[::2]:9"),
        ("[::ffff:7f00:1]:9", "[::ffff:127.0.0.1]:9"),
        ("[2001:DB8:0:0:1:0:0:1]:9", "[2001:db8::1:0:0:1]:9"),
    ] {
        // Without IPv6 it ends there, and says for which address.
        let answer = match word.starts_with('[') && !has_ipv6() {
            true => format!("socket {address}: Address family not supported by protocol"),
            false => format!("bind {address} with SO_REUSEADDR: "),
        };
        for build in builds() {
            let mut command = Command::new(&build.path);
            let output = command.args(["explain", word]).output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            assert!(String::from_utf8_lossy(&text).contains(&answer), "{word}");
        }
    }
}

#[test]
fn an_address_of_another_machine_is_refused_by_bind() {
    let address = "192.0.2.1:9099"; // TEST-NET-1, RFC 5737
    fails(
        address,
        &format!("bind {address}: Cannot assign requested address"),
    );
}

#[test]
fn a_busy_port_is_refused_by_bind() {
    let first = builds()[0].serve_on(fresh_address(), true);
    let Ok(Start::Listening(first)) = first else {
        panic!("the first server does not run");
    };
    let address = first.address.to_string();
    let hint = format!("reuseaddr: who is in the way: reuseaddr explain {address}");
    fails(
        &address,
        &format!("bind {address}: Address already in use\n{hint}"),
    );
}

#[test]
fn unless_told_otherwise_it_is_the_loopback_address_and_the_page_s_port() {
    // Refused by injection: that needs no free port, and no privilege.
    for (words, address) in [
        (&["serve"][..], "127.0.0.1:9099"),
        (&["serve", "80"], "127.0.0.1:80"),
    ] {
        for build in builds() {
            Command::new(tool("strace", "strace"))
                .args(["-o", "/dev/null", "-e", "inject=bind:error=EACCES"])
                .arg(&build.path)
                .args(words)
                .timeout(DEADLINE)
                .assert()
                .code(1)
                .stdout(is_empty())
                .stderr(format!("reuseaddr: bind {address}: Permission denied\n"));
        }
    }
}
