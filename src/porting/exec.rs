//! Runs a command and sends its output to a client. Usage: `exec ADDRESS COMMAND [ARG]...`
//! C counterpart: `c-reference/porting/exec.c`.

use errno::errno;
use libc::{AF_INET, SIG_DFL, SIGPIPE, SO_REUSEADDR, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET};
use libc::{SOMAXCONN, STDOUT_FILENO, c_int, htonl, htons, sa_family_t, sockaddr_in, socklen_t};
use std::ffi::CString;
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStringExt;
use std::{env, mem, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("exec: {what}: {reason}");
    process::exit(1)
}

fn main() {
    let args = env::args_os().map(|arg| CString::new(arg.into_vec()).expect("no NUL"));
    let args: Vec<CString> = args.collect();
    let ip = args.get(1).and_then(|ip| ip.to_str().ok()?.parse().ok());
    let (Some::<Ipv4Addr>(ip), [_, _, command, ..]) = (ip, &args[..]) else {
        eprintln!("usage: exec ADDRESS COMMAND [ARG]...");
        process::exit(2)
    };
    // SAFETY: sockaddr_in is integers and an array of integers, for which zero is valid.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    (address.sin_family, address.sin_port) = (AF_INET as sa_family_t, htons(9099));
    address.sin_addr.s_addr = htonl(ip.to_bits());

    // 1. Accept a client. Without SOCK_CLOEXEC, the command would keep the port in use.
    let on: c_int = 1;
    let (optval, optlen) = ((&raw const on).cast(), size_of_val(&on) as socklen_t);
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
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
    // SAFETY: with null pointers, the client's address is not returned.
    let c = unsafe { libc::accept4(s, ptr::null_mut(), ptr::null_mut(), SOCK_CLOEXEC) };
    if c == -1 {
        err("accept4", errno());
    }

    // 2. Fork, and wait. A status below 128 is the signal that terminated the command.
    // SAFETY: the process has one thread, so no lock stays locked in the child.
    let pid = unsafe { libc::fork() };
    if pid != 0 {
        let mut status = 0;
        // SAFETY: `status` is a c_int.
        if pid == -1 || unsafe { libc::waitpid(pid, &raw mut status, 0) } == -1 {
            err("fork or waitpid", errno());
        }
        println!("status {status}");
        return;
    }

    // 3. Reset SIGPIPE. A signal that is ignored stays ignored after exec.
    // SAFETY: SIG_DFL installs no handler.
    unsafe { libc::signal(SIGPIPE, SIG_DFL) };

    // 4. Run the command. dup2 clears close-on-exec; execvp returns only if it fails.
    // SAFETY: nothing owns descriptor 1.
    unsafe { libc::dup2(c, STDOUT_FILENO) };
    let argv = args[2..].iter().map(|arg| arg.as_ptr());
    let argv: Vec<_> = argv.chain([ptr::null()]).collect();
    // SAFETY: `argv` ends with a null pointer, and `args` still owns its C strings.
    unsafe { libc::execvp(argv[0], argv.as_ptr()) };
    eprintln!("exec: execvp {}: {}", command.to_string_lossy(), errno());
    // SAFETY: no pointers; does not return.
    unsafe { libc::_exit(127) }
}
