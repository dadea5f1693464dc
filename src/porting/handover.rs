//! Receives a descriptor at PATH, or sends that of FILE. Usage: `handover PATH [FILE]`.
//! C counterpart: `c-reference/porting/handover.c`.

use errno::errno;
use libc::{AF_UNIX, MSG_CMSG_CLOEXEC, O_RDONLY, SCM_RIGHTS, SOCK_DGRAM, SOL_SOCKET};
use libc::{CMSG_DATA, CMSG_FIRSTHDR, CMSG_LEN, CMSG_SPACE, c_char, c_int, iovec, msghdr};
use libc::{sa_family_t, sockaddr_un, socklen_t};
use std::{env, ffi::CString, fmt::Display, mem, os::unix::ffi::OsStringExt, process};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("handover: {what}: {reason}");
    process::exit(1)
}

fn main() {
    // 1. Copy the path. Its NUL has to fit; an empty path would be an abstract address.
    let args = env::args_os().skip(1);
    let mut args = args.map(|arg| CString::new(arg.into_vec()).expect("no NUL"));
    let (path, file) = (args.next().unwrap_or_default(), args.next());
    let name = path.to_string_lossy();
    // SAFETY: sockaddr_un is integers, for which zero is valid.
    let mut address: sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = AF_UNIX as sa_family_t;
    if path.is_empty() || path.count_bytes() >= address.sun_path.len() {
        err("usage", "handover PATH [FILE]");
    }
    for (to, from) in address.sun_path.iter_mut().zip(path.to_bytes()) {
        *to = *from as c_char;
    }
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(AF_UNIX, SOCK_DGRAM, 0) };
    if s == -1 {
        err("socket", errno());
    }

    // 2. Describe a message of one byte and a descriptor. size_t aligns the control buffer.
    const SIZE: u32 = size_of::<c_int>() as u32;
    // SAFETY: CMSG_SPACE is arithmetic.
    const SPACE: usize = unsafe { CMSG_SPACE(SIZE) } as usize;
    let (mut control, mut buffer) = ([0usize; SPACE / size_of::<usize>()], [0u8; 4096]);
    let (iov_base, iov_len) = (buffer.as_mut_ptr().cast(), 1);
    let mut data = iovec { iov_base, iov_len };
    let len = size_of_val(&address) as socklen_t;
    // SAFETY: msghdr is integers and pointers, for which zero is valid.
    let mut message: msghdr = unsafe { mem::zeroed() };
    (message.msg_name, message.msg_namelen) = ((&raw mut address).cast(), len);
    (message.msg_iov, message.msg_iovlen) = (&raw mut data, 1);
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = SPACE as _;
    // SAFETY: `message` describes the control buffer.
    let header = unsafe { CMSG_FIRSTHDR(&raw const message) };

    // 3. Send the descriptor of the file.
    if let Some(file) = file {
        // SAFETY: `file` is a C string.
        let fd = unsafe { libc::open(file.as_ptr(), O_RDONLY) };
        if fd == -1 {
            err(format_args!("open {}", file.to_string_lossy()), errno());
        }
        // SAFETY: the control buffer is aligned, and has room for a header.
        let fields = unsafe { &mut *header };
        (fields.cmsg_level, fields.cmsg_type) = (SOL_SOCKET, SCM_RIGHTS);
        // SAFETY: CMSG_LEN is arithmetic.
        fields.cmsg_len = unsafe { CMSG_LEN(SIZE) } as _;
        // SAFETY: `header` points into the control buffer; `fields` ends before its data.
        let place = unsafe { CMSG_DATA(header) };
        // SAFETY: the control buffer has room for an int after the header.
        unsafe { place.cast::<c_int>().write_unaligned(fd) };
        // SAFETY: `message` describes `address`, `buffer` and `control`.
        if unsafe { libc::sendmsg(s, &raw const message, 0) } == -1 {
            err(format_args!("sendmsg {name}"), errno());
        }
        return;
    }

    // 4. Receive. bind fails with EADDRINUSE if the path exists, even with SO_REUSEADDR.
    // SAFETY: `len` is the size of `address`.
    if unsafe { libc::bind(s, (&raw const address).cast(), len) } == -1 {
        err(format_args!("bind {name}"), errno());
    }
    // SAFETY: `message` describes `address`, `buffer` and `control`.
    if unsafe { libc::recvmsg(s, &raw mut message, MSG_CMSG_CLOEXEC) } == -1 {
        err(format_args!("recvmsg {name}"), errno());
    }
    // SAFETY: `path` is a C string.
    unsafe { libc::unlink(path.as_ptr()) }; // it would outlive the socket
    // SAFETY: `message` describes the control buffer.
    let header = unsafe { CMSG_FIRSTHDR(&raw const message) };
    if header.is_null() {
        err(format_args!("recvmsg {name}"), "no descriptor");
    }
    // SAFETY: `header` is in the control buffer.
    let place = unsafe { CMSG_DATA(header) };
    // SAFETY: an int follows the header.
    let fd = unsafe { place.cast::<c_int>().read_unaligned() };
    // SAFETY: `buffer` has room for its length.
    let n = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    if n == -1 {
        err("read", errno());
    }
    println!("read {n} bytes");
}
