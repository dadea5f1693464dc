//! The binary interface of the socket calls: constants, types, option values, results.
//!
//! Every number comes from the libc crate, in C from the headers of the C library.
//! C counterpart: `c-reference/abi.c`.

mod calls;
mod cases;
mod sockopts;

use crate::address::{Endpoint, make_sockaddr};
use crate::netns::enter_netns;
use crate::output::{exit_with_error, print_errors};
use crate::sock::{close_fd, get_option, set_option};
use calls::check_calls;
use cases::{make_objects, new_socket};
use errno::errno;
use libc::{AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, c_int, socklen_t};
use sockopts::check_options;
use std::mem::offset_of;
use std::net::Ipv4Addr;
use std::slice;

/// Prints the names and values of constants.
macro_rules! constants {
    ($($name:ident)*) => {
        $(out!("{:<24}{}\n", stringify!($name), libc::$name as i64);)*
    };
}

/// Prints the size and alignment of a type, and the offsets of fields. A name in quotes is C's.
macro_rules! layout {
    ($type:ident $(, $($name:literal =)? $field:ident)*) => {
        let (size, alignment) = (size_of::<libc::$type>(), align_of::<libc::$type>());
        let name = stringify!($type).trim_start_matches("c_");
        out!("{name:<24}size {size}, alignment {alignment}\n");
        $(out!("  {:<22}offset {}\n", [$($name,)? stringify!($field)][0],
            offset_of!(libc::$type, $field));)*
    };
}

fn print_constants() {
    out!("1. Constants\n\n");
    constants! {
        AF_INET AF_INET6 AF_UNIX AF_UNSPEC INADDR_ANY INADDR_LOOPBACK AI_PASSIVE AI_NUMERICHOST
        AI_NUMERICSERV EAI_NONAME EAI_SYSTEM NI_NUMERICHOST NI_NUMERICSERV SOCK_STREAM SOCK_DGRAM
        SOCK_NONBLOCK SOCK_CLOEXEC IPPROTO_IP IPPROTO_TCP IPPROTO_UDP IPPROTO_IPV6 SOMAXCONN SHUT_RD
        SHUT_WR SHUT_RDWR SOL_SOCKET SO_REUSEADDR SO_REUSEPORT SO_ERROR SO_LINGER SO_RCVBUF
        SO_SNDBUF SO_RCVTIMEO SO_SNDTIMEO IPV6_V6ONLY TCP_INFO TCP_NODELAY TCP_QUICKACK MSG_DONTWAIT
        MSG_NOSIGNAL MSG_PEEK MSG_TRUNC MSG_CTRUNC MSG_CMSG_CLOEXEC SCM_RIGHTS POLLIN POLLOUT
        POLLERR POLLHUP FD_SETSIZE EPOLL_CLOEXEC EPOLL_CTL_ADD EPOLL_CTL_MOD EPOLL_CTL_DEL EPOLLIN
        EPOLLOUT EPOLLERR EPOLLHUP SIGCHLD SIGPIPE SIGTERM SIG_DFL SIG_IGN SA_RESTART SA_NOCLDSTOP
        SA_NOCLDWAIT WNOHANG CLONE_NEWUSER CLONE_NEWNET F_GETFD F_SETFD FD_CLOEXEC F_GETFL F_SETFL
        O_RDONLY O_RDWR O_NONBLOCK O_CLOEXEC SIOCSIFFLAGS IFF_UP PROT_NONE MAP_PRIVATE MAP_ANONYMOUS
        EINTR EAGAIN EINPROGRESS EADDRINUSE ECONNREFUSED EPIPE ECHILD
    }
}

#[rustfmt::skip]
fn print_types() {
    out!("\n2. Types (libc crate: sa_sigaction for sa_handler, u64 for epoll_event's data)\n\n");
    layout!(c_int); layout!(size_t); layout!(ssize_t); layout!(pid_t); layout!(uid_t);
    layout!(socklen_t); layout!(sa_family_t); layout!(in_port_t);
    layout!(in_addr, s_addr); layout!(in6_addr, s6_addr);
    layout!(sockaddr, sa_family, sa_data); layout!(sockaddr_storage, ss_family);
    layout!(sockaddr_in, sin_family, sin_port, sin_addr, sin_zero);
    layout!(sockaddr_in6, sin6_family, sin6_port, sin6_flowinfo, sin6_addr, sin6_scope_id);
    layout!(sockaddr_un, sun_family, sun_path);
    layout!(addrinfo, ai_flags, ai_family, ai_socktype, ai_protocol, ai_addrlen, ai_addr,
        ai_canonname, ai_next);
    layout!(linger, l_onoff, l_linger); layout!(iovec, iov_base, iov_len);
    layout!(timeval, tv_sec, tv_usec); layout!(timespec, tv_sec, tv_nsec);
    layout!(fd_set); layout!(pollfd, fd, events, revents);
    layout!(epoll_event, events, "data" = u64); layout!(sigset_t);
    layout!(sigaction, "sa_handler" = sa_sigaction, sa_sigaction, sa_mask, sa_flags, sa_restorer);
    layout!(msghdr, msg_name, msg_namelen, msg_iov, msg_iovlen, msg_control, msg_controllen,
        msg_flags);
    layout!(cmsghdr, cmsg_len, cmsg_level, cmsg_type);
    layout!(ifreq, ifr_name); layout!(utsname, release);
}

/// Formats bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

fn print_bytes() {
    let endpoint = Endpoint {
        family: AF_INET,
        address: Ipv4Addr::new(192, 168, 0, 1).to_ipv6_mapped(),
        port: 9099,
    };

    let (address, length) = make_sockaddr(&endpoint);
    // SAFETY: `length` is at most the size of `address`, whose bytes are all initialized.
    let bytes = unsafe { slice::from_raw_parts((&raw const address).cast(), length as usize) };
    let text = hex(bytes);
    out!("\n3. Bytes of a sockaddr_in for 192.168.0.1:9099\n\n{text}\n");
}

fn print_values() {
    let s = new_socket(AF_INET, SOCK_STREAM);

    out!("\n4. SO_REUSEADDR: value set, and value returned by getsockopt\n\n");
    for value in [0, 1, 2, -1, 256, 65536] {
        set_option(s, SOL_SOCKET, SO_REUSEADDR, value);
        let returned = get_option(s, SOL_SOCKET, SO_REUSEADDR);
        out!("{value:<24}{returned}\n");
    }
    out!("\nThe option is on. optlen passed; optlen returned, buffer (ee: not written)\n");
    out!("On a big-endian machine, lengths 1 to 3 return zeros, as if it were off.\n\n");
    for length in 0..=8 {
        let mut bytes = [0xee_u8; 8];
        let mut optlen: socklen_t = length;
        let optval = bytes.as_mut_ptr().cast();
        // SAFETY: `optlen` is at most the size of `bytes`.
        if unsafe { libc::getsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, &raw mut optlen) } == -1 {
            exit_with_error("getsockopt", "SO_REUSEADDR", errno());
        }
        let text = hex(&bytes);
        out!("{length:<24}{optlen}, {text}\n");
    }
    close_fd(s);
}

/// Prints constants, sizes and offsets, then the results of system calls with right and wrong
/// arguments. Returns the exit status: 1 if a result is not the expected one.
pub fn abi() -> c_int {
    // In a network namespace, no other process can connect to the ports that are opened below.
    enter_netns("using the current network");

    print_constants();
    print_types();
    print_bytes();
    print_values();
    out!("\n5. Calls and their results\n\n");
    let objects = make_objects();
    let mut unexpected = check_options(&objects);
    unexpected += check_calls(&objects);
    out!("\n6. Error messages\n\n");
    print_errors();
    out!("\nunexpected results: {unexpected}\n");
    c_int::from(unexpected > 0)
}
