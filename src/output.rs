//! Everything that is written: lines, tables, errors.
//!
//! Uses write(2), not `std::io`: `println!` panics if stdout is a closed pipe, and `io::Stdout`
//! reports success if stdout is closed. Functions that report an error take its [`Errno`], which
//! the caller reads right after the call that failed. C counterpart: `c-reference/output.c`.

use errno::{Errno, errno};
use libc::{EADDRINUSE, EINTR, POLLOUT, STDERR_FILENO, STDOUT_FILENO, c_int, pollfd};
use std::env;
use std::fmt::{self, Display};
use std::io::Write;
use std::mem::MaybeUninit;
use std::slice;
use std::sync::Mutex;

/// Longest line that POSIX guarantees to write to a pipe atomically (`_POSIX_PIPE_BUF`).
const LINE_SIZE: usize = 512;

/// A program name of these characters is safe in a shell, in quotes if it has a space.
const PLAIN: &str = " +-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// Text that is printed but not yet written.
static HELD: Mutex<Option<String>> = Mutex::new(None);

macro_rules! errors {
    ($($name:ident)*) => { [$((libc::$name, stringify!($name))),*] };
}

const ERRORS: [(c_int, &str); 18] = errors! {
    EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EBADF ECHILD EFAULT EINVAL EISCONN
    ENOPROTOOPT ENOTCONN ENOTSOCK EOPNOTSUPP EPERM EPIPE EPROTONOSUPPORT ESOCKTNOSUPPORT
};

/// Formats like `format!` and writes the text to stdout. Exits if that fails.
macro_rules! out {
    ($($argument:tt)*) => {
        $crate::output::print(format_args!($($argument)*))
    };
}

/// Formats like `format!` and writes the text to stderr with [`print_note`].
macro_rules! note {
    ($($argument:tt)*) => {
        $crate::output::print_note(format_args!($($argument)*))
    };
}

/// Formats like `format!` and writes the line with [`write_line`].
macro_rules! write_line {
    ($fd:expr, $($argument:tt)*) => {
        $crate::output::write_line($fd, format_args!($($argument)*))
    };
}

/// Writes all of `buffer` to `fd`. An error is write(2)'s.
pub fn write_all(fd: c_int, buffer: &[u8]) -> Result<(), Errno> {
    let mut rest = buffer;

    while !rest.is_empty() {
        // SAFETY: the pointer and the length are those of one slice.
        let n = unsafe { libc::write(fd, rest.as_ptr().cast(), rest.len()) };
        if n == -1 {
            let reason = errno();
            if reason.0 == EINTR {
                continue;
            }
            return Err(reason);
        }
        rest = &rest[n as usize..];
    }
    Ok(())
}

/// Reads from `fd` into `buffer`, retrying if interrupted by a signal. Returns the bytes read, none
/// at end of file. An error is read(2)'s.
pub fn read_some(fd: c_int, buffer: &mut [MaybeUninit<u8>]) -> Result<&[u8], Errno> {
    loop {
        // SAFETY: read(2) writes at most `buffer.len()` bytes to `buffer`.
        let n = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
        if n != -1 {
            // SAFETY: read(2) has initialized the first `n` bytes of `buffer`.
            return Ok(unsafe { slice::from_raw_parts(buffer.as_ptr().cast(), n as usize) });
        }
        let reason = errno();
        if reason.0 != EINTR {
            return Err(reason);
        }
    }
}

/// Writes one line of at most 512 bytes to `fd` with one write(2). A longer line is truncated. A
/// line that cannot be written without blocking is dropped.
pub fn write_line(fd: c_int, text: fmt::Arguments) {
    let mut line = [0; LINE_SIZE];
    let mut output = pollfd {
        fd,
        events: POLLOUT,
        revents: 0,
    };
    let mut rest = &mut line[..];

    let _ = rest.write_fmt(text);
    let length = LINE_SIZE - rest.len();
    // Do not block on a full pipe or a stopped terminal. O_NONBLOCK belongs to the open file
    // description, which other processes may share. POLLOUT: a pipe has room for PIPE_BUF bytes,
    // unless another process fills it now.
    // SAFETY: the pointer is to one pollfd.
    if unsafe { libc::poll(&raw mut output, 1, 0) } != 1 {
        return;
    }
    // The result is ignored: there is nowhere to report it, and the clients matter more.
    // SAFETY: `length` is at most the size of `line`.
    let _ = unsafe { libc::write(fd, line.as_ptr().cast(), length) };
}

/// Writes "reuseaddr: CALL SUBJECT: REASON" to stderr with [`write_line`].
pub fn report_error(call: &str, subject: impl Display, reason: Errno) {
    write_line!(STDERR_FILENO, "reuseaddr: {call} {subject}: {reason}\n");
}

/// Prints the same with [`print_note`], then terminates the process with exit status 1.
pub fn exit_with_error(call: &str, subject: impl Display, reason: Errno) -> ! {
    note!("reuseaddr: {call} {subject}: {reason}\n");
    // Not process::exit: in a forked child it would run the parent's atexit(3) handlers.
    // SAFETY: no pointers; does not return.
    unsafe { libc::_exit(1) }
}

/// Does the same for a bind(2) or listen(2) on `address`. After EADDRINUSE it also prints the
/// command that shows which sockets conflict.
pub fn exit_with_hint(call: &str, address: impl Display, reason: Errno) -> ! {
    note!("reuseaddr: {call} {address}: {reason}\n");
    if reason.0 == EADDRINUSE {
        let program = env::args_os().next().unwrap_or_default().into_string();
        let is_plain = |name: &String| !name.is_empty() && !name.contains(|c| !PLAIN.contains(c));
        let program = program.ok().filter(is_plain).unwrap_or("reuseaddr".into());
        let quote = ["", "'"][usize::from(program.contains(' '))];
        write_line!(
            STDERR_FILENO,
            "reuseaddr: to see why, run: {quote}{program}{quote} explain {address}\n"
        );
    }
    // SAFETY: no pointers; does not return.
    unsafe { libc::_exit(1) }
}

/// Returns the name of `error`, or "another errno" if [`print_errors`] does not know it.
pub fn error_name(error: Errno) -> &'static str {
    let known = ERRORS.iter().find(|(number, _)| *number == error.0);
    known.map_or("another errno", |(_, name)| name)
}

/// Prints the errno values that `rules` and `abi` can show, with strerror(3)'s text.
pub fn print_errors() {
    for (error, name) in ERRORS {
        out!("{name:<24}{}\n", Errno(error));
    }
}

/// Writes all of `text` to `fd`. An error is write(2)'s.
fn write_text(fd: c_int, text: fmt::Arguments) -> Result<(), Errno> {
    write_all(fd, text.to_string().as_bytes())
}

/// Makes [`print()`] collect its texts, which [`write_held`] writes with one write(2).
pub fn hold_output() {
    *HELD.lock().expect("one thread") = Some(String::new());
}

/// Writes what was printed since [`hold_output`]. An error is write(2)'s.
pub fn write_held() -> Result<(), Errno> {
    let text = HELD.lock().expect("one thread").take();
    write_all(STDOUT_FILENO, text.unwrap_or_default().as_bytes())
}

/// Writes `text` to stdout, for [`out`]. Exits if that fails.
pub fn print(text: fmt::Arguments) {
    if let Some(held) = HELD.lock().expect("one thread").as_mut() {
        *held += &text.to_string();
    } else if let Err(reason) = write_text(STDOUT_FILENO, text) {
        exit_with_error("write", "standard output", reason);
    }
}

/// Writes `text` to stderr, for [`note`], and waits until it is written.
pub fn print_note(text: fmt::Arguments) {
    let _ = write_text(STDERR_FILENO, text); // nowhere to report an error
}
