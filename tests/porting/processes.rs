//! Pairs that handle signals, and that start processes: reap and daemon.

use crate::pairs::*;
use crate::support::*;
use errno::{Errno, errno, set_errno};
use libc::{EBADF, ENOENT, EPIPE, SIGUSR1, c_int, sigaction};

/// Stops `reap` in sigsuspend until its three children have exited.
const STOP: &str = "-e inject=rt_sigsuspend:signal=SIGSTOP:when=1";

fn continue_after_three_exits(run: &mut Run) -> Result<()> {
    run.makes(1, "stopped by SIGSTOP")?;
    wait_until("exit of three children", || {
        let files = fs::read_dir(&run.trace.folder.path).unwrap().flatten();
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
    let once = [("WIFSIGNALED(status);", "WIFSIGNALED(status); break;")];
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

#[test]
fn reap_counts_only_its_children_also_if_sigchld_was_blocked() {
    for program in programs("reap") {
        let other = r#"(exit 7) & exec env --block-signal=CHLD "$0""#;
        let mut reap = Command::new("timeout");
        let output = reap.args(["9", "sh", "-c", other]).arg(program).output();
        assert_eq!(output.unwrap().stdout, b"3 reaped, 1 failed, 1 killed\n");
    }
}

#[test]
fn daemon_keeps_nothing_of_the_process_that_started_it() {
    let args = ["sh", "-c", "kill -PIPE $$"];
    let outcome = run_pair("", "daemon", &args, |_| Ok(()));
    outcome.prints("CHILD2\n", "", "exit status: 0").calls(
        r#"exit_group(0)
        setsid() = CHILD1
        exit_group(0)
        umask(000)
        chdir("/") = 0
        openat(AT_FDCWD, "/dev/null", O_RDWR) = 3
        fcntl(2, F_DUPFD_CLOEXEC, 3) = 4
        dup2(3, 0) = 0
        dup2(3, 1) = 1
        dup2(3, 2) = 2
        close(3) = 0
        rt_sigaction(SIGPIPE, {sa_handler=SIG_DFL,
        execve(
        +++ killed by SIGPIPE +++"#,
    );
    let ignored = [("SIG_DFL", "SIG_IGN")]; // and it stays ignored
    let outcome = run_wrong_form("", "daemon", &ignored, &args, |_| Ok(()));
    outcome.calls("execve(\n+++ exited with 0 +++");
    let error = "daemon: execvp none: No such file or directory\n";
    let outcome = run_pair("", "daemon", &["none"], |_| Ok(()));
    outcome.prints("CHILD2\n", error, "exit status: 0");
    for program in programs("daemon") {
        let close = r#"exec "$0" test -e /proc/self/fd/0 <&-"#;
        let args = ["-c", close, program.to_str().unwrap()];
        run_program("sh".as_ref(), "", &args, &|_: &mut Run| Ok(()))
            .calls("umask(000)\nexecve(\n+++ exited with 0 +++");
    }
}

extern "C" fn careless(_signal: c_int) {
    // SAFETY: -1 is no descriptor.
    unsafe { libc::close(-1) };
}

extern "C" fn of_a_wrong_type(_: f64) {}

#[test]
fn a_handler_changes_errno_and_its_type_is_not_checked() {
    for handler in [of_a_wrong_type as *const (), careless as *const ()] {
        // SAFETY: sigaction is integers and an optional function, for which zero is valid.
        let mut action: sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = handler as usize;
        // SAFETY: the first handler is replaced before a signal comes.
        let z = unsafe { libc::sigaction(SIGUSR1, &raw const action, ptr::null_mut()) };
        assert_eq!(z, 0);
    }
    set_errno(Errno(ENOENT));
    // SAFETY: the handler makes only a system call.
    unsafe { libc::raise(SIGUSR1) };
    assert_eq!(errno(), Errno(EBADF));
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
    let program = "static mut COUNT: i32 = 0; fn main() { dbg!(unsafe { &COUNT }); }";
    let compile = format!("echo '{program}' | rustc --edition=2024 -o /dev/null -");
    let errors = Command::new("sh").args(["-c", &compile]).output();
    let errors = errors.unwrap().stderr;
    let errors = String::from_utf8_lossy(&errors);
    let error = "error: creating a shared reference to mutable static";
    assert!(errors.contains(error), "{errors}");
}
