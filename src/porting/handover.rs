//! Prints the start of a file that a child process opens. Usage: `handover FILE`.
//! C counterpart: `c-reference/porting/handover.c`.

use errno::errno;
use libc::{AF_UNIX, MSG_CMSG_CLOEXEC, O_RDONLY, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET};
use libc::{CMSG_DATA, CMSG_FIRSTHDR, CMSG_LEN, CMSG_SPACE, STDOUT_FILENO, c_int, iovec, msghdr};
use std::ffi::CString;
use std::fmt::Display;
use std::os::unix::ffi::OsStringExt;
use std::{env, mem, process};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("handover: {what}: {reason}");
    process::exit(1)
}

fn main() {
    let (mut buffer, mut pair) = ([0u8; 4096], [0; 2]);
    let Some(file) = env::args_os().nth(1) else {
        eprintln!("usage: handover FILE");
        process::exit(2)
    };
    let file = CString::new(file.into_vec()).expect("an argument contains no NUL");

    // 1. Describe a message of a byte and a descriptor. size_t aligns the control buffer.
    const SIZE: u32 = size_of::<c_int>() as u32;
    // SAFETY: CMSG_SPACE is arithmetic.
    const SPACE: usize = unsafe { CMSG_SPACE(SIZE) } as usize;
    let mut control = [0usize; SPACE / size_of::<usize>()];
    let (iov_base, iov_len) = (buffer.as_mut_ptr().cast(), 1);
    let mut data = iovec { iov_base, iov_len };
    // SAFETY: msghdr is integers and pointers, for which zero is valid.
    let mut message: msghdr = unsafe { mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut data, 1);
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = SPACE as _;

    // SAFETY: `pair` has room for two descriptors.
    if unsafe { libc::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.as_mut_ptr()) } == -1 {
        err("socketpair", errno());
    }
    // SAFETY: the process has one thread, so no lock stays locked in the child.
    let pid = unsafe { libc::fork() };
    if pid == -1 {
        err("fork", errno());
    }
    if pid == 0 {
        // 2. The child process opens the file, and sends the descriptor.
        // SAFETY: `file` is a C string.
        let fd = unsafe { libc::open(file.as_ptr(), O_RDONLY) };
        if fd == -1 {
            err(format_args!("open {}", file.to_string_lossy()), errno());
        }
        // SAFETY: `message` describes the control buffer.
        let header = unsafe { CMSG_FIRSTHDR(&raw const message) };
        // SAFETY: the control buffer has room for a header, and is aligned.
        let header = unsafe { &mut *header };
        (header.cmsg_level, header.cmsg_type) = (SOL_SOCKET, SCM_RIGHTS);
        // SAFETY: CMSG_LEN is arithmetic.
        header.cmsg_len = unsafe { CMSG_LEN(SIZE) } as _;
        // SAFETY: `header` is in the control buffer.
        let place = unsafe { CMSG_DATA(header) };
        // SAFETY: the control buffer has room for a c_int after the header.
        unsafe { place.cast::<c_int>().write_unaligned(fd) };
        // SAFETY: `message` describes `buffer` and `control`.
        if unsafe { libc::sendmsg(pair[1], &raw const message, 0) } == -1 {
            err("sendmsg", errno());
        }
        // SAFETY: no pointers; does not return.
        unsafe { libc::_exit(0) }
    }

    // 3. The parent receives it. Without a descriptor, there is no header.
    // SAFETY: the parent does not use this descriptor again.
    unsafe { libc::close(pair[1]) };
    // SAFETY: `message` describes `buffer` and `control`.
    if unsafe { libc::recvmsg(pair[0], &raw mut message, MSG_CMSG_CLOEXEC) } == -1 {
        err("recvmsg", errno());
    }
    // SAFETY: `message` describes the control buffer; recvmsg(2) has set its length.
    let header = unsafe { CMSG_FIRSTHDR(&raw const message) };
    if header.is_null() {
        process::exit(1);
    }
    // SAFETY: `header` is in the control buffer.
    let place = unsafe { CMSG_DATA(header) };
    // SAFETY: the control buffer has room for a c_int after the header.
    let fd = unsafe { place.cast::<c_int>().read_unaligned() };
    // SAFETY: `buffer` has room for its length.
    let n = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    // SAFETY: `buffer` contains `n` bytes.
    if n == -1 || unsafe { libc::write(STDOUT_FILENO, buffer.as_ptr().cast(), n as usize) } == -1 {
        err("read or write", errno());
    }
}
