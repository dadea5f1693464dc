//! How bytes leave: all of them, or one line at once.
//!
//! write(2) and no `std::io`: `println!` panics where stdout is a closed pipe, and `io::Stdout`
//! takes a closed stdout for success. Twin: `c-reference/say.c`.

use libc::c_int;
use std::fmt;
use std::io::Write;

/// POSIX promises that write(2) puts so many bytes into a pipe in one piece (`_POSIX_PIPE_BUF`).
const LINE_SIZE: usize = 512;

/// Writes all bytes of `buffer` to `fd`, however many calls it takes; an error is write(2)'s.
pub fn write_all(fd: c_int, buffer: &[u8]) -> Result<(), errno::Errno> {
    let mut rest = buffer;

    while !rest.is_empty() {
        // SAFETY: rest is a slice: so many bytes can be read from its pointer.
        let n = unsafe { libc::write(fd, rest.as_ptr().cast(), rest.len()) };
        if n == -1 {
            let reason = errno::errno();
            if reason.0 == libc::EINTR {
                continue;
            }
            return Err(reason);
        }
        rest = &rest[n as usize..];
    }
    Ok(())
}

/// Writes one line to `fd`, by one write(2). A line that cannot be written is dropped.
pub fn say(fd: c_int, text: fmt::Arguments) {
    let mut line = [0; LINE_SIZE];
    let mut rest = &mut line[..];

    let _ = rest.write_fmt(text);
    let length = LINE_SIZE - rest.len();

    // Nobody is left to be told that a line was lost, and the clients matter more.
    // SAFETY: line holds at least length bytes.
    let _ = unsafe { libc::write(fd, line.as_ptr().cast(), length) };
}
