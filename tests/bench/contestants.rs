//! Who is measured: the two builds, what people run instead, and the machine's own limit.

use crate::support::{
    Client, Result, become_subreaper, builds, find_program, kill_group, prepare_child, serve_args,
    wait_for,
};
use std::env;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

/// The two builds, as they are named in every table.
pub const RUST: &str = "Rust";
pub const C: &str = "C";
/// And both, in the order of the tests' support.
pub const OURS: [&str; 2] = [C, RUST];
/// The conversation without fork.
pub const NO_FORK: &str = "no fork";

/// More clients at once than are ever there, for those who want a number.
const CLIENTS: &str = "4000";

/// What makes the bench itself the server that a Rust user would write with `std`.
pub const THREADS_WORD: &str = "--serve-by-threads";

/// A server that can be started.
pub struct Contestant {
    pub name: &'static str,
    program: PathBuf,
    words: fn(SocketAddrV4) -> Vec<String>,
    /// How it differs from ours.
    pub remark: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Ours,
    /// A process for each client, as ours.
    Fork,
    Threads,
    /// One client after the other.
    Limit,
}

/// Programs of others: name, Debian package, words, remark.
type Peer = (
    &'static str,
    &'static str,
    fn(SocketAddrV4) -> Vec<String>,
    &'static str,
);

const PEERS: [Peer; 3] = [
    (
        "socat",
        "socat",
        |at| {
            let listen = format!("TCP-LISTEN:{},bind={},fork,reuseaddr", at.port(), at.ip());
            vec![listen + ",backlog=4096", "PIPE".into()]
        },
        "forks; echoes through a pipe, by select",
    ),
    (
        "tcpserver",
        "ucspi-tcp",
        |at| {
            let words = ["-H", "-R", "-l", "0", "-b", "4096", "-c", CLIENTS];
            let at = [at.ip().to_string(), at.port().to_string(), "cat".into()];
            words.map(String::from).into_iter().chain(at).collect()
        },
        "forks and executes cat",
    ),
    (
        "ncat",
        "ncat",
        |at| {
            let words = ["-l", "-k", "-m", CLIENTS, "-e", "/bin/cat"];
            let at = [at.ip().to_string(), at.port().to_string()];
            words.map(String::from).into_iter().chain(at).collect()
        },
        "forks twice, executes cat, relays by pipes",
    ),
];

/// All that are installed; and what is missing, with its Debian package.
pub fn contestants(limit: &Path) -> (Vec<Contestant>, Vec<String>) {
    let mut all = Vec::new();
    let mut missing = Vec::new();
    for (name, build) in OURS.into_iter().zip(builds()).rev() {
        all.push(Contestant {
            name,
            program: build.path.clone(),
            words: |at| serve_args(at, true),
            remark: "",
            kind: Kind::Ours,
        });
    }
    for (name, package, words, remark) in PEERS {
        match find_program(name, package) {
            Err(reason) => missing.push(reason),
            Ok(program) => all.push(Contestant {
                name,
                program,
                words,
                remark,
                kind: Kind::Fork,
            }),
        }
    }
    all.push(Contestant {
        name: "threads",
        program: env::current_exe().expect("the bench has a path"),
        words: |at| vec![THREADS_WORD.into(), at.to_string()],
        remark: "Rust's std: TcpListener, a thread each",
        kind: Kind::Threads,
    });
    all.push(Contestant {
        name: NO_FORK,
        program: limit.into(),
        words: |at| vec!["serve".into(), at.ip().to_string(), at.port().to_string()],
        remark: "C, static: one client after the other",
        kind: Kind::Limit,
    });
    (all, missing)
}

/// A server that runs, with all its children; they end on drop.
pub struct Running {
    pub process: Child,
    pub address: SocketAddrV4,
}

impl Contestant {
    /// The command that serves on `address`; what it says is thrown away.
    pub fn command(&self, address: SocketAddrV4) -> Command {
        let mut command = Command::new(&self.program);
        command.args((self.words)(address)).process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        prepare_child(&mut command);
        command
    }

    /// Starts it, and waits until it serves.
    pub fn start(&self, address: SocketAddrV4) -> Result<Running> {
        become_subreaper();
        let process = self.command(address).spawn();
        let process = process.map_err(|error| format!("{}: {error}", self.name))?;
        let running = Running { process, address };
        wait_for(format!("service by {}", self.name), || {
            Client::connect(address).ok()?.echo("hello").ok()
        })?;
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill_group(&mut self.process);
    }
}

/// What a Rust user would write instead; never returns.
pub fn serve_by_threads(address: &str) -> ! {
    let listener = TcpListener::bind(address).expect("the address is free");
    loop {
        let Ok((mut stream, _)) = listener.accept() else {
            continue;
        };
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..n]).is_err() {
                    break;
                }
            }
        });
    }
}
