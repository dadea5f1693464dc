//! A forking discard server that counts how its children end. Usage: `reap ADDRESS`.
//! C counterpart: `c-reference/porting/reap.c`.

use errno::{errno, set_errno};
use libc::{AF_INET, SA_RESTART, SIGCHLD, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, SOMAXCONN};
use libc::{WEXITSTATUS, WIFEXITED, WIFSIGNALED, WNOHANG};
use libc::{c_int, htonl, htons, sa_family_t, sigaction, sockaddr_in, socklen_t};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::{env, fmt::Display, mem, process, ptr};

static SUCCEEDED: AtomicI32 = AtomicI32::new(0);
static FAILED: AtomicI32 = AtomicI32::new(0);
static KILLED: AtomicI32 = AtomicI32::new(0);

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("reap: {what}: {reason}");
    process::exit(1)
}

extern "C" fn on_sigchld(_signal: c_int) {
    // 1. Reap each child process that has ended: there may be several for one SIGCHLD.
    let (mut status, saved) = (0, errno()); // the interrupted code may read errno
    // SAFETY: `status` is an int, which the kernel may write.
    while unsafe { libc::waitpid(-1, &raw mut status, WNOHANG) } > 0 {
        if WIFSIGNALED(status) {
            KILLED.fetch_add(1, Relaxed);
        } else if WIFEXITED(status) && WEXITSTATUS(status) == 0 {
            SUCCEEDED.fetch_add(1, Relaxed);
        } else {
            FAILED.fetch_add(1, Relaxed);
        }
    }
    set_errno(saved);
}

fn main() {
    let text = env::args_os().nth(1).unwrap_or_default();
    let Ok(ip) = text.to_string_lossy().parse::<Ipv4Addr>() else {
        eprintln!("usage: reap ADDRESS");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 2. Install the handler. With SA_RESTART, an accept that it interrupts continues.
    // SAFETY: sigaction is integers and an optional function, for which zero is valid.
    let mut action: sigaction = unsafe { mem::zeroed() };
    let handler: extern "C" fn(c_int) = on_sigchld;
    (action.sa_sigaction, action.sa_flags) = (handler as usize, SA_RESTART);
    // SAFETY: `sa_mask` is a sigset_t.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    // SAFETY: the handler is async-signal-safe and, without SA_SIGINFO, gets one int.
    if unsafe { libc::sigaction(SIGCHLD, &raw const action, ptr::null_mut()) } == -1 {
        err("sigaction SIGCHLD", errno());
    }

    // 3. Listen.
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
    let z = unsafe { libc::bind(s, (&raw const address).cast(), len) };
    // SAFETY: no pointers; any argument value is safe.
    if z == -1 || unsafe { libc::listen(s, SOMAXCONN) } == -1 {
        err(format_args!("bind or listen {ip}"), errno());
    }
    println!("listening on {ip}");

    loop {
        // 4. Fork a child process for each client. It reads until end of file, or fails.
        // SAFETY: with null pointers, the client's address is not returned.
        let c = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
        // SAFETY: the process has one thread, so no lock stays locked in the child.
        let pid = if c == -1 { -1 } else { unsafe { libc::fork() } };
        if pid == -1 {
            err("accept or fork", errno());
        }
        if pid == 0 {
            // SAFETY: the child does not use `s` again.
            unsafe { libc::close(s) };
            let (mut buffer, mut n) = ([0u8; 4096], 1);
            while n > 0 {
                // SAFETY: `buffer` has room for its length.
                n = unsafe { libc::recv(c, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
            }
            // SAFETY: no pointers; does not return.
            unsafe { libc::_exit(if n == 0 { 0 } else { 1 }) };
        }
        // SAFETY: the parent does not use `c` again.
        unsafe { libc::close(c) };
        let [ok, failed, killed] = [&SUCCEEDED, &FAILED, &KILLED].map(|n| n.load(Relaxed));
        println!("child {pid}; until now {ok} succeeded, {failed} failed, {killed} were killed");
    }
}
