//! The command line: both builds say the same bytes and end with the same status.

mod addresses;

use crate::support::{Build, DEADLINE, builds};
use assert_cmd::Command;
use assert_cmd::assert::{Assert, OutputAssertExt};
use predicates::str::{is_empty, starts_with};
use std::ffi::OsStr;
use std::fs::File;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

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

const PORT: &str = "PORT must be decimal digits from 0 to 65535";

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
fn a_stdout_that_takes_nothing_is_an_error() {
    for build in builds() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        help_fails(build, full.into(), "No space left on device");

        let (broken, _peer) = UnixStream::pair().unwrap();
        broken.shutdown(Shutdown::Write).unwrap();
        help_fails(build, broken.into(), "Broken pipe");

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
