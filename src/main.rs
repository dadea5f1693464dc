//! One page of Warren W. Gay's *Linux Socket Programming by Example*, "Setting the SO_REUSEADDR
//! Option", as running code: a forking server is killed while its child process still serves a
//! client, and is then restarted, without the option and with it.
//!
//! This file is the command line: arguments, usage, dispatch. C counterpart: `c-reference/main.c`.
//!
//! `no_main` leaves out Rust's runtime, which would make the builds behave differently: it installs
//! a SIGSEGV handler that ignores the first SIGSEGV sent by another process
//! (rust-lang/rust#140662), it ignores SIGPIPE, and it opens `/dev/null` for writing
//! in place of a closed stdout, which hides errors.
#![doc = include_str!("../README.md")]
#![no_main]

// First, because the other modules use its macros.
#[macro_use]
mod output;

mod abi;
mod accept_error;
mod address;
mod conflict;
mod explain;
mod netns;
mod rules;
mod serve;
mod sock;

use abi::abi;
use address::{make_sockaddr, parse_endpoint};
use errno::errno;
use explain::explain;
use libc::{
    AF_INET, AF_INET6, F_GETFD, INADDR_LOOPBACK, O_RDONLY, SIG_IGN, SIGCHLD, SIGPIPE,
    STDERR_FILENO, STDIN_FILENO, c_char, c_int, sigaction,
};
use output::exit_with_error;
use rules::rules;
use serve::serve;
use std::ffi::CStr;
use std::fmt::Write;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ptr;
use std::slice;
use std::str::from_utf8;

/// Default number of sequences of `rules --sequences`.
const SEQUENCES: u64 = 1000;

/// Number of bytes of a wrong argument that are quoted.
const QUOTE_MAX: usize = 64;

const USAGE: &str = "\
usage: reuseaddr serve [--no-reuseaddr] [[ADDRESS:]PORT]
       reuseaddr rules [--all | --sequences [COUNT [SEED]]]
       reuseaddr explain [--try] [--all] [ADDRESS:]PORT
       reuseaddr abi
       reuseaddr --help | --version
";

const HELP: &str = "
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
";

/// Prints the wrong argument, what was expected and the usage. Exits with status 2.
fn usage_error<'a>(argument: impl Into<Option<&'a [u8]>>, expected: &str) -> ! {
    let mut quote = String::new();

    // Quote the argument in ASCII and on one line, whatever its bytes are.
    if let Some(argument) = argument.into() {
        quote += "\"";
        for &byte in argument.iter().take(QUOTE_MAX) {
            match byte {
                b' '..=b'~' if byte != b'"' && byte != b'\\' => quote.push(byte.into()),
                _ => write!(quote, "\\x{byte:02x}").expect("write! to a String succeeds"),
            }
        }
        quote += ["\": ", "...\": "][usize::from(argument.len() > QUOTE_MAX)];
    }
    note!("reuseaddr: {quote}{expected}\n{USAGE}");
    // SAFETY: no pointers; does not return.
    unsafe { libc::_exit(2) }
}

fn run_serve(arguments: &[&[u8]]) -> ! {
    let mut address = None;
    let mut reuse = true;

    for &argument in arguments {
        match argument {
            b"--no-reuseaddr" => reuse = false,
            [b'-', ..] => usage_error(argument, "the only option of serve is --no-reuseaddr"),
            _ if address.is_none() => address = Some(argument),
            _ => usage_error(argument, "serve takes one [ADDRESS:]PORT"),
        }
    }
    let address: &[u8] = address.unwrap_or(b"127.0.0.1:9099");

    let endpoint = parse_endpoint(address, INADDR_LOOPBACK)
        .unwrap_or_else(|expected| usage_error(address, expected));
    if endpoint.family != AF_INET {
        usage_error(address, "the ADDRESS of serve must be an IPv4 address");
    }
    let (adr_srvr, _) = make_sockaddr(&endpoint);
    // SAFETY: AF_INET says that `v4` is the member in use.
    serve(unsafe { adr_srvr.v4 }, reuse)
}

/// Reads a number from 1.
fn parse_number(argument: &[u8]) -> u64 {
    let digits = argument.iter().all(u8::is_ascii_digit);
    let text = from_utf8(argument).ok().filter(|_| digits);
    let number = text.and_then(|text| text.parse().ok());
    number
        .filter(|&number| number > 0)
        .unwrap_or_else(|| usage_error(argument, "COUNT and SEED are numbers from 1"))
}

fn run_rules(arguments: &[&[u8]]) -> c_int {
    const EXPECTED: &str = "rules takes --all, or --sequences [COUNT [SEED]]";
    let mut numbers = [SEQUENCES, 1];

    let Some((&first, rest)) = arguments.split_first() else {
        return rules(false, 0, 0);
    };
    let all = first == b"--all";
    if !all && first != b"--sequences" {
        usage_error(first, EXPECTED);
    }
    for (i, &argument) in rest.iter().enumerate() {
        if all || i == 2 {
            usage_error(argument, EXPECTED);
        }
        numbers[i] = parse_number(argument);
    }
    rules(all, if all { 0 } else { numbers[0] }, numbers[1])
}

fn run_explain(arguments: &[&[u8]]) -> c_int {
    let (mut address, mut trial, mut all) = (None, false, false);

    for &argument in arguments {
        match argument {
            b"--try" => trial = true,
            b"--all" => all = true,
            [b'-', ..] => usage_error(argument, "the options of explain are --try and --all"),
            _ if address.is_none() => address = Some(argument),
            _ => usage_error(argument, "explain takes one [ADDRESS:]PORT"),
        }
    }
    let address = address.unwrap_or_else(|| usage_error(None, "explain needs one [ADDRESS:]PORT"));

    // As ss(8) and others write a port on any address: *:PORT and :PORT.
    let any = address.strip_prefix(b"*").unwrap_or(address);
    let any = any.strip_prefix(b":").filter(|port| !port.contains(&b':'));
    let port = any.unwrap_or(address);
    if port.ends_with(b":0") || port == b"0" {
        usage_error(
            address,
            "port 0 means any free port of net.ipv4.ip_local_port_range",
        );
    }
    let mut endpoint = parse_endpoint(port, INADDR_LOOPBACK)
        .unwrap_or_else(|expected| usage_error(address, expected));
    let mut endpoints = vec![endpoint];
    if !port.contains(&b':') {
        endpoint.address = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
        endpoints.push(endpoint);
        endpoint.family = AF_INET6;
        endpoint.address = Ipv6Addr::UNSPECIFIED;
        endpoints.push(endpoint);
    }
    explain(&endpoints, trial, all)
}

fn ignore_signal(number: c_int, name: &str) {
    // SAFETY: sigaction is integers and an optional function pointer, for which zero is valid.
    let mut ignore: sigaction = unsafe { mem::zeroed() };
    ignore.sa_sigaction = SIG_IGN;
    // SAFETY: `ignore` installs no handler; a null pointer is allowed for the old action.
    if unsafe { libc::sigaction(number, &raw const ignore, ptr::null_mut()) } == -1 {
        exit_with_error("sigaction", name, errno());
    }
}

#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // If a standard stream is closed, open /dev/null in its place, read-only, so that writes still
    // fail. Otherwise a socket could become descriptor 1 or 2, and get our messages.
    for fd in STDIN_FILENO..=STDERR_FILENO {
        // SAFETY: no pointers; any argument value is safe.
        let closed = unsafe { libc::fcntl(fd, F_GETFD) } == -1;
        // SAFETY: the path ends in a NUL; without O_CREAT there is no third argument.
        if closed && unsafe { libc::open(c"/dev/null".as_ptr(), O_RDONLY) } == -1 {
            exit_with_error("open", "/dev/null", errno());
        }
    }

    // With SIGPIPE ignored, write(2) fails with EPIPE. With SIGCHLD ignored, the kernel reaps the
    // children of serve.
    ignore_signal(SIGPIPE, "SIGPIPE");
    ignore_signal(SIGCHLD, "SIGCHLD");

    // SAFETY: the C runtime passes `argc` pointers, which stay valid until the process exits.
    let argv = unsafe { slice::from_raw_parts(argv, argc as usize) };
    let arguments: Vec<&[u8]> = argv
        .iter()
        // SAFETY: each pointer is to a string that ends in a NUL.
        .map(|&argument| unsafe { CStr::from_ptr(argument) }.to_bytes())
        .skip(1)
        .collect();

    let is_help = |argument: &&[u8]| matches!(*argument, b"--help" | b"-h");
    if arguments.iter().any(is_help) {
        out!("{USAGE}");
        out!("{HELP}");
        return 0;
    }

    match *arguments {
        [] => usage_error(None, "the command is missing: serve, rules, explain or abi"),
        [b"serve", ref rest @ ..] => run_serve(rest),
        [b"rules", ref rest @ ..] => run_rules(rest),
        [b"explain", ref rest @ ..] => run_explain(rest),
        [b"abi"] => abi(),
        [b"abi", argument, ..] => usage_error(argument, "abi takes no argument"),
        [b"--version" | b"-V"] => {
            out!("reuseaddr {}\n", env!("CARGO_PKG_VERSION"));
            0
        }
        [b"--version" | b"-V", argument, ..] => {
            usage_error(argument, "--version takes no argument")
        }
        [argument, ..] => usage_error(argument, "the command must be serve, rules, explain or abi"),
    }
}
