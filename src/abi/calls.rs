//! Right and wrong arguments, and what each call answers: the man page, made to happen.
//!
//! What is expected is from the man pages of section 2, and from the kernel where they are silent.
//! Twin: `c-reference/abi/calls.c`.

use crate::abi::cases::{Objects, expect, new_socket};
use crate::abi::sockopts::try_options;
use crate::output::{exit_with_error, out};
use errno::errno;
use libc::{
    AF_INET, AF_UNIX, AF_UNSPEC, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF, ECHILD,
    EFAULT, EINVAL, EISCONN, ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPIPE, INADDR_LOOPBACK, MAP_ANONYMOUS,
    MAP_FAILED, MAP_PRIVATE, O_RDWR, PROT_NONE, SHUT_WR, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM,
    c_int, c_long, htonl, htons, sa_family_t, sockaddr, sockaddr_in, sockaddr_storage, socklen_t,
};
use std::mem;
use std::ptr;

/// Tries calls. Returns how many were not answered as expected.
pub fn try_calls() -> usize {
    out!("\n5. Calls, and what they answer\n\n");
    let objects = make_objects();
    try_options(&objects) + try_bind(&objects) + try_rest(&objects)
}

fn make_objects() -> Objects {
    let datagram = new_socket(AF_INET, SOCK_DGRAM);
    let local = new_socket(AF_UNIX, SOCK_STREAM);
    let listening = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    // SAFETY: sockaddr_in is integers and arrays of them: all zeros is a value of it.
    let mut address: sockaddr_in = unsafe { mem::zeroed() };
    let mut length = size_of_val(&address) as socklen_t;

    // SAFETY: the path is a C string; without O_CREAT there is no third argument.
    let file = unsafe { libc::open(c"/dev/null".as_ptr(), O_RDWR) };
    if file == -1 {
        exit_with_error("open", "/dev/null", errno());
    }
    // SAFETY: numbers go in, a number comes out.
    if unsafe { libc::listen(listening, 1) } == -1 {
        exit_with_error("listen", "a port that the kernel chooses", errno());
    }
    // SAFETY: the kernel writes at most length bytes into address, and length anew.
    if unsafe { libc::getsockname(listening, (&raw mut address).cast(), &raw mut length) } == -1 {
        exit_with_error("getsockname", "a port that the kernel chose", errno());
    }
    // SAFETY: a new mapping, at an address of the kernel's choice, touches no other.
    let forbidden = unsafe {
        libc::mmap(
            ptr::null_mut(),
            1,
            PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if forbidden == MAP_FAILED {
        exit_with_error("mmap", "a page", errno());
    }
    Objects {
        bad: -1,
        file,
        datagram,
        local,
        listening,
        address,
        forbidden,
    }
}

#[rustfmt::skip]
fn try_bind(on: &Objects) -> usize {
    let s = new_socket(AF_INET, SOCK_STREAM);
    // Room for a sockaddr_storage each, so that a length may be too large.
    let stored = |family: c_int, ip: u32, port: u16| {
        // SAFETY: sockaddr_storage is integers and arrays of them: all zeros is a value of it.
        let mut storage: sockaddr_storage = unsafe { mem::zeroed() };
        let mut address = on.address;
        address.sin_family = family as sa_family_t;
        address.sin_addr.s_addr = htonl(ip);
        address.sin_port = port;
        // SAFETY: sockaddr_storage has room for every address, aligned as any.
        unsafe { (&raw mut storage).cast::<sockaddr_in>().write(address) };
        storage
    };
    let address = stored(AF_INET, 0, htons(0));
    let local_family = stored(AF_UNIX, 0, htons(0));
    let no_family = stored(AF_UNSPEC, INADDR_LOOPBACK, htons(0));
    let foreign = stored(AF_INET, 0xc000_0201, htons(0)); // 192.0.2.1, TEST-NET-1 (RFC 5737)
    let busy = stored(AF_INET, 0, on.address.sin_port);
    let size = size_of::<sockaddr_in>() as socklen_t;
    let cases: [(&str, c_int, *const sockaddr, socklen_t, c_int); 14] = [
        ("a descriptor that is not open", on.bad, (&raw const address).cast(), size, EBADF),
        ("not a socket", on.file, (&raw const address).cast(), size, ENOTSOCK),
        ("length -1", s, (&raw const address).cast(), socklen_t::MAX, EINVAL),
        ("length 0", s, (&raw const address).cast(), 0, EINVAL),
        ("length 15, one too few", s, (&raw const address).cast(), 15, EINVAL),
        ("length 129, more than sockaddr_storage", s, (&raw const address).cast(), 129, EINVAL),
        ("null pointer", s, ptr::null(), size, EFAULT),
        ("pointer to a PROT_NONE page", s, on.forbidden.cast_const().cast(), size, EFAULT),
        ("family AF_UNIX", s, (&raw const local_family).cast(), size, EAFNOSUPPORT),
        ("family AF_UNSPEC, and an address", s, (&raw const no_family).cast(), size, EAFNOSUPPORT),
        ("an address of another machine", s, (&raw const foreign).cast(), size, EADDRNOTAVAIL),
        ("an address that somebody listens on", s, (&raw const busy).cast(), size, EADDRINUSE),
        ("length 128, sockaddr_storage", s, (&raw const address).cast(), 128, 0),
        ("bound already", s, (&raw const address).cast(), size, EINVAL),
    ];

    // 1. bind
    let unexpected = cases.map(|(text, s, address, length, expected)| {
        // SAFETY: the kernel reads length bytes of address, which it finds to be there or refuses.
        let z = unsafe { libc::bind(s, address, length) };
        expect("bind", text, expected, z.into())
    });
    // SAFETY: s is ours, and not used again.
    unsafe { libc::close(s) };
    unexpected.iter().sum()
}

#[rustfmt::skip]
fn try_rest(on: &Objects) -> usize {
    let s = new_socket(AF_INET, SOCK_STREAM);
    let connected = new_socket(AF_INET, SOCK_STREAM);
    let waiting = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    let server: *const sockaddr = (&raw const on.address).cast();
    let size = size_of_val(&on.address) as socklen_t;
    let mut negative = socklen_t::MAX;
    let mut peer = on.address;
    let mut byte = 0u8;
    let mut n = 0;

    // 2. listen, connect, accept
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::listen(on.bad, 1) };
    n += expect("listen", "a descriptor that is not open", EBADF, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::listen(on.file, 1) };
    n += expect("listen", "not a socket", ENOTSOCK, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::listen(on.datagram, 1) };
    n += expect("listen", "UDP", EOPNOTSUPP, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::listen(waiting, 1) };
    n += expect("listen", "not bound: the kernel chooses a port", 0, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::listen(waiting, -1) };
    n += expect("listen", "listening already, backlog -1", 0, z.into());
    // SAFETY: the kernel reads the address, or refuses the pointer.
    let z = unsafe { libc::connect(on.bad, server, size) };
    n += expect("connect", "a descriptor that is not open", EBADF, z.into());
    // SAFETY: the kernel reads the address, or refuses the pointer.
    let z = unsafe { libc::connect(connected, server, 8) };
    n += expect("connect", "length 8", EINVAL, z.into());
    // SAFETY: the kernel reads the address, or refuses the pointer.
    let z = unsafe { libc::connect(connected, ptr::null(), size) };
    n += expect("connect", "null pointer", EFAULT, z.into());
    // SAFETY: the kernel reads the address, or refuses the pointer.
    let z = unsafe { libc::connect(connected, server, size) };
    n += expect("connect", "somebody listens", 0, z.into());
    // SAFETY: the kernel reads the address, or refuses the pointer.
    let z = unsafe { libc::connect(connected, server, size) };
    n += expect("connect", "connected already", EISCONN, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::listen(connected, 1) };
    n += expect("listen", "connected", EINVAL, z.into());
    // SAFETY: nothing is written where the pointers are null or the length is negative.
    let z = unsafe { libc::accept(on.bad, ptr::null_mut(), ptr::null_mut()) };
    n += expect("accept", "a descriptor that is not open", EBADF, z.into());
    // SAFETY: nothing is written where the pointers are null or the length is negative.
    let z = unsafe { libc::accept(on.file, ptr::null_mut(), ptr::null_mut()) };
    n += expect("accept", "not a socket", ENOTSOCK, z.into());
    // SAFETY: nothing is written where the pointers are null or the length is negative.
    let z = unsafe { libc::accept(on.datagram, ptr::null_mut(), ptr::null_mut()) };
    n += expect("accept", "UDP", EOPNOTSUPP, z.into());
    // SAFETY: nothing is written where the pointers are null or the length is negative.
    let z = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
    n += expect("accept", "not listening", EINVAL, z.into());
    // SAFETY: nothing is written where the pointers are null or the length is negative.
    let z = unsafe { libc::accept(waiting, ptr::null_mut(), ptr::null_mut()) };
    n += expect("accept", "nobody waits, O_NONBLOCK", EAGAIN, z.into());
    // SAFETY: nothing is written where the pointers are null or the length is negative.
    let z = unsafe { libc::accept(on.listening, (&raw mut peer).cast(), &raw mut negative) };
    n += expect("accept", "length -1: the client is lost", EINVAL, z.into());

    // 3. read, write, shutdown: signal(SIGPIPE, SIG_IGN) makes EPIPE of a death
    // SAFETY: there is room for one byte.
    let z = unsafe { libc::read(on.bad, (&raw mut byte).cast(), 1) };
    n += expect("read", "a descriptor that is not open", EBADF, z as c_long);
    // SAFETY: there is room for one byte.
    let z = unsafe { libc::read(s, (&raw mut byte).cast(), 1) };
    n += expect("read", "not connected", ENOTCONN, z as c_long);
    // SAFETY: there is room for one byte.
    let z = unsafe { libc::read(s, (&raw mut byte).cast(), 0) };
    n += expect("read", "length 0", 0, z as c_long);
    // SAFETY: there is one byte.
    let z = unsafe { libc::write(on.bad, (&raw const byte).cast(), 1) };
    n += expect("write", "a descriptor that is not open", EBADF, z as c_long);
    // SAFETY: there is one byte.
    let z = unsafe { libc::write(s, (&raw const byte).cast(), 1) };
    n += expect("write", "not connected", EPIPE, z as c_long);
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::shutdown(s, SHUT_WR) };
    n += expect("shutdown", "not connected", ENOTCONN, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::shutdown(s, 3) };
    n += expect("shutdown", "direction 3", EINVAL, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::shutdown(on.file, SHUT_WR) };
    n += expect("shutdown", "not a socket", ENOTSOCK, z.into());

    // 4. getsockname, waitpid, close
    // SAFETY: the kernel refuses the descriptor, the length or the pointer.
    let z = unsafe { libc::getsockname(on.file, (&raw mut peer).cast(), &raw mut negative) };
    n += expect("getsockname", "not a socket", ENOTSOCK, z.into());
    // SAFETY: the kernel refuses the descriptor, the length or the pointer.
    let z = unsafe { libc::getsockname(s, (&raw mut peer).cast(), &raw mut negative) };
    n += expect("getsockname", "length -1", EINVAL, z.into());
    // SAFETY: the kernel refuses the descriptor, the length or the pointer.
    let z = unsafe { libc::getsockname(s, (&raw mut peer).cast(), ptr::null_mut()) };
    n += expect("getsockname", "null pointer for the length", EFAULT, z.into());
    // SAFETY: nothing goes in, a number comes out.
    let ours = unsafe { libc::getpid() };
    // SAFETY: no status is asked for.
    let z = unsafe { libc::waitpid(ours, ptr::null_mut(), 0) };
    n += expect("waitpid", "not a child of ours", ECHILD, z.into());
    // SAFETY: no status is asked for.
    let z = unsafe { libc::waitpid(-1, ptr::null_mut(), 1 << 28) };
    n += expect("waitpid", "options that are none", EINVAL, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::close(on.bad) };
    n += expect("close", "a descriptor that is not open", EBADF, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::close(s) };
    n += expect("close", "an open one", 0, z.into());
    // SAFETY: numbers go in, a number comes out.
    let z = unsafe { libc::close(s) };
    n += expect("close", "a second time", EBADF, z.into());
    for s in [connected, waiting] {
        // SAFETY: s is ours, and not used again.
        unsafe { libc::close(s) };
    }
    n
}
