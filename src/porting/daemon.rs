//! A server that leaves its terminal. Usage: `daemon ADDRESS PIDFILE`.
//! C counterpart: `c-reference/porting/daemon.c`.

use errno::errno;
use libc::{AF_INET, MSG_NOSIGNAL, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, SOMAXCONN};
use libc::{O_CLOEXEC, O_CREAT, O_RDWR, O_TRUNC, O_WRONLY};
use libc::{c_int, htonl, htons, sa_family_t, sockaddr_in, socklen_t};
use std::ffi::CString;
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStringExt;
use std::{env, mem, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("daemon: {what}: {reason}");
    process::exit(1)
}

/// Continues in a child process. The parent exits without running atexit handlers.
fn fork_and_exit() {
    // SAFETY: the process has one thread, so no lock stays locked in the child.
    let pid = unsafe { libc::fork() };
    if pid != 0 {
        // SAFETY: no pointers; does not return.
        unsafe { libc::_exit(c_int::from(pid == -1)) }
    }
}

fn main() {
    let mut args = env::args_os().skip(1);
    let ip = args.next().and_then(|ip| ip.to_str()?.parse().ok());
    let (Some::<Ipv4Addr>(ip), Some(path)) = (ip, args.next()) else {
        eprintln!("usage: daemon ADDRESS PIDFILE");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 1. Listen, and open the file, while stderr and the current directory are the user's.
    let on: c_int = 1;
    let (optval, optlen) = ((&raw const on).cast(), size_of_val(&on) as socklen_t);
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    // SAFETY: `optlen` is the size of `on`.
    if s == -1 || unsafe { libc::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen) } == -1 {
        err("socket or setsockopt", errno());
    }
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: `len` is the size of `address`.
    let bound = unsafe { libc::bind(s, (&raw const address).cast(), len) } == 0;
    // SAFETY: no pointers; any argument value is safe.
    if !bound || unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("bind or listen {ip}"), errno());
    }
    let path = CString::new(path.into_vec()).expect("an argument contains no NUL");
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    // SAFETY: `path` is a C string; with O_CREAT, the mode is an int.
    let file = unsafe { libc::open(path.as_ptr(), flags, 0o666) };
    if file == -1 {
        err(format_args!("open {}", path.to_string_lossy()), errno());
    }

    // 2. Start a session. Fork first, since setsid fails for the leader of a process group.
    fork_and_exit();
    // SAFETY: no arguments.
    unsafe { libc::setsid() };

    // 3. Fork again: only the leader of a session can acquire a terminal.
    fork_and_exit();
    // SAFETY: no pointers; any argument value is safe.
    unsafe { libc::umask(0) };
    // SAFETY: the argument is a C string.
    if unsafe { libc::chdir(c"/".as_ptr()) } == -1 {
        err("chdir /", errno());
    }

    // 4. Write the pid, which is known only after the last fork.
    let pid = format!("{}\n", process::id());
    // SAFETY: `pid` has that length.
    unsafe { libc::write(file, pid.as_ptr().cast(), pid.len()) };
    // SAFETY: `file` is not used again.
    unsafe { libc::close(file) };

    // 5. Replace stdin, stdout and stderr. If they were closed, sockets would get their numbers.
    // SAFETY: the argument is a C string.
    let null = unsafe { libc::open(c"/dev/null".as_ptr(), O_RDWR) };
    for fd in 0..=2 {
        // SAFETY: nothing in this program owns descriptors 0 to 2.
        if unsafe { libc::dup2(null, fd) } == -1 {
            err("dup2 /dev/null", errno());
        }
    }
    // SAFETY: `null` is not used again.
    unsafe { libc::close(null) };

    // 6. Serve. No message of err would be seen now.
    loop {
        // SAFETY: with null pointers, the client's address is not returned.
        let c = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
        if c == -1 {
            process::exit(1);
        }
        // SAFETY: the text has 7 bytes.
        unsafe { libc::send(c, c"daemon\n".as_ptr().cast(), 7, MSG_NOSIGNAL) };
        // SAFETY: `c` is not used again.
        unsafe { libc::close(c) };
    }
}
