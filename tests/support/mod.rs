//! What the tests and the report stand on: the builds, servers and clients with deadlines, and the
//! kernel's own view of sockets and processes.
#![allow(dead_code, unused_imports)] // each test binary uses its part of it

mod both;
mod client;
mod holder;
mod kernel;
mod pool;
mod server;
mod session;

pub use both::{both, both_under, compare_builds, injecting, run_under};
pub use client::Client;
pub use holder::{Holder, STATES, bind_socket, fresh_port, hold, set_option, small_client};
pub use kernel::{
    Socket, descriptors, has_ipv6, holds_every_address, is_before_6_8, is_in_call, is_listed,
    process, release, sockets, sockets_of, wait_for_call, wait_for_stop,
};
pub use pool::in_order;
pub use server::{
    Server, Start, adopt_orphans, end_group, launch, leave_nothing_behind, read_lines, send_signal,
    serve_words,
};
pub use session::{session, without_pointers, wrapped};

use std::env;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hanging.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The page's port. Every scenario has it on an address of its own.
pub const PORT: u16 = 9099;

/// What went wrong, in words.
pub type Result<T> = std::result::Result<T, String>;

/// One build of the command.
#[derive(Clone, Debug)]
pub struct Build {
    pub name: String,
    pub path: PathBuf,
}

/// The two builds of this project. The C one is made here if it is not there or older than its
/// sources, linked as Rust's is, static or dynamic. In the environment, `C_BUILD=PATH` and `RUST_BUILD=PATH` take their places: a sanitizer's.
pub fn builds() -> &'static [Build] {
    static BUILDS: LazyLock<[Build; 2]> = LazyLock::new(|| {
        let (link, c) = match cfg!(target_feature = "crt-static") {
            true => ("static", "target/c-reference/reuseaddr"),
            false => ("dynamic", "target/c-reference/dynamic/reuseaddr"),
        };
        let make = Command::new(tool("make", "make"))
            .args(["-s", "c"])
            .args([format!("LINK={link}"), format!("C_PROGRAM={c}")])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_remove("MAKEFLAGS")
            .output()
            .expect("make can be started");
        let said = String::from_utf8_lossy(&make.stderr);
        assert!(make.status.success(), "the C build failed: {said}");
        let c = Path::new(env!("CARGO_MANIFEST_DIR")).join(c);
        let rust = assert_cmd::cargo::cargo_bin!("reuseaddr").to_path_buf();
        [("C", "C_BUILD", c), ("Rust", "RUST_BUILD", rust)].map(|(name, variable, path)| Build {
            name: name.into(),
            path: env::var_os(variable).map_or(path, PathBuf::from),
        })
    });
    &*BUILDS
}

/// The path of `program`; where it is missing, a panic that names its Debian package.
pub fn tool(program: &str, package: &str) -> PathBuf {
    find_program(program, package).unwrap_or_else(|reason| panic!("{reason}"))
}

/// The path of `program`, or a sentence that names its Debian package.
pub fn find_program(program: &str, package: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| format!("{program} is missing: apt-get install {package}"))
}

/// Whether we are root.
pub fn is_root() -> bool {
    // SAFETY: nothing goes in, a number comes out.
    unsafe { libc::geteuid() == 0 }
}

/// An address of 127/8 that no socket uses, with the page's port, or after 254 of them the next one.
///
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

/// That nobody holds `port` on all addresses of this machine.
pub fn port_is_free(port: u16) -> Result<()> {
    match holds_every_address(port) {
        false => Ok(()),
        true => Err(format!(
            "somebody holds port {port} of all addresses: ss -tlnp says who"
        )),
    }
}

/// Lets this process have so many descriptors as it may.
pub fn raise_limit() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the kernel writes an rlimit where there is one.
    let z = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    assert_eq!(z, 0);
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the kernel reads an rlimit where there is one.
    let z = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(z, 0);
}

/// Polls until `probe` gives something; `what` is what the error says was waited for.
pub fn wait_for<T>(what: impl fmt::Display, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = probe() {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(format!("no {what} within {DEADLINE:?}"));
        }
        thread::sleep(Duration::from_millis(2));
    }
}
