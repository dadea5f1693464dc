//! Shared by the tests and the reports: builds, servers and clients with deadlines, and what the kernel lists.
#![allow(dead_code, unused_imports)] // each target uses only part of it

mod client;
mod holder;
mod kernel;
mod layout;
mod network;
mod program;
mod server;
mod session;
mod trace;

pub use client::*;
pub use holder::*;
pub use kernel::*;
pub use layout::*;
pub use network::*;
pub use program::*;
pub use server::*;
pub use session::*;
pub use trace::*;

// What most tests use of the standard library.
pub use std::collections::{BTreeMap, BTreeSet};
pub use std::fs::{self, File};
pub use std::io::{self, Read, Write};
pub use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4};
pub use std::net::{TcpListener, TcpStream, UdpSocket};
pub use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
pub use std::os::unix::process::{CommandExt, ExitStatusExt};
pub use std::path::{Path, PathBuf};
pub use std::process::{Child, Command, ExitStatus, Output, Stdio};
pub use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
pub use std::sync::mpsc::{self, Receiver};
pub use std::sync::{LazyLock, Mutex};
pub use std::time::{Duration, Instant};
pub use std::{env, fmt, mem, ptr, thread};

/// The time limit of everything that a test waits for: 10 s on an idle machine, and up to 60 s if there are
/// more processes than cores to run them (the load), or if a build takes more than 20 ms to start and exit.
pub fn deadline() -> Duration {
    static DEADLINE: LazyLock<Duration> = LazyLock::new(|| {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|load| load.parse().ok());
        let cores = thread::available_parallelism().map_or(1, usize::from) as f64;
        let start = Instant::now();
        let _ = Command::new(&builds()[1].path).arg("--version").output();
        let slowness = start.elapsed().as_secs_f64() / 0.020;
        let factor = slowness.max(load.unwrap_or(0.0) / cores).clamp(1.0, 6.0);
        Duration::from_secs_f64((10.0 * factor).round())
    });
    *DEADLINE
}

/// The port of the book. Each server uses it on another address.
pub const PORT: u16 = 9099;

/// A result whose error is a message.
pub type Result<T> = std::result::Result<T, String>;

#[derive(Clone, Debug)]
pub struct Build {
    pub name: String,
    pub path: PathBuf,
}

/// The two builds, C first. make builds the C one here if it is missing or older than its sources, linked
/// as the Rust one is. The environment variables `C_BUILD` and `RUST_BUILD` name other programs.
pub fn builds() -> &'static [Build; 2] {
    static BUILDS: LazyLock<[Build; 2]> = LazyLock::new(|| {
        let (link, c) = if cfg!(target_feature = "crt-static") {
            ("static", "target/c-reference/reuseaddr")
        } else {
            ("dynamic", "target/c-reference/dynamic/reuseaddr")
        };
        let mut make = Command::new(tool("make", "make"));
        make.args([
            "-s",
            "c",
            &format!("LINK={link}"),
            &format!("C_PROGRAM={c}"),
        ]);
        make.current_dir(project("")).env_remove("MAKEFLAGS");
        assert!(make.status().unwrap().success(), "the C build failed");
        let rust = assert_cmd::cargo::cargo_bin!("reuseaddr").to_path_buf();
        let build = |name: &str, variable, path| Build {
            name: name.into(),
            path: env::var_os(variable).map_or(path, PathBuf::from),
        };
        let c = build("C", "C_BUILD", project(c));
        [c, build("Rust", "RUST_BUILD", rust)]
    });
    &BUILDS
}

/// Builds the C program `program` of `source`, in which the first text of each of `changes` is replaced by the
/// second, and of `others`, files in the words of a shell.
pub fn build_changed(program: &Path, source: &str, changes: &[(&str, &str)], others: &str) {
    let mut code = read_file(source).unwrap();
    for (right, wrong) in changes {
        assert_eq!(code.matches(right).count(), 1, "{right}");
        code = code.replace(right, wrong);
    }
    fs::write(program.with_extension("c"), code).unwrap();
    let script = format!("cc -D_GNU_SOURCE -Ic-reference/include -o \"$0\" \"$0.c\" {others}");
    let mut shell = Command::new(tool("sh", "dash"));
    shell.args(["-c", &script]).arg(program);
    assert!(shell.current_dir(project("")).status().unwrap().success());
}

/// A C build in `folder`, in whose serve.c `right` is replaced by `wrong`.
pub fn changed_serve(folder: &Folder, right: &str, wrong: &str) -> Build {
    let (name, path) = ("wrong".into(), folder.path.join("reuseaddr"));
    let others = "$(find c-reference -name '*.c' ! -path '*/porting/*' ! -name serve.c)";
    build_changed(&path, "c-reference/serve.c", &[(right, wrong)], others);
    Build { name, path }
}

/// A file or folder of this project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of this project.
pub fn read_file(path: &str) -> Result<String> {
    fs::read_to_string(project(path)).map_err(|error| format!("{path}: {error}"))
}

/// The path of `program`. If it is missing, panics with the name of its Debian package.
pub fn tool(program: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&path).map(|folder| folder.join(program));
    let found = files.find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{program} is missing: apt-get install {package}"))
}

/// A path for a temporary file of this test process.
pub fn scratch(name: impl fmt::Display) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("{}.{name}", std::process::id()))
}

/// A new folder for temporary files. It is removed on drop.
pub struct Folder {
    pub path: PathBuf,
}

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = scratch(format!("folder.{number}"));
        fs::create_dir(&path).unwrap();
        Folder { path }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// `error` as the error type of [`Result`].
pub fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

pub fn is_root() -> bool {
    own_uid() == 0
}

/// The effective user id of this process, and of the sockets that it creates.
pub fn own_uid() -> libc::uid_t {
    // SAFETY: no arguments; it always succeeds.
    unsafe { libc::geteuid() }
}

/// An address of 127/8 that no socket uses, with port 9099. Every 254 addresses, the port goes up by one.
/// The two bytes in the middle are the process id, so that two test processes use different addresses.
/// An address that an earlier process of the same id left in TIME_WAIT is skipped.
pub fn fresh_address() -> SocketAddrV4 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORT + (number / 254) as u16;
        port_is_free(port).unwrap();
        let middle = std::process::id() & 0xffff;
        let ip = Ipv4Addr::from_bits(127 << 24 | middle << 8 | (number % 254 + 1));
        let address = SocketAddrV4::new(ip, port);
        if sockets().iter().all(|socket| socket.local != address) {
            return address;
        }
    }
}

/// Sets the soft limit on descriptors of process `pid` to `count`, a number or an expression of the shell.
pub fn limit_descriptors(pid: i32, count: impl fmt::Display) {
    let script = format!("prlimit --pid {pid} --nofile={count}:");
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.unwrap().success(), "{script}");
}

/// Raises the soft limit on descriptors to the hard limit.
pub fn raise_limit() {
    limit_descriptors(std::process::id() as i32, "$(ulimit -Hn)");
}

/// Polls `probe` until it returns a value. `what` names the awaited event in the error.
pub fn wait_for<T>(what: impl fmt::Display, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + deadline();
    loop {
        if let Some(found) = probe() {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(format!("no {what} within {:?}", deadline()));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

pub fn wait_until(what: impl fmt::Display, mut holds: impl FnMut() -> bool) -> Result<()> {
    wait_for(what, || holds().then_some(()))
}

/// Jobs that run at the same time. A job that hangs blocks one worker until its deadline.
const WORKERS: usize = 8;

/// Runs `job` for each number below `count`, and passes the results to `take`, in order and as early as possible.
pub fn in_order<T: Send>(
    count: usize,
    job: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T),
) {
    let job = &job;
    thread::scope(|scope| {
        let worker = |first: usize| {
            let (sender, receiver) = mpsc::channel();
            let mut numbers = (first..count).step_by(WORKERS);
            scope.spawn(move || numbers.try_for_each(|number| sender.send(job(number))));
            receiver
        };
        let workers: Vec<_> = (0..WORKERS).map(worker).collect();
        for number in 0..count {
            let result = workers[number % WORKERS].recv();
            take(number, result.expect("the job does not panic"));
        }
    });
}
