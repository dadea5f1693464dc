//! Pairs that handle signals, and that start processes: reap and daemon.

use crate::pairs::*;
use crate::support::*;
use errno::{Errno, errno, set_errno};
use libc::{EBADF, EINTR, ENOENT, EPIPE, SA_RESTART, SIGUSR1, c_int, sigaction};
use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{mem, ptr, thread};

/// Stops `reap` in sigsuspend until its three children have exited.
const STOP: &str = "-e inject=rt_sigsuspend:signal=SIGSTOP:when=1 -e signal=term,kill,pipe,stop";

fn continue_after_three_exits(run: &mut Run) -> Result<()> {
    run.makes(1, "stopped by SIGSTOP")?;
    wait_until("exit of three children", || {
        let files = fs::read_dir(&run.folder).unwrap().flatten();
        let traces = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        traces.filter(|trace| trace.contains("+++")).count() == 3
    })?;
    send_signal(run.pid(), libc::SIGCONT)
}

#[test]
fn reap_counts_children_that_end_together() {
    let outcome = run_pair(STOP, "reap", &[], continue_after_three_exits);
    let stdout = "3 reaped, 1 failed, 1 killed\n";
    outcome.prints(stdout, "", "exit status: 0").calls(r#"rt_sigaction(SIGCHLD, {sa_handler=POINTER, sa_mask=[CHLD], sa_flags=SA_RESTORER|SA_RESTART
        rt_sigprocmask(SIG_BLOCK, [CHLD], [], 8) = 0
        rt_sigsuspend([], 8) = ? ERESTARTNOHAND
        wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], WNOHANG, NULL) = CHILD1
        wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL) = CHILD2
        wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], WNOHANG, NULL) = CHILD3
        wait4(-1, POINTER, WNOHANG, NULL) = -1 ECHILD
        rt_sigreturn(
        exit_group(0)
        exit_group(3)"#);
    // One SIGCHLD for three children.
    let once = [("while (waitpid", "if (waitpid")];
    let outcome = run_wrong_form(STOP, "reap", &once, &[], |run| {
        continue_after_three_exits(run)?;
        run.stop()
    });
    outcome.prints("", "", "signal: 15 (SIGTERM)");
    // The exit status of a process that a signal terminated is 0.
    let status = [("WIFSIGNALED(status)", "WEXITSTATUS(status) == 9")];
    let outcome = run_wrong_form(STOP, "reap", &status, &[], continue_after_three_exits);
    outcome.prints("3 reaped, 1 failed, 0 killed\n", "", "exit status: 0");
}

/// A daemon. It is killed on drop, and reaped: the processes that started it have exited, as has its parent.
struct Daemon(i32);

impl Drop for Daemon {
    fn drop(&mut self) {
        // SAFETY: no pointers; any argument value is safe.
        let group = unsafe { libc::getpgid(self.0) };
        let _ = send_signal(self.0, libc::SIGKILL);
        // SAFETY: a null pointer means that no status is returned.
        while unsafe { libc::waitpid(-group, ptr::null_mut(), 0) } > 0 {}
    }
}

#[test]
fn daemon_keeps_nothing_of_the_process_that_started_it() {
    let session = |run: &mut Run| {
        let pid = run.line()?.parse::<i32>().map_err(text)?;
        let _daemon = Daemon(pid);
        run.name(pid, "DAEMON");
        wait_for_call(pid, libc::SYS_clock_nanosleep)?;
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
        let links = ["cwd", "fd/0", "fd/1", "fd/2"].map(link);
        let expected = ["/", "/dev/null", "/dev/null", "/dev/null"];
        assert_eq!(links, expected.map(Path::new));
        assert_eq!(descriptors(pid), 3);
        // SAFETY: no pointers; any argument value is safe.
        let [session, own] = [pid, 0].map(|pid| unsafe { libc::getsid(pid) });
        assert!(session != pid && session != own, "{session}");
        Ok(())
    };
    let args = ["sleep", "600"];
    let outcome = run_pair(QUIET, "daemon", &args, session);
    outcome.prints("DAEMON\n", "", "exit status: 0").calls(
        r#"exit_group(0)
        setsid() = CHILD1
        exit_group(0)
        umask(000)
        chdir("/") = 0
        openat(AT_FDCWD, "/dev/null", O_RDWR|O_CLOEXEC) = 3
        fcntl(2, F_DUPFD_CLOEXEC, 3) = 4
        rt_sigaction(SIGPIPE, {sa_handler=SIG_DFL,
        execve("#,
    );

    let pid = |run: &mut Run| run.line().map(|pid| run.name(pid, "DAEMON"));
    let args = ["sh", "-c", "kill -PIPE $$"];
    run_pair(QUIET, "daemon", &args, pid).calls("+++ killed by SIGPIPE +++");
    let ignored = [("SIG_DFL", "SIG_IGN")]; // and it stays ignored
    let outcome = run_wrong_form(QUIET, "daemon", &ignored, &args, pid);
    outcome.calls("execve(\n+++ exited with 0 +++");
    let error = "daemon: execvp none: No such file or directory\n";
    run_pair(QUIET, "daemon", &["none"], pid).prints("DAEMON\n", error, "exit status: 0");
}

#[test]
fn a_c_string_that_map_consumes_is_dropped_before_execvp_could_read_it() {
    let text = Rc::new(CString::from(c"sh")); // as one of the arguments
    let pointers = [text.clone()].map(|text| text.as_ptr());
    assert_eq!((pointers.len(), Rc::strong_count(&text)), (1, 1));
    let args = [text.clone()];
    let pointers = args.each_ref().map(|text| text.as_ptr());
    assert_eq!((pointers.len(), Rc::strong_count(&text)), (1, 2));
}

static HANDLED: AtomicBool = AtomicBool::new(false);

extern "C" fn careless(_signal: c_int) {
    HANDLED.store(true, Relaxed);
    // SAFETY: -1 is no descriptor.
    unsafe { libc::close(-1) };
}

extern "C" fn of_a_wrong_type(_: f64) {}

#[test]
fn a_handler_changes_errno_and_interrupts_calls_and_its_type_is_not_checked() {
    let install = |handler: *const (), flags| {
        // SAFETY: sigaction is integers and an optional function, for which zero is valid.
        let mut action: sigaction = unsafe { mem::zeroed() };
        (action.sa_sigaction, action.sa_flags) = (handler as usize, flags);
        // SAFETY: only the second handler, which is in use last, is called.
        let z = unsafe { libc::sigaction(SIGUSR1, &raw const action, ptr::null_mut()) };
        assert_eq!(z, 0);
    };
    install(of_a_wrong_type as *const (), 0);
    install(careless as *const (), 0);
    set_errno(Errno(ENOENT));
    // SAFETY: the handler makes only a system call.
    unsafe { libc::raise(SIGUSR1) };
    assert_eq!(errno(), Errno(EBADF));

    for (flags, result) in [(0, Err(Some(EINTR))), (SA_RESTART, Ok(1))] {
        install(careless as *const (), flags);
        HANDLED.store(false, Relaxed);
        let (reader, mut writer) = io::pipe().unwrap();
        // SAFETY: no arguments.
        let reading = unsafe { libc::gettid() };
        // SAFETY: no arguments.
        let this = unsafe { libc::pthread_self() };
        let interrupt = thread::spawn(move || {
            wait_for_call(reading, libc::SYS_read).unwrap();
            // SAFETY: the thread waits for this one before it ends.
            unsafe { libc::pthread_kill(this, SIGUSR1) };
            wait_until("handler", || HANDLED.load(Relaxed)).unwrap();
            let _ = writer.write_all(b".");
        });
        let mut byte = 0_u8;
        // SAFETY: `byte` has room for one byte.
        let n = unsafe { libc::read(reader.as_raw_fd(), (&raw mut byte).cast(), 1) };
        let n = checked(n as i32).map_err(|error| error.raw_os_error());
        assert_eq!(n, result);
        interrupt.join().unwrap();
    }
}

#[test]
#[allow(non_snake_case, unreachable_patterns, unused_variables)]
fn a_constant_that_is_not_imported_matches_every_error() {
    let name = |reason| match reason {
        EAGAIN => "EAGAIN",
        _ => "another",
    };
    assert_eq!(name(EPIPE), "EAGAIN");
}

#[test]
fn a_reference_to_a_static_mut_does_not_compile() {
    let mut rustc = Command::new("rustc");
    let file = scratch("static");
    let program = "static mut COUNT: i32 = 0; fn main() { dbg!(unsafe { &COUNT }); }";
    fs::write(&file, program).unwrap();
    rustc.args(["--edition=2024", "--crate-name=it", "-o", "/dev/null"]);
    let errors = rustc.arg(&file).output().unwrap().stderr;
    fs::remove_file(&file).unwrap();
    let errors = String::from_utf8_lossy(&errors);
    let error = "error: creating a shared reference to mutable static";
    assert!(errors.contains(error), "{errors}");
}
