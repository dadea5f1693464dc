//! Runs a command without a terminal, and prints its pid. Usage: `daemon COMMAND [ARG]...`
//! C counterpart: `c-reference/porting/daemon.c`.

use errno::errno;
use libc::{F_DUPFD_CLOEXEC, O_RDWR, SIG_DFL, SIGPIPE, STDERR_FILENO};
use std::{env, ffi::CString, fmt::Display, os::unix::ffi::OsStringExt, process, ptr};

/// Rust only: C has err(3).
fn err(what: impl Display, reason: impl Display) -> ! {
    eprintln!("daemon: {what}: {reason}");
    process::exit(1)
}

/// Continues in a child process. The parent exits without running atexit handlers.
fn fork_and_exit() {
    // SAFETY: the process has one thread, so no lock stays locked in the child.
    let pid = unsafe { libc::fork() };
    if pid == -1 {
        err("fork", errno());
    }
    if pid != 0 {
        // SAFETY: no pointers; does not return.
        unsafe { libc::_exit(0) }
    }
}

fn main() {
    let args = env::args_os().skip(1);
    let args = args.map(|arg| CString::new(arg.into_vec()).expect("no NUL"));
    let args: Vec<CString> = args.collect();
    if args.is_empty() {
        err("usage", "daemon COMMAND [ARG]...");
    }

    // 1. Start a session. Fork first, since setsid fails for the leader of a process group.
    fork_and_exit();
    // SAFETY: no arguments.
    unsafe { libc::setsid() };

    // 2. Fork again: only a session leader can acquire a controlling terminal. Print the pid.
    fork_and_exit();
    // SAFETY: no pointers; any argument value is safe.
    unsafe { libc::umask(0) };
    // SAFETY: the argument is a C string.
    if unsafe { libc::chdir(c"/".as_ptr()) } == -1 {
        err("chdir /", errno());
    }
    println!("{}", process::id());

    // 3. Replace stdin, stdout and stderr. Until exec, keep stderr for an error of execvp.
    // SAFETY: the path is a C string.
    let null = unsafe { libc::open(c"/dev/null".as_ptr(), O_RDWR) };
    if null == -1 {
        err("open /dev/null", errno());
    }
    // SAFETY: the third argument of F_DUPFD_CLOEXEC is an int.
    let saved = unsafe { libc::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) };
    for fd in 0..3 {
        // SAFETY: nothing in this program owns the descriptors 0 to 2.
        unsafe { libc::dup2(null, fd) };
    }
    if null > STDERR_FILENO {
        // SAFETY: `null` is not used again.
        unsafe { libc::close(null) };
    }

    // 4. Run the command. A signal that is ignored stays ignored after exec.
    // SAFETY: SIG_DFL installs no handler.
    unsafe { libc::signal(SIGPIPE, SIG_DFL) };
    let argv = args.iter().map(|arg| arg.as_ptr());
    let argv: Vec<_> = argv.chain([ptr::null()]).collect();
    // SAFETY: `argv` ends with a null pointer, and `args` owns its C strings.
    unsafe { libc::execvp(argv[0], argv.as_ptr()) };
    let (command, reason) = (args[0].to_string_lossy(), errno());
    // SAFETY: nothing in this program owns stderr.
    unsafe { libc::dup2(saved, STDERR_FILENO) };
    err(format_args!("execvp {command}"), reason);
}
