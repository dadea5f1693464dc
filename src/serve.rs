//! The forking server of Figure 12.1: socket, setsockopt, bind, listen, accept, fork.
//!
//! Warren W. Gay, *Linux Socket Programming by Example*, chapter 12, "Setting the SO_REUSEADDR
//! Option". F1 to K2 are the README's names for what the page says. Twin: `c-reference/serve.c`.

use crate::address::format_address;
use crate::output::{bail, complain};
use crate::say::{say, write_all};
use errno::errno;
use libc::{
    AF_INET, EADDRINUSE, ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, EMFILE, ENETDOWN,
    ENETUNREACH, ENFILE, ENOBUFS, ENOMEM, ENONET, ENOPROTOOPT, ENOSR, EOPNOTSUPP, EPERM, EPROTO,
    EPROTONOSUPPORT, ESOCKTNOSUPPORT, ETIMEDOUT, SIG_ERR, SIG_IGN, SIGCHLD, SO_REUSEADDR,
    SOCK_STREAM, SOL_SOCKET, SOMAXCONN, STDERR_FILENO, STDOUT_FILENO, c_int, pid_t, sockaddr_in,
    socklen_t, timespec,
};
use std::mem;
use std::net::SocketAddrV4;
use std::ptr;
use std::slice;

const TRUE: c_int = 1;

/// Of a child's buffer. It is static: a page of it costs memory when it is used, and not before.
const BUFFER_SIZE: usize = 1 << 16;

/// Serves every client on `adr_srvr` by a child of its own, for ever; with `set_option`,
/// SO_REUSEADDR is set before bind(2). Ends by [`bail`] if a call fails.
pub fn serve(mut adr_srvr: sockaddr_in, set_option: bool) -> ! {
    let mut server = format_address(&adr_srvr);

    // 1. Create the socket as usual. (R1)
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::socket(AF_INET, SOCK_STREAM, 0) };
    if s == -1 {
        bail("socket", server, errno());
    }

    // 2. Set SO_REUSEADDR to TRUE: after bind it would be too late for us. (R1, K1)
    let mut so_reuseaddr = TRUE;
    if set_option {
        // SAFETY: the kernel reads a c_int where there is one, and its size is said.
        let z = unsafe {
            libc::setsockopt(
                s,
                SOL_SOCKET,
                SO_REUSEADDR,
                (&raw const so_reuseaddr).cast(),
                size_of_val(&so_reuseaddr) as socklen_t,
            )
        };
        if z == -1 {
            bail("setsockopt SO_REUSEADDR", server, errno());
        }
    }

    // 3. Bind as usual: a listener refuses us, or a socket without the option. (R1, T3, C1, C2)
    let mut len_inet = size_of_val(&adr_srvr) as socklen_t;
    // SAFETY: the kernel reads a sockaddr_in where there is one, and its size is said.
    let z = unsafe { libc::bind(s, (&raw const adr_srvr).cast(), len_inet) };
    let reason = errno();
    if z == -1 && reason.0 == EADDRINUSE {
        complain("bind", server, reason);
        say(
            STDERR_FILENO,
            format_args!("reuseaddr: who is in the way: reuseaddr explain {server}\n"),
        );
        // SAFETY: ends the process, touches no memory of ours.
        unsafe { libc::_exit(1) }
    }
    if z == -1 {
        bail("bind", server, reason);
    }

    // 4. Listen: nobody else may while we do, and nobody does when we end. (F1, C1, T2)
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::listen(s, SOMAXCONN) };
    if z == -1 {
        bail("listen", server, errno());
    }

    // 5. Have the kernel bury the children: no zombies, and no EINTR from their deaths.
    // SAFETY: SIG_IGN installs no code of ours.
    if unsafe { libc::signal(SIGCHLD, SIG_IGN) } == SIG_ERR {
        bail("signal SIGCHLD", server, errno());
    }

    // 6. Ask what the kernel made of port 0 and of the option, and say it. (F1, K2)
    // SAFETY: the kernel writes at most len_inet bytes into adr_srvr, and len_inet anew.
    let z = unsafe { libc::getsockname(s, (&raw mut adr_srvr).cast(), &raw mut len_inet) };
    if z == -1 {
        bail("getsockname", server, errno());
    }
    server = format_address(&adr_srvr);
    let mut optlen = size_of_val(&so_reuseaddr) as socklen_t;
    // SAFETY: the kernel writes at most optlen bytes into so_reuseaddr, and optlen anew.
    let z = unsafe {
        libc::getsockopt(
            s,
            SOL_SOCKET,
            SO_REUSEADDR,
            (&raw mut so_reuseaddr).cast(),
            &raw mut optlen,
        )
    };
    if z == -1 {
        bail("getsockopt SO_REUSEADDR", server, errno());
    }
    // SAFETY: nothing goes in, a number comes out.
    let parent = unsafe { libc::getpid() };
    say(
        STDOUT_FILENO,
        format_args!("server {parent}: listening on {server}, SO_REUSEADDR is {so_reuseaddr}\n"),
    );

    loop {
        // 7. Accept a client: its socket inherits the option from s. (F2, C2)
        let (c, adr_clnt) = accept_client(s, server);
        let client = format_address(&adr_clnt);

        // 8. Fork: parent and child both exist now, and both hold s and c. (F3)
        // SAFETY: this process has one thread, so no lock is held that the child would wait for.
        match unsafe { libc::fork() } {
            -1 => complain("fork", client, errno()),

            // child
            0 => {
                // 9. The child closes s: kept open, it would listen on after the parent. (C1)
                // SAFETY: s is ours, and not used again in this process.
                unsafe { libc::close(s) };
                // Said by the child, so that it stands before all else the child says.
                // SAFETY: nothing goes in, a number comes out.
                let child = unsafe { libc::getpid() };
                say(
                    STDOUT_FILENO,
                    format_args!("server {parent}: child {child} serves {client}\n"),
                );
                converse(c, client, child);
            }

            // parent
            _ => {}
        }

        // 10. The parent closes c: the child alone has it, even after our end. (F4, T1, R2)
        // SAFETY: c is ours, and not used again in this process.
        unsafe { libc::close(c) };
    }
}

/// Returns the next connected socket and its peer; bails when accepting is no use.
fn accept_client(s: c_int, server: SocketAddrV4) -> (c_int, sockaddr_in) {
    let pause = timespec {
        tv_sec: 0,
        tv_nsec: 100 * 1000 * 1000,
    };
    let mut complained = false;

    loop {
        // SAFETY: sockaddr_in is integers and arrays of them: all zeros is a value of it.
        let mut adr_clnt: sockaddr_in = unsafe { mem::zeroed() };
        let mut len_inet = size_of_val(&adr_clnt) as socklen_t;
        // SAFETY: the kernel writes at most len_inet bytes into adr_clnt, and len_inet anew.
        let c = unsafe { libc::accept(s, (&raw mut adr_clnt).cast(), &raw mut len_inet) };
        if c != -1 {
            return (c, adr_clnt);
        }

        // 11. Tell apart what went wrong with the client, with the machine, with us.
        let reason = errno();
        match reason.0 {
            EINTR => {}

            ECONNABORTED | EPROTO | ENOPROTOOPT | EOPNOTSUPP | EPROTONOSUPPORT
            | ESOCKTNOSUPPORT | ENOSR | ETIMEDOUT | ENETDOWN | ENETUNREACH | ENONET | EHOSTDOWN
            | EHOSTUNREACH => {
                // That client is gone: accept(2) hands on the network's errors of its socket.
            }

            EMFILE | ENFILE | ENOBUFS | ENOMEM | EPERM => {
                // That client stays in the queue: without a pause we would spin.
                if !complained {
                    complain("accept", server, reason);
                }
                complained = true;
                // SAFETY: pause is a timespec, and what remains of it is not asked for.
                unsafe { libc::nanosleep(&raw const pause, ptr::null_mut()) };
            }

            _ => bail("accept", server, reason),
        }
    }
}

/// Echoes what the client sends (RFC 862) and ends the process: the child's whole life.
fn converse(c: c_int, client: SocketAddrV4, child: pid_t) -> ! {
    static mut BUFFER: [u8; BUFFER_SIZE] = [0; BUFFER_SIZE];
    let buffer = &raw mut BUFFER;
    let mut total: u64 = 0;

    loop {
        // 12. Read until end of file; the parent has no part in it. (F5)
        // SAFETY: buffer has room for so many bytes, and no reference to it is alive.
        let n = unsafe { libc::read(c, buffer.cast(), BUFFER_SIZE) };
        if n == 0 {
            break;
        }
        if n == -1 {
            let reason = errno();
            if reason.0 == EINTR {
                continue;
            }
            bail("read", client, reason);
        }

        // 13. Write back all that was read. (F5)
        // SAFETY: read(2) has put n bytes there, and they stay as they are until the next one.
        let read = unsafe { slice::from_raw_parts(buffer.cast(), n as usize) };
        if let Err(reason) = write_all(c, read) {
            bail("write", client, reason);
        }
        total += n as u64;
    }

    // 14. Close after the client: no TIME_WAIT. Killed earlier, we close first and get it. (T4)
    // SAFETY: c is ours, and not used again.
    unsafe { libc::close(c) };
    say(
        STDOUT_FILENO,
        format_args!("child {child}: {client} closed after {total} bytes\n"),
    );
    // SAFETY: ends the process, touches no memory of ours.
    unsafe { libc::_exit(0) }
}
