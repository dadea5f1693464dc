//! The command line: what each build prints, its exit status, and which addresses and ports it accepts.

use crate::support::*;
use assert_cmd::assert::Assert;
use predicates::str::ends_with;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

const USAGE: &str = "\
usage: reuseaddr serve [--no-reuseaddr] [[ADDRESS:]PORT]
       reuseaddr rules [--all | --sequences [COUNT [SEED]]]
       reuseaddr explain [--try] [--all] [ADDRESS:]PORT
       reuseaddr abi
       reuseaddr --help | --version
";
const PORT: &str = "PORT must be a decimal number from 1 to 65535";
const ADDRESS: &str = "ADDRESS must be an IPv4 address, an IPv6 address in brackets, or localhost";

/// `args` are refused with `sentence` and the usage: exit status 2, nothing on stdout.
fn refused(args: &[impl AsRef<OsStr>], sentence: &str) {
    let stderr = format!("reuseaddr: {sentence}\n{USAGE}");
    both(args).code(2).stdout("").stderr(stderr);
}

#[test]
fn help_and_the_version_of_the_package_go_to_stdout() {
    let help = format!(
        "{USAGE}
serve    the forking echo server of Figure 12.1, on 127.0.0.1 and port 9099 by
         default; --no-reuseaddr leaves out setsockopt(SO_REUSEADDR)
rules    which sockets conflict, tested on this kernel in each state that can
         hold a port; CSV of every combination (--all) or random --sequences
explain  whether a server can bind a port, why not, what helps, and the sockets
         and processes that use the port. PORT alone means 127.0.0.1, 0.0.0.0
         and [::]. --all lists each socket separately. --try
         binds the port for an instant: a server that starts just then can fail
abi      constants, sizes and offsets; results of system calls with right and
         wrong arguments

Exit status: 0 for success; 1 if a call fails or a result is not the expected
one; 2 for wrong usage. explain: 0 if the port is free for a server that sets
SO_REUSEADDR, even if this user may not bind it, 1 if the port is in use, 3 if
that cannot be determined.
"
    );
    for args in [&["--help"][..], &["-h"], &["explain", "80x", "-h"]] {
        both(args).code(0).stdout(help.clone()).stderr("");
    }
    let version = concat!("reuseaddr ", env!("CARGO_PKG_VERSION"), "\n");
    for argument in ["--version", "-V"] {
        both(&[argument]).code(0).stdout(version).stderr("");
    }
}

#[test]
fn a_missing_or_unknown_command_an_unknown_option_or_a_superfluous_argument_is_refused() {
    let missing = "the command is missing: serve, rules, explain or abi";
    refused(&[""; 0], missing);
    let command = "the command must be serve, rules, explain or abi";
    let option = "the only option of serve is --no-reuseaddr";
    let all = "rules takes --all, or --sequences [COUNT [SEED]]";
    let number = "COUNT and SEED are numbers from 1";
    let tries = "the options of explain are --try and --all";
    for (args, sentence) in [
        (&[""][..], command),
        (&["server"], command),
        (&["--serve"], command),
        (&["serve", "--reuseaddr"], option),
        (&["serve", "9099", "-n"], option),
        (&["serve", "-1"], option),
        (&["serve", "9099", "9100"], "serve takes one [ADDRESS:]PORT"),
        (&["rules", "all"], all),
        (&["rules", "--alls"], all),
        (&["rules", "--all", "9099"], all),
        (&["rules", "--sequences", "1", "2", "3"], all),
        (&["rules", "--sequences", "0"], number),
        (&["rules", "--sequences", "1", "-2"], number),
        (&["rules", "--sequences", "18446744073709551616"], number),
        (&["explain", "1", "2"], "explain takes one [ADDRESS:]PORT"),
        (&["explain", "1", "-n"], tries),
        (&["explain", "--tries"], tries),
        (&["abi", "--all"], "abi takes no argument"),
        (&["--version", "-v"], "--version takes no argument"),
    ] {
        refused(args, &format!("\"{}\": {sentence}", args[args.len() - 1]));
    }
}

#[test]
fn an_argument_is_quoted_in_ascii_on_one_line_and_cut_at_64_bytes() {
    let refused = |argument: &[u8], quote: &str, sentence: &str| {
        let args = [OsStr::new("serve"), OsStr::from_bytes(argument)];
        refused(&args, &format!("\"{quote}\": {sentence}"));
    };
    refused(b"\xff:80", "\\xff:80", ADDRESS);
    let quoted = |argument: &[u8], quote: &str| refused(argument, quote, PORT);
    quoted(b"\xff\xfe80", "\\xff\\xfe80");
    quoted("p\u{f6}rt~".as_bytes(), "p\\xc3\\xb6rt~");
    quoted(b"80\nserver 1\t", "80\\x0aserver 1\\x09");
    quoted(b"\x1b[2J\x7f\"\\'%s", "\\x1b[2J\\x7f\\x22\\x5c'%s");
    quoted(&[b'x'; 64], &"x".repeat(64));
    quoted(&[b'x'; 65], &format!("{}...", "x".repeat(64)));
    quoted(&[b'\n'; 100_000], &format!("{}...", "\\x0a".repeat(64)));
}

#[test]
fn a_failed_write_to_stdout_is_an_error() {
    for args in [&["--help"][..], &["rules"], &["rules", "--all"]] {
        let fails = |outcome: Assert, reason: &str| {
            let sentence = format!("reuseaddr: write standard output: {reason}\n");
            let outcome = outcome.code(1).stderr(ends_with(sentence.clone()));
            // rules may print notes first.
            if args[0] == "--help" {
                outcome.stderr(sentence);
            }
        };
        let redirected = |redirection, reason| {
            let script = format!("exec \"$0\" \"$@\" {redirection}");
            let shell = ["sh".into(), "-c".into(), script];
            fails(both_under(&shell, args), reason);
        };
        redirected(">/dev/full", "No space left on device");
        redirected(">&-", "Bad file descriptor");
        let broken = |build: &Build| {
            let (broken, _) = UnixStream::pair().unwrap();
            let mut command = Command::new(&build.path);
            command.args(args).stdout(OwnedFd::from(broken));
            command.output().unwrap()
        };
        fails(compare_builds(str::to_string, broken), "Broken pipe");
    }
}

#[test]
fn a_usage_error_and_the_sum_of_rules_wait_until_stderr_has_room() -> Result<()> {
    let refused = format!("reuseaddr: \"-v\": abi takes no argument\n{USAGE}");
    let sum = " rows; 0 contradict the rule.\n";
    for build in builds() {
        for (args, end) in [(["abi", "-v"], &*refused), (["rules", "--all"], sum)] {
            let (mut reader, writer, size) = full_pipe();
            let mut command = Command::new(&build.path);
            command.args(args).stdout(Stdio::null()).stderr(writer);
            let mut process = command.spawn().map_err(text)?;
            drop(command); // and with it, the write end
            wait_for_call(process.id() as i32, libc::SYS_write)?;
            let mut all = String::new();
            reader.read_to_string(&mut all).map_err(text)?;
            let printed = &all[size..];
            assert!(printed.ends_with(end), "{}: {printed}", build.name);
            process.wait().map_err(text)?;
        }
    }
    Ok(())
}

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
fn explain_prints_an_address_in_one_form_however_it_is_written() {
    refused(&["explain"], "explain needs one [ADDRESS:]PORT");
    for (written, address) in [
        ("9", "TCP port 9"),
        (":9", "TCP port 9"),
        ("*:9", "TCP port 9"),
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
fn bind_fails_for_a_port_in_use_with_a_hint_that_can_be_pasted() {
    let first = builds()[0].serve_on(fresh_address(), true).unwrap();
    let first = first.server().unwrap();
    let address = first.address.to_string();
    let long = &*"x".repeat(600); // its line is cut
    let quoted = [("x/y", "x/y"), ("a b", "'a b'"), (long, long)];
    let unnamed = [("it's", "reuseaddr"), ("", "reuseaddr")];
    for (name, pasted) in quoted.into_iter().chain(unnamed) {
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
fn serve_binds_the_address_of_its_argument_or_that_of_the_book() {
    // Injected: no port has to be free, and no privilege is needed.
    let refused = injecting(&["bind:error=EACCES"]);
    let zeros = &*format!("192.0.2.1:{:037}", 80);
    for (args, address) in [
        (&["serve"][..], "127.0.0.1:9099"),
        (&["serve", "80"], "127.0.0.1:80"),
        (&["serve", "localhost:1"], "127.0.0.1:1"),
        (&["serve", "65535"], "127.0.0.1:65535"),
        (&["serve", zeros], "192.0.2.1:80"),
    ] {
        let stderr = format!("reuseaddr: bind {address}: Permission denied\n");
        both_under(&refused, args).code(1).stdout("").stderr(stderr);
    }
}
