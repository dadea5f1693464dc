//! Runs the two programs of a pair one after the other under strace, with the same peer.

use crate::support::*;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// Whether a call is the first one of the program proper, after the start-up of the C library and of Rust's
/// runtime, and after getaddrinfo(3), whose sockets close on exec.
fn begins(call: &&str) -> bool {
    let starts = ["socket", "clone(", "rt_sigaction(SIGCHLD", "write(2"];
    starts.iter().any(|start| call.starts_with(start)) && !call.contains("SOCK_CLOEXEC")
}

/// Left out: calls for memory and signal stacks, and those with which glibc's dprintf examines a descriptor.
const CALLS: &str =
    "-e trace=!brk,mmap,munmap,mprotect,getrandom,sigaltstack,fstat,newfstatat,lseek";

/// The C program and the Rust program of a pair. make and cargo build them here.
pub fn programs(name: &str) -> [Build; 2] {
    static FOLDERS: LazyLock<[Build; 2]> = LazyLock::new(|| {
        let mut make = Command::new(tool("make", "make"));
        make.args(["-s", "porting"]).env_remove("MAKEFLAGS");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--examples"]);
        cargo.args((!cfg!(debug_assertions)).then_some("--release"));
        for mut command in [make, cargo] {
            let built = command.current_dir(project("")).output().unwrap();
            assert!(
                built.status.success(),
                "{}",
                String::from_utf8_lossy(&built.stderr)
            );
        }
        let rust = assert_cmd::cargo::cargo_bin!("reuseaddr").with_file_name("examples");
        [("C", project("target/c-reference/porting")), ("Rust", rust)].map(|(name, path)| Build {
            name: name.into(),
            path,
        })
    });
    FOLDERS.each_ref().map(|folder| Build {
        name: folder.name.clone(),
        path: folder.path.join(name),
    })
}

/// What a program of a pair did.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    pub status: String,
    /// The system calls of the program, and then of its child processes.
    pub calls: Vec<String>,
}

impl Outcome {
    /// Compares the output and the status with what is expected.
    pub fn prints(self, stdout: &str, stderr: &str, status: &str) -> Outcome {
        let printed = (&*self.stdout, &*self.stderr, &*self.status);
        assert_eq!(printed, (stdout, stderr, status));
        self
    }

    /// Checks that each of `wanted` is the start of a call, in this order.
    pub fn calls(self, wanted: &[&str]) -> Outcome {
        let mut calls = self.calls.iter();
        for start in wanted {
            let found = calls.any(|call| call.starts_with(start));
            assert!(found, "no {start} in its place:\n{}", self.calls.join("\n"));
        }
        self
    }
}

/// A program that runs under strace. All of its processes are killed on drop.
pub struct Run {
    pub program: Program,
    folder: PathBuf,
    stdout: String,
    /// What differs from run to run, and what replaces it.
    names: Vec<(String, String)>,
}

impl Run {
    fn start(build: &Build, args: &[String], injection: &str) -> Result<Run> {
        let folder = scratch(format!(
            "{}.{}",
            args.concat().replace('/', "."),
            build.name
        ));
        fs::create_dir(&folder).map_err(text)?;
        let options = format!("-D -ff -s 256 --quiet=all {CALLS} {injection}");
        let mut command = strace(options.trim_end(), &folder.join("calls"));
        command.arg(&build.path).args(args).process_group(0);
        command.stderr(File::create(folder.join("stderr")).map_err(text)?);
        become_subreaper();
        Ok(Run {
            program: Program::start(command)?,
            folder,
            stdout: String::new(),
            names: Vec::new(),
        })
    }

    pub fn pid(&self) -> i32 {
        self.program.process.id() as i32
    }

    /// Shows `value` as `name`: a port or a process id that differs from run to run.
    pub fn name(&mut self, value: impl ToString, name: &str) {
        self.names.push((value.to_string(), name.into()));
    }

    /// Waits until the program prints `line`.
    pub fn prints(&mut self, line: &str) -> Result<()> {
        let printed = self
            .program
            .line()
            .ok_or(format!("does not print {line:?}"))?;
        self.stdout += &format!("{printed}\n");
        (printed == line)
            .then_some(())
            .ok_or(format!("prints {printed:?} instead of {line:?}"))
    }

    /// Waits until the program, but not a child process of it, has made `count` calls that contain `call`.
    pub fn makes(&self, count: usize, call: &str) -> Result<()> {
        let file = self.folder.join(format!("calls.{}", self.pid()));
        wait_until(format!("{call} in {}", file.display()), || {
            let calls = fs::read_to_string(&file).unwrap_or_default();
            calls.lines().filter(|line| line.contains(call)).count() >= count
        })
    }

    /// Waits until the program is blocked in a call, and sends SIGTERM.
    pub fn stop(&self) -> Result<()> {
        wait_until("blocking call", || {
            matches!(process(self.pid()), Some(('S', _)))
        })?;
        send_signal(self.pid(), libc::SIGTERM)
    }

    /// Waits for the end of the program.
    fn finish(mut self) -> Result<Outcome> {
        let process = &mut self.program.process;
        drop(process.stdin.take());
        let status = wait_for("exit of the program", || process.try_wait().unwrap())?;
        self.stdout
            .extend(self.program.lines.iter().map(|line| line + "\n"));
        let mut pids = vec![self.pid().to_string()];
        self.name(self.pid(), "PROGRAM");
        let mut calls: Vec<String> = Vec::new();
        while let Some(pid) = pids.get(calls.iter().filter(|call| call.starts_with('+')).count()) {
            let trace = finished_trace(&self.folder.join(format!("calls.{pid}")))?;
            let child = pids.len() > 1;
            for line in trace.lines().skip_while(|line| !child && !begins(line)) {
                let call = without_lengths(&without_pointers(line));
                if let Some((_, pid)) = call.split_once("child_tidptr=POINTER) = ") {
                    pids.push(pid.into());
                    self.name(pid, &format!("CHILD{}", pids.len() - 1));
                }
                // Both languages print an error in pieces.
                let (before, after) = ("write(2, \"", "\", LENGTH) = LENGTH");
                match (call.strip_prefix(before), calls.last_mut()) {
                    (Some(text), Some(last)) if last.starts_with(before) => {
                        last.truncate(last.len() - after.len());
                        last.push_str(text);
                    }
                    _ => calls.push(call),
                }
            }
        }
        let stderr = fs::read_to_string(self.folder.join("stderr")).map_err(text)?;
        let neutral = |text: &str| self.names.iter().fold(text.to_string(), replace_word);
        Ok(Outcome {
            stdout: neutral(&self.stdout),
            stderr: neutral(&stderr),
            status: status.to_string(),
            calls: calls.iter().map(|call| neutral(call)).collect(),
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        kill_group(&mut self.program.process);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Replaces a value by its name, except within a longer number.
fn replace_word(text: String, (value, name): &(String, String)) -> String {
    let mut replaced = String::new();
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once(&**value) {
        let digit = |c: char| c.is_ascii_digit();
        let within = before.ends_with(digit) || after.starts_with(digit);
        replaced += before;
        replaced += if within { value } else { name };
        rest = after;
    }
    replaced + rest
}

/// Runs both programs of pair `name` with `args` while `session` acts as their peer. They must print the
/// same and make the same system calls. Returns the outcome of the C program.
pub fn run_pair(name: &str, args: &[&str], session: impl Fn(&mut Run) -> Result<()>) -> Outcome {
    run_pair_injecting("", name, args, session)
}

/// [`run_pair`] with an option of strace that makes calls fail.
pub fn run_pair_injecting(
    injection: &str,
    name: &str,
    args: &[&str],
    session: impl Fn(&mut Run) -> Result<()>,
) -> Outcome {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
    let [c, rust] = programs(name).map(|build| {
        let mut run = Run::start(&build, &args, injection).unwrap();
        let done = session(&mut run).and_then(|()| run.finish());
        done.unwrap_or_else(|reason| panic!("{}: {reason}", build.path.display()))
    });
    assert_eq!(first_difference(&c.calls, &rust.calls), None, "{name}");
    assert_eq!(c, rust);
    c
}
