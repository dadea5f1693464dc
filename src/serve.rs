//! The forking server of Figure 12.1.
//!
//! Warren W. Gay, *Linux Socket Programming by Example*, chapter 12, "Setting the SO_REUSEADDR
//! Option". In parentheses: the page's claims, by figure (F), trouble (T), remedy (R), condition
//! (C) and code (K), as listed in README.md. C counterpart: `c-reference/serve.c`.

use crate::accept_error::accept_error;
use crate::address::format_address;
use crate::output::{exit_with_error, exit_with_hint};
use crate::output::{read_some, report_error, write_all};
use errno::errno;
use libc::{AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, SOMAXCONN, STDOUT_FILENO};
use libc::{c_int, c_void, pid_t, sockaddr_in, socklen_t};
use std::mem::{self, MaybeUninit};
use std::net::SocketAddrV4;

const TRUE: c_int = 1;

/// Listens on `adr_srvr` and serves each client in a child process, forever. Sets SO_REUSEADDR
/// before bind(2) if `reuse` is true. Exits with status 1 if it cannot listen, or accept(2) fails
/// for good.
pub fn serve(adr_srvr: sockaddr_in, reuse: bool) -> ! {
    let server_text = format_address(&adr_srvr);
    let mut reported = false; // whether a shortage (accept_error) has been reported

    // 1. Create the socket as usual. (R1)
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        exit_with_error("socket", server_text, errno());
    }

    // 2. Set SO_REUSEADDR to TRUE. It must be set before bind. (R1, K1)
    let mut so_reuseaddr = TRUE;
    let optval: *mut c_void = (&raw mut so_reuseaddr).cast();
    let mut optlen = size_of_val(&so_reuseaddr) as socklen_t;
    if reuse {
        // SAFETY: `optval` points to `so_reuseaddr`, and `optlen` is its size.
        let z = unsafe { libc::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen) };
        if z == -1 {
            exit_with_error("setsockopt SO_REUSEADDR", server_text, errno());
        }
    }

    // 3. Bind. Another socket here must not listen, and both need the option. (R1, T3, C1, C2)
    let mut len_inet = size_of_val(&adr_srvr) as socklen_t;
    // SAFETY: `len_inet` is the size of `adr_srvr`.
    let z = unsafe { libc::bind(s, (&raw const adr_srvr).cast(), len_inet) };
    if z == -1 {
        exit_with_hint("bind", server_text, errno());
    }

    // 4. Listen. Fails if another socket has begun to listen here since bind. (F1, C1)
    // SAFETY: no pointers; any argument value is safe.
    let z = unsafe { libc::listen(s, SOMAXCONN) };
    if z == -1 {
        exit_with_hint("listen", server_text, errno());
    }

    // 5. Read the option back, and announce the server. (K2)
    // SAFETY: `optval` points to `so_reuseaddr`, and `optlen` is its size.
    let z = unsafe { libc::getsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, &raw mut optlen) };
    if z == -1 {
        exit_with_error("getsockopt SO_REUSEADDR", server_text, errno());
    }
    // SAFETY: no arguments; always succeeds.
    let parent = unsafe { libc::getpid() };
    write_line!(
        STDOUT_FILENO,
        "server {parent}: listening on {server_text}, SO_REUSEADDR is {so_reuseaddr}\n"
    );

    loop {
        // 6. Accept a client. The new socket inherits SO_REUSEADDR from s. (F2, C2)
        // SAFETY: sockaddr_in is integers and arrays of integers, for which zero is valid.
        let mut adr_clnt: sockaddr_in = unsafe { mem::zeroed() };
        len_inet = size_of_val(&adr_clnt) as socklen_t;
        // SAFETY: `len_inet` is the size of `adr_clnt`.
        let c = unsafe { libc::accept(s, (&raw mut adr_clnt).cast(), &raw mut len_inet) };
        if c == -1 {
            reported = accept_error(server_text, errno(), reported);
            continue;
        }
        reported = false;
        let client_text = format_address(&adr_clnt);

        // 7. Fork. Now both parent and child have s and c open. (F3)
        // SAFETY: the process has one thread, so no lock stays locked in the child.
        let mut pid = unsafe { libc::fork() };
        if pid == 0 {
            // 8. The child closes s. Left open, s would go on listening. (T2, C1)
            // SAFETY: the child does not use `s` again.
            unsafe { libc::close(s) };
            // SAFETY: no arguments; always succeeds.
            pid = unsafe { libc::getpid() };
            write_line!(
                STDOUT_FILENO,
                "server {parent}: child {pid} serves {client_text}\n"
            );
            echo(c, client_text, pid);
        }
        if pid == -1 {
            report_error("fork", client_text, errno());
        }

        // 9. The parent closes c. Only the child, if there is one, has it open. (F4, T1, R2)
        // SAFETY: the parent does not use `c` again.
        unsafe { libc::close(c) };
    }
}

/// Sends back what the client sends (RFC 862). Does not return: the child process exits here.
#[inline(always)] // Rust touches each page of a large stack frame: once in serve, not in each child
fn echo(c: c_int, client_text: SocketAddrV4, pid: pid_t) -> ! {
    let mut buffer = [MaybeUninit::uninit(); 1 << 16];
    let mut total: u64 = 0;

    // 10. Echo until end of file. The parent takes no part. (F5)
    loop {
        let bytes = match read_some(c, &mut buffer) {
            Err(reason) => break report_error("read", client_text, reason),
            Ok([]) => break,
            Ok(bytes) => bytes,
        };
        if let Err(reason) = write_all(c, bytes) {
            break report_error("write", client_text, reason);
        }
        total += bytes.len() as u64;
    }

    // 11. Passive close: no TIME_WAIT. A child killed before end of file closes actively. (T4)
    // SAFETY: the child does not use `c` again.
    unsafe { libc::close(c) };
    write_line!(
        STDOUT_FILENO,
        "child {pid}: {client_text} closed after {total} bytes\n"
    );
    // SAFETY: no pointers; does not return.
    unsafe { libc::_exit(0) }
}
