//! Pairs that start processes which outlive them, or which run another program.

use crate::pairs::*;
use crate::support::*;
use std::cell::Cell;
use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::ptr::null_mut;

/// A daemon. It is killed on drop, and reaped: the processes that started it have exited, as has its parent.
struct Daemon(i32);

impl Drop for Daemon {
    fn drop(&mut self) {
        // SAFETY: no pointers; any argument value is safe.
        let group = unsafe { libc::getpgid(self.0) };
        let _ = send_signal(self.0, libc::SIGKILL);
        // SAFETY: a null pointer means that no status is returned.
        while unsafe { libc::waitpid(-group, null_mut(), 0) } > 0 {}
    }
}

#[test]
fn daemon_keeps_nothing_of_the_process_that_started_it() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    let session = |run: &mut Run| {
        let written = || fs::read_to_string(run.folder.join("pid")).ok();
        let pid = wait_for("pid", || written()?.strip_suffix('\n')?.parse().ok())?;
        let _daemon = Daemon(pid);
        let mut client = Client::connect(address).map_err(text)?;
        assert_eq!(client.receive_all()?, b"daemon\n");
        wait_for_call(pid, libc::SYS_accept)?;
        run.name(pid, "DAEMON");

        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
        let links = ["cwd", "fd/0", "fd/1", "fd/2"].map(link);
        assert_eq!(
            links,
            ["/", "/dev/null", "/dev/null", "/dev/null"].map(Path::new)
        );
        assert_eq!(descriptors(pid), 4);
        // SAFETY: no pointers; any argument value is safe.
        let sessions = [pid, 0].map(|pid| unsafe { libc::getsid(pid) });
        assert!(
            !sessions.contains(&pid) && sessions[0] != sessions[1],
            "{sessions:?}"
        );
        Ok(())
    };
    let outcome = run_pair_injecting(QUIET, "daemon", &[ip, "pid"], session);
    outcome.prints("", "", "exit status: 0").calls(&[
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        &format!("bind(3, {{sa_family=AF_INET, sin_port=htons(9099), sin_addr=inet_addr(\"{ip}\")}}, 16) = 0"),
        &format!("listen(3, {}) = 0", libc::SOMAXCONN),
        "openat(AT_FDCWD, \"pid\", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 4",
        "exit_group(0)",
        "setsid() = CHILD1",
        "exit_group(0)",
        "umask(000)",
        "chdir(\"/\") = 0",
        "sendto(4, \"daemon\\n\", 7, MSG_NOSIGNAL, NULL, 0) = 7",
    ]);
    let step = "    /* 1. Listen,";
    let early = format!("mkdir(\"new\", 0700); if (chdir(\"/\")) return 1;\n{step}");
    let outcome = run_wrong_form("daemon", &[(step, &early)], &[ip, "new/pid"], |_| Ok(()));
    let error = "daemon: open new/pid: No such file or directory\n";
    outcome.prints("", error, "exit status: 1");
}

#[test]
fn exec_runs_a_command_with_the_client_as_stdout_and_sigpipe_reset() {
    let address = fresh_address();
    let ip = &*address.ip().to_string();
    let received = Cell::default();
    let session = |run: &mut Run| {
        run.makes(1, "accept4(")?;
        let mut client = Client::connect(address).map_err(text)?;
        received.set(client.receive_all()?);
        Ok(())
    };
    let args = [ip, "sh", "-c", "echo hello; kill -PIPE $$"];
    let outcome = run_pair_injecting(QUIET, "exec", &args, session);
    outcome.prints("status 13\n", "", "exit status: 0").calls(&[
        "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3",
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        "accept4(3, NULL, NULL, SOCK_CLOEXEC) = 4",
        "rt_sigaction(SIGPIPE, {sa_handler=SIG_DFL,",
        "dup2(4, 1) = 1",
        "execve(",
        "+++ killed by SIGPIPE +++",
    ]);
    assert_eq!(received.take(), b"hello\n");
    let reset = [("signal(SIGPIPE, SIG_DFL);", "")];
    run_wrong_form("exec", &reset, &args, session).prints("status 0\n", "", "exit status: 0");
    let outcome = run_pair_injecting(QUIET, "exec", &[ip, "none"], session);
    let error = "exec: execvp none: No such file or directory\n";
    outcome.prints("status 32512\n", error, "exit status: 0");
}

#[test]
fn without_sock_cloexec_a_command_keeps_the_port_of_a_server_that_was_killed() {
    let address = fresh_address();
    let args = [
        &*address.ip().to_string(),
        "sh",
        "-c",
        "echo $$; exec sleep 600",
    ];
    let restarts = Cell::new(false);
    let session = |run: &mut Run| {
        run.makes(1, "accept4(")?;
        let mut line = String::new();
        let client = Client::connect(address).map_err(text)?;
        BufReader::new(client.stream)
            .read_line(&mut line)
            .map_err(text)?;
        let command = line.trim().parse().map_err(text)?;
        run.name(command, "COMMAND");
        send_signal(run.pid(), libc::SIGKILL)?;
        run.program.process.wait().map_err(text)?;
        restarts.set(hold("LISTEN", address.into(), true).is_ok());
        send_signal(command, libc::SIGKILL)
    };
    run_pair_injecting(QUIET, "exec", &args, session);
    assert!(restarts.get());
    let flag = [("SOCK_STREAM | SOCK_CLOEXEC", "SOCK_STREAM")];
    run_wrong_form("exec", &flag, &args, session).prints("", "", "signal: 9 (SIGKILL)");
    assert!(!restarts.get());
}

/// A C string that counts when it is dropped.
struct Text<'a>(CString, &'a Cell<u32>);

impl Drop for Text<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
    }
}

#[test]
fn a_c_string_that_map_consumes_is_dropped_before_execvp_could_read_it() {
    let dropped = Cell::new(0);
    let texts = || {
        [c"sh", c"-c"]
            .into_iter()
            .map(|text| Text(text.into(), &dropped))
    };
    let wrong: Vec<_> = texts().map(|text| text.0.as_ptr()).collect();
    assert_eq!((wrong.len(), dropped.get()), (2, 2));
    let args: Vec<Text> = texts().collect();
    let argv: Vec<_> = args.iter().map(|text| text.0.as_ptr()).collect();
    assert_eq!((argv.len(), dropped.get()), (2, 2));
}
