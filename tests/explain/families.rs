//! The processes that hold a socket: families, threads, process 1, their users, commands and states.

use super::*;
use libc::{CLONE_FILES, SIGSTOP};
use std::os::unix::fs::fchown;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;

/// Starts `command` as a process that holds a listener, and exits when its stdin is closed.
fn give(holder: &Holder, mut command: Command) -> Child {
    command.stderr(Stdio::from(holder.fds[0].try_clone().unwrap()));
    command.stdin(Stdio::piped()).spawn().unwrap()
}

/// What follows "pid N " of the one holder of a listener, which `command` starts.
fn described(words: &[String], command: Command) -> String {
    let (holder, address) = held("LISTEN", true);
    let mut child = give(&holder, command);
    drop(holder);
    let start = format!("    stop pid {} ", child.id());
    let described = wait_for("command", || {
        let text = explain_with(words, address).text;
        let (_, rest) = text.split_once(&start)?;
        let line = rest.lines().next().unwrap().trim_end().to_string();
        // A process has no command line for an instant of execve(2).
        let started = ["explain-", "setpriv ", "[cat]"]
            .iter()
            .all(|text| !line.contains(text));
        started.then_some(line)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    described.unwrap()
}

#[test]
fn the_head_of_a_family_is_named_and_its_children_are_counted() {
    let _alone = alone();
    let (holder, address) = held("LISTEN", true);
    for (children, names) in [(1, "cat <&3 &"), (3, "cat <&3 & sh -c 'cat <&3; :' <&3 &")] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 3<&0; {names} wait")]);
        let mut shell = give(&holder, shell);
        let line = format!("        and child processes: {}\n", children + 1);
        let rest = format!("{}; if they remain, run explain again\n", line.trim_end());
        let own = format!("\n    stop TEST\n{rest}");
        wait_until("children", || {
            let report = explain_under(&[], &builds()[0], address);
            neutral(&report.text, address.port()).contains(&own)
        })
        .unwrap();
        let report = explain(address);
        report.has(address.port(), &format!("on\n        TEST\n{line}"));
        drop(shell.stdin.take());
        shell.wait().unwrap();
    }
}

#[test]
fn eight_processes_are_named_and_the_others_counted() {
    let _alone = alone();
    for count in [8, 9] {
        let (holder, address) = held("LISTEN", true);
        let cat = |_| give(&holder, Command::new("cat"));
        let mut cats: Vec<Child> = (0..count).map(cat).collect();
        drop(holder);
        let text = neutral(&explain(address).text, address.port());
        let more = |start: &str| match count {
            8 => String::new(),
            _ => format!("{start}more processes: 1\n"),
        };
        let stops = "    stop PROCESS\n".repeat(8) + &more("    stop ");
        let advice = format!("helps:\n{stops}{AT_ONCE}\n");
        assert!(text.contains(&advice), "{text}");
        let below = "        PROCESS\n".repeat(8) + &more("        ");
        assert!(text.ends_with(&format!(" on\n{below}")), "{text}");
        for cat in &mut cats {
            drop(cat.stdin.take());
            cat.wait().unwrap();
        }
    }
}

#[test]
fn process_1_is_never_to_be_stopped() {
    let _alone = alone();
    let (holder, address) = held("LISTEN", true);
    let mut words = in_pid_namespace();
    words.extend(["sh", "-c", "\"$@\" </dev/null; exit $?", "sh"].map(String::from));
    let expected =
        "helps:\n    stop process 1's socket unit (systemctl list-sockets) or container\n";
    let report = explain_on(&holder.fds[0], &words, address);
    report.shows(&format!("{expected}{AT_ONCE}\n"));
    let own = format!("        pid 1 ({}): sh -c \"$@\" ", own_name());
    report.shows(&own);
}

#[test]
fn a_thread_with_its_own_descriptors_is_found() {
    let _alone = alone();
    let address = unused_address();
    let (ready, wait) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        // SAFETY: no pointers; any argument value is safe.
        assert_eq!(unsafe { libc::unshare(CLONE_FILES) }, 0);
        let _listener = TcpListener::bind(address).unwrap();
        ready.send(()).unwrap();
        let _ = ended.recv();
    });
    wait.recv().unwrap();
    let row = "    LISTEN 127.0.0.1:PORT - SO_REUSEADDR on\n        TEST\n-> 1\n";
    explain(address).has(address.port(), row);
    drop(end);
    thread.join().unwrap();
}

#[test]
fn a_command_line_is_printed_on_one_line_of_the_terminal_whatever_its_bytes_are() {
    let _alone = alone();
    let cat = |name: &str| {
        let mut cat = Command::new("cat");
        cat.arg0(name);
        cat
    };
    let user = format!("({}): ", own_name());
    for (name, shown) in [
        ("a b\u{1b}[2J)\n", "a b?[2J)?"),
        ("!~\u{7f}\u{e9}", "!~???"),
        (" ", ""),
    ] {
        let expected = format!("{user}{shown}");
        assert_eq!(described(&[], cat(name)), expected.trim_end());
    }
    let long = described(&[], cat(&"x".repeat(300)));
    let room = 80 - "    stop pid 10 ".len();
    assert!(long.len() < room && long.ends_with("xxx"), "{long}");
    let script =
        "export B=\"$1\"; exec script -qefc \"stty cols 120; \\\"\\$B\\\" $2 $3\" /dev/null";
    let words = ["sh", "-c", script, "sh"].map(String::from);
    let wide = described(&words, cat(&"x".repeat(300)));
    assert_eq!(wide.len() - long.len(), 40, "{wide}");
}

#[test]
fn a_process_is_described_by_its_user_and_whether_it_is_suspended() {
    let _alone = alone();
    let (holder, address) = held("LISTEN", true);
    let mut child = give(&holder, Command::new("cat"));
    // SAFETY: no pointers; any argument value is safe.
    unsafe { libc::kill(child.id() as i32, SIGSTOP) };
    wait_for_stop(child.id() as i32).unwrap();
    drop(holder);
    let stopped = format!("pid {} ({}, suspended): cat\n", child.id(), own_name());
    let how = "        it is suspended: kill -CONT it as well, or kill -KILL\n";
    let report = explain(address);
    report.shows(&format!("    stop {stopped}{how}"));
    report.shows(&format!("        {stopped}"));
    assert_eq!(report.text.matches(how).count(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    if is_root() {
        let run_as = |uid| {
            let mut command = Command::new("setpriv");
            command.args(["--euid", uid, "cat"]); // a shell would reset its effective uid
            command
        };
        assert_eq!(described(&[], run_as("65534")), "(nobody): cat");
        assert_eq!(described(&[], run_as("54321")), "(54321): cat");
        // The uid of a socket is shown if its holder is not visible.
        let (holder, address) = held("LISTEN", true);
        fchown(&holder.fds[0], Some(65534), None).unwrap();
        explain_with(&in_pid_namespace(), address)
            .shows("        process not found (user nobody)\n");
    }
}

#[test]
fn a_user_is_named_whatever_the_first_line_of_passwd_is() {
    let _alone = alone();
    let (_listener, address) = held("LISTEN", true);
    if !is_root() {
        return; // it may not mount another /etc/passwd
    }
    let passwd = scratch("passwd");
    let script = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
    let words = ["unshare", "--mount", "sh", "-c", script];
    let words = [
        &words.map(String::from)[..],
        &[passwd.display().to_string()],
    ]
    .concat();
    let long = format!("{:a<300}:x:1:1::/:/bin/sh", "");
    for first in ["# users", "+", "", &long, "other:x:1:1::/:/bin/sh"] {
        fs::write(&passwd, format!("{first}\ntester:x:0:0::/:/bin/sh\n")).unwrap();
        explain_with(&words, address).shows(" (tester): ");
    }
    fs::remove_file(passwd).unwrap();
}
