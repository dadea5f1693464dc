//! The pair that handles signals and counts children: reap. What goes wrong in signal handlers.

use crate::pairs::*;
use crate::support::*;
use errno::{Errno, errno, set_errno};
use libc::{EBADF, ENOENT, EPIPE, SIGUSR1, c_int, sigaction};
use std::io::Write;
use std::process::{Command, Stdio};
use std::{mem, ptr};

#[test]
fn reap_counts_how_its_children_end() {
    let ip = &*fresh_address().ip().to_string();
    let outcome = run_pair("reap", &[ip], |run| {
        run.prints(&format!("listening on {ip}"))?;
        for reaped in 0..4 {
            run.makes(reaped, "rt_sigreturn(")?;
            let client = Client::connect(format!("{ip}:9099").parse().unwrap()).map_err(text)?;
            let line = run.line()?;
            wait_for_call(run.pid(), libc::SYS_accept)?;
            match reaped {
                0 => drop(client),
                1 => client.reset()?,
                _ => {
                    let pid = line.split([' ', ';']).nth(1).map(str::parse);
                    let pid = pid.ok_or("no pid")?.map_err(text)?;
                    wait_for_call(pid, libc::SYS_recvfrom)?;
                    send_signal(pid, libc::SIGKILL)?;
                }
            }
        }
        run.makes(4, "rt_sigreturn(")?;
        run.stop()
    });
    let stdout = format!(
        "listening on {ip}\n\
         child CHILD1; until now 0 succeeded, 0 failed, 0 were killed\n\
         child CHILD2; until now 1 succeeded, 0 failed, 0 were killed\n\
         child CHILD3; until now 1 succeeded, 1 failed, 0 were killed\n\
         child CHILD4; until now 1 succeeded, 1 failed, 1 were killed\n"
    );
    outcome.prints(&stdout, "", "signal: 15 (SIGTERM)").calls(&[
        "rt_sigaction(SIGCHLD, {sa_handler=POINTER, sa_mask=[], sa_flags=SA_RESTORER|SA_RESTART",
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        "bind(3, ",
        &format!("listen(3, {}) = 0", libc::SOMAXCONN),
        "accept(3, NULL, NULL) = 4",
        "close(4) = 0",
        "accept(3, NULL, NULL) = ? ERESTARTSYS",
        "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], WNOHANG, NULL) = CHILD1",
        "wait4(-1, POINTER, WNOHANG, NULL) = -1 ECHILD",
        "rt_sigreturn(",
        "accept(3, NULL, NULL) = 4",
        "close(3) = 0", // of the first child
    ]);

    // As without SA_RESTART.
    let interrupted = "-e inject=accept:error=EINTR:when=1";
    let outcome = run_pair_injecting(interrupted, "reap", &[ip], |_| Ok(()));
    let stderr = "reap: accept or fork: Interrupted system call\n";
    outcome.prints(&format!("listening on {ip}\n"), stderr, "exit status: 1");
}

extern "C" fn careless(_signal: c_int) {
    // SAFETY: -1 is no descriptor.
    unsafe { libc::close(-1) };
}

extern "C" fn of_a_wrong_type(_: f64) {}

#[test]
fn a_handler_changes_errno_unless_it_restores_it_and_its_type_is_not_checked() {
    for handler in [of_a_wrong_type as *const (), careless as *const ()] {
        // SAFETY: sigaction is integers and an optional function, for which zero is valid.
        let mut action: sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = handler as usize;
        // SAFETY: only the second handler, which is in use last, is called.
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
        EINTR => "EINTR",
        _ => "another",
    };
    assert_eq!(name(EPIPE), "EINTR");
}

#[test]
fn a_reference_to_a_static_mut_does_not_compile() {
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--emit=metadata", "-o", "/dev/null", "-"]);
    rustc.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut rustc = rustc.spawn().unwrap();
    let program = b"static mut COUNT: i32 = 0; fn main() { dbg!(unsafe { &COUNT }); }";
    rustc.stdin.take().unwrap().write_all(program).unwrap();
    let errors = rustc.wait_with_output().unwrap().stderr;
    let errors = String::from_utf8_lossy(&errors);
    assert!(
        errors.contains("error: creating a shared reference to mutable static"),
        "{errors}"
    );
}
