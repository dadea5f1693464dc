//! The command line: both builds say the same bytes and end with the same status.

mod support;

use assert_cmd::Command;
use assert_cmd::assert::{Assert, OutputAssertExt};
use predicates::str::{is_empty, starts_with};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use support::{Build, DEADLINE, Start, builds, fresh_address, has_ipv6, tool};

const USAGE: &str = "\
usage: reuseaddr serve [--no-reuseaddr] [[ADDRESS:]PORT]
       reuseaddr rules [--all]
       reuseaddr explain [ADDRESS:]PORT
       reuseaddr abi
       reuseaddr --help | --version
";

/// Runs `build` with `words` until it ends.
fn run(build: &Build, words: &[impl AsRef<OsStr>]) -> Assert {
    let mut command = Command::new(&build.path);
    command.args(words).timeout(DEADLINE).assert()
}

/// `words` are refused with `sentence` and the usage, status 2 and nothing on stdout.
fn refused(words: &[impl AsRef<OsStr>], sentence: &str) {
    for build in builds() {
        run(build, words)
            .code(2)
            .stdout(is_empty())
            .stderr(format!("reuseaddr: {sentence}\n{USAGE}"));
    }
}

/// `serve ADDRESS` fails with `sentence` and status 1.
fn fails(address: &str, sentence: &str) {
    for build in builds() {
        run(build, &["serve", address])
            .code(1)
            .stdout(is_empty())
            .stderr(format!("reuseaddr: {sentence}\n"));
    }
}

const PORT: &str = "PORT must be decimal digits from 0 to 65535";
const ADDRESS: &str = "ADDRESS must be a dotted quad such as 127.0.0.1";

#[test]
fn help_goes_to_stdout() {
    let help = format!(
        "{USAGE}
serve   the forking echo server of Figure 12.1, on 127.0.0.1:9099 unless told
        otherwise; --no-reuseaddr leaves out setsockopt(SO_REUSEADDR)
rules   who may bind a port that somebody holds, tried on this kernel in every
        state; --all tries every combination and prints CSV
explain who has a port, and what a bind answers now, without SO_REUSEADDR and
        with it; on 0.0.0.0 unless told otherwise; IPv6 in brackets: [::1]:9099
abi     constants, sizes and offsets, and what calls answer to right and wrong
        arguments

Exit status: 1 for a call that failed, an answer that is not as expected, or an
address that is not free; 2 for wrong usage.
"
    );
    for build in builds() {
        for words in [&["--help"][..], &["serve", "80x", "--help"]] {
            let run = run(build, words);
            run.code(0).stdout(help.clone()).stderr(is_empty());
        }
    }
}

#[test]
fn version_is_the_package_s() {
    for build in builds() {
        run(build, &["--version"])
            .code(0)
            .stdout(concat!("reuseaddr ", env!("CARGO_PKG_VERSION"), "\n"))
            .stderr(is_empty());
    }
}

#[test]
fn a_missing_or_unknown_command_is_refused() {
    refused(
        &[""; 0],
        "the command is missing; it must be serve, rules, explain or abi",
    );
    refused(
        &[""],
        "\"\": the command must be serve, rules, explain or abi",
    );
    refused(
        &["server"],
        "\"server\": the command must be serve, rules, explain or abi",
    );
    refused(
        &["--serve"],
        "\"--serve\": the command must be serve, rules, explain or abi",
    );
}

#[test]
fn an_unknown_option_is_refused() {
    let only = "the only option of serve is --no-reuseaddr";
    refused(
        &["serve", "--reuseaddr"],
        &format!("\"--reuseaddr\": {only}"),
    );
    refused(&["serve", "9099", "-n"], &format!("\"-n\": {only}"));
    refused(&["serve", "-1"], &format!("\"-1\": {only}"));
}

#[test]
fn rules_takes_nothing_but_all() {
    let only = "rules takes nothing but --all";
    refused(&["rules", "all"], &format!("\"all\": {only}"));
    refused(&["rules", "--all", "9099"], &format!("\"9099\": {only}"));
}

#[test]
fn abi_takes_nothing() {
    refused(&["abi", "--all"], "\"--all\": abi takes nothing");
}

#[test]
fn a_second_address_is_refused() {
    refused(
        &["serve", "9099", "9100"],
        "\"9100\": serve takes one [ADDRESS:]PORT",
    );
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
fn a_word_is_quoted_in_ascii_on_one_line_and_not_at_any_length() {
    let quoted = |word: &[u8], quote: &str| {
        let words = [OsStr::new("serve"), OsStr::from_bytes(word)];
        refused(&words, &format!("\"{quote}\": {PORT}"));
    };
    quoted(b"\xff\xfe80", "\\xff\\xfe80");
    quoted("p\u{f6}rt".as_bytes(), "p\\xc3\\xb6rt");
    quoted(b"80\nserver 1\t", "80\\x0aserver 1\\x09");
    quoted(b"\x1b[2J\x7f\"\\'%s", "\\x1b[2J\\x7f\\x22\\x5c'%s");
    quoted(&[b'x'; 64], &"x".repeat(64));
    quoted(&[b'x'; 65], &format!("{}...", "x".repeat(64)));
    quoted(&[b'\n'; 100_000], &format!("{}...", "\\x0a".repeat(64)));
}

#[test]
fn an_address_that_is_not_utf_8_is_refused_as_an_address() {
    let words = [OsStr::new("serve"), OsStr::from_bytes(b"\xff:80")];
    refused(&words, &format!("\"\\xff:80\": {ADDRESS}"));
}

#[test]
fn port_0_and_leading_zeros_are_a_port() {
    for build in builds() {
        let ip = *fresh_address().ip();
        for port in ["0", "000", "0000000000000000000000000000000009099"] {
            let mut command = std::process::Command::new(&build.path);
            command.args(["serve", &format!("{ip}:{port}")]);
            let server = support::launch(command).unwrap().server().unwrap();
            assert_eq!(*server.address.ip(), ip);
            match port.ends_with("9099") {
                true => assert_eq!(server.address.port(), 9099),
                false => assert_ne!(server.address.port(), 0),
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

#[test]
fn a_stdout_that_takes_nothing_is_an_error() {
    for build in builds() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        help_fails(build, full.into(), "No space left on device");

        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        help_fails(build, ours.into(), "Broken pipe");

        Command::new("sh")
            .args(["-c", "exec \"$0\" --help >&-"])
            .arg(&build.path)
            .timeout(DEADLINE)
            .assert()
            .code(1)
            .stderr("reuseaddr: write standard output: Bad file descriptor\n");
    }
}

fn help_fails(build: &Build, stdout: OwnedFd, reason: &str) {
    let mut command = std::process::Command::new(&build.path);
    let output = command.arg("--help").stdout(stdout).output().unwrap();
    output.assert().code(1).stderr(starts_with(format!(
        "reuseaddr: write standard output: {reason}\n"
    )));
}
