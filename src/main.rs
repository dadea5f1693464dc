//! One page of Warren W. Gay's *Linux Socket Programming by Example*, "Setting the SO_REUSEADDR
//! Option", made executable: a forking server that is killed while its child still serves a client,
//! and restarted without the option and with it.
//!
//! This file is the command line: usage, version, dispatch. Twin: `c-reference/main.c`.
//!
//! `main` is C's own and Rust's runtime is left out (`no_main`), since it would tell the twins
//! apart: it takes the first SIGSEGV that another process sends for a stack overflow of its own and
//! goes on (rust-lang/rust#140662), ignores SIGPIPE, and opens `/dev/null` as a closed stdout,
//! which then takes everything.
#![doc = include_str!("../README.md")]
#![no_main]

mod abi;
mod address;
mod conflict;
mod explain;
mod output;
mod rules;
mod say;
mod serve;
mod sock;

use abi::abi;
use address::{parse_address, parse_endpoint};
use errno::errno;
use explain::explain;
use libc::{
    F_GETFD, O_RDONLY, SIG_ERR, SIG_IGN, SIGPIPE, STDERR_FILENO, STDIN_FILENO, c_char, c_int,
};
use output::{bail, print};
use rules::rules;
use say::say;
use serve::serve;
use std::ffi::CStr;
use std::fmt::Write;
use std::slice;

/// Of a wrong word, so many bytes are quoted.
const QUOTE_MAX: usize = 64;

const USAGE: &str = "\
usage: reuseaddr serve [--no-reuseaddr] [[ADDRESS:]PORT]
       reuseaddr rules [--all]
       reuseaddr explain [ADDRESS:]PORT
       reuseaddr abi
       reuseaddr --help | --version
";

const HELP: &str = "
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
";

#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // 1. Keep 0, 1 and 2 taken: a socket with one of these numbers would get our messages.
    for fd in STDIN_FILENO..=STDERR_FILENO {
        // SAFETY: F_GETFD takes no third argument, and any number may be asked for.
        let closed = unsafe { libc::fcntl(fd, F_GETFD) } == -1;
        // SAFETY: the path is a C string; without O_CREAT there is no third argument.
        if closed && unsafe { libc::open(c"/dev/null".as_ptr(), O_RDONLY) } == -1 {
            bail("open", "/dev/null", errno());
        }
    }

    // 2. Writing to a reader who has gone is an error to handle, and not the end.
    // SAFETY: SIG_IGN installs no code of ours.
    if unsafe { libc::signal(SIGPIPE, SIG_IGN) } == SIG_ERR {
        bail("signal", "SIGPIPE", errno());
    }

    // SAFETY: the C runtime hands over argc pointers, which stay valid until the process ends.
    let argv = unsafe { slice::from_raw_parts(argv, argc as usize) };
    let words: Vec<&[u8]> = argv
        .iter()
        // SAFETY: each of them points to a C string.
        .map(|&word| unsafe { CStr::from_ptr(word) }.to_bytes())
        .collect();

    // 3. Help goes before everything, wherever it is asked for.
    if words.iter().skip(1).any(|word| *word == b"--help") {
        print(format_args!("{USAGE}{HELP}"));
        return 0;
    }

    // 4. Run what the first word names.
    match words.get(1).copied() {
        None => misuse(
            None,
            "the command is missing; it must be serve, rules, explain or abi",
        ),
        Some(b"--version") => print(format_args!("reuseaddr {}\n", env!("CARGO_PKG_VERSION"))),
        Some(b"serve") => run_serve(&words[2..]),
        Some(b"rules") => return run_rules(&words[2..]),
        Some(b"explain") => return run_explain(&words[2..]),
        Some(b"abi") => return run_abi(&words[2..]),
        Some(word) => misuse(
            Some(word),
            "the command must be serve, rules, explain or abi",
        ),
    }
    0
}

fn run_serve(words: &[&[u8]]) {
    let mut address = None;
    let mut set_option = true;

    for &word in words {
        match word {
            b"--no-reuseaddr" => set_option = false,
            [b'-', ..] => misuse(Some(word), "the only option of serve is --no-reuseaddr"),
            _ if address.is_none() => address = Some(word),
            _ => misuse(Some(word), "serve takes one [ADDRESS:]PORT"),
        }
    }
    let address = address.unwrap_or(b"127.0.0.1:9099");

    match parse_address(address) {
        Ok(adr_srvr) => serve(adr_srvr, set_option),
        Err(expected) => misuse(Some(address), expected),
    }
}

fn run_rules(words: &[&[u8]]) -> c_int {
    let mut all = false;

    for &word in words {
        match word {
            b"--all" => all = true,
            _ => misuse(Some(word), "rules takes nothing but --all"),
        }
    }
    rules(all)
}

fn run_explain(words: &[&[u8]]) -> c_int {
    let word = match *words {
        [] => misuse(None, "explain needs one [ADDRESS:]PORT"),
        [word] => word,
        [_, word, ..] => misuse(Some(word), "explain takes one [ADDRESS:]PORT"),
    };
    match parse_endpoint(word) {
        Ok(endpoint) => explain(&endpoint),
        Err(expected) => misuse(Some(word), expected),
    }
}

fn run_abi(words: &[&[u8]]) -> c_int {
    match words {
        [] => abi(),
        [word, ..] => misuse(Some(word), "abi takes nothing"),
    }
}

fn misuse(word: Option<&[u8]>, expected: &str) -> ! {
    let mut quote = String::new();

    // 5. Quote the wrong word on one line and in ASCII, whatever its bytes are.
    if let Some(word) = word {
        quote += "\"";
        for &byte in word.iter().take(QUOTE_MAX) {
            match byte {
                b' '..=b'~' if byte != b'"' && byte != b'\\' => {
                    write!(quote, "{}", char::from(byte))
                }
                _ => write!(quote, "\\x{byte:02x}"),
            }
            .expect("a String takes everything");
        }
        quote += if word.len() > QUOTE_MAX {
            "...\": "
        } else {
            "\": "
        };
    }
    say(
        STDERR_FILENO,
        format_args!("reuseaddr: {quote}{expected}\n"),
    );
    say(STDERR_FILENO, format_args!("{USAGE}"));
    // SAFETY: ends the process, touches no memory of ours.
    unsafe { libc::_exit(2) }
}
