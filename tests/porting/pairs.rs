//! Runs the two programs of a pair one after the other under strace, with the same peer.

use crate::support::*;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Left out: calls for memory and signal stacks, and those with which glibc's dprintf examines a descriptor.
const CALLS: &str = "-e trace=!brk,mmap,munmap,mremap,mprotect,madvise,futex,getrandom,sigaltstack,fstat,newfstatat,lseek";

/// An option of strace for [`run_pair_injecting`]: only the signals that end a program are recorded.
pub const QUIET: &str = "-e signal=term,kill,pipe";

/// The C program and the Rust program of a pair. make and cargo build all of them here, once.
pub fn programs(name: &str) -> [Build; 2] {
    static FOLDERS: LazyLock<[(&str, PathBuf); 2]> = LazyLock::new(|| {
        let profile = ["release", "dev"][usize::from(cfg!(debug_assertions))];
        let cargo = ["build", "--quiet", "--examples", "--profile", profile];
        for (tool, args) in [("make", &["-s", "porting"][..]), (env!("CARGO"), &cargo)] {
            let mut command = Command::new(tool);
            command.args(args).env_remove("MAKEFLAGS");
            let built = command.current_dir(project("")).output().unwrap();
            let errors = String::from_utf8_lossy(&built.stderr);
            assert!(built.status.success(), "{errors}");
        }
        let rust = assert_cmd::cargo::cargo_bin!("reuseaddr").with_file_name("examples");
        [("C", project("target/c-reference/porting")), ("Rust", rust)]
    });
    FOLDERS.each_ref().map(|(language, folder)| Build {
        name: language.to_string(),
        path: folder.join(name),
    })
}

/// What a program of a pair did: its output, its exit status, and the system calls of all its processes.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    pub status: String,
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
    /// The traces and stderr, which are removed on drop.
    pub folder: PathBuf,
    stdout: String,
    names: Vec<(String, String)>,
}

impl Run {
    /// Starts the program in the folder `current`, or in one of its own, with an option of strace.
    pub fn start(
        build: &Build,
        args: &[&str],
        option: &str,
        current: Option<&Path>,
    ) -> Result<Run> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = scratch(format!("pair.{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&folder).map_err(text)?;
        let options = format!("-D -ff -s 256 {CALLS} {option}");
        let mut command = strace(options.trim_end(), &folder.join("calls"));
        command.arg(&build.path).args(args).process_group(0);
        command.current_dir(current.unwrap_or(&folder));
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

    /// Replaces `value`, a port or a process id that differs from run to run, by `name` in the outcome.
    pub fn name(&mut self, value: impl ToString, name: &str) {
        self.names.push((value.to_string(), name.into()));
    }

    /// The next line that the program prints.
    pub fn line(&mut self) -> Result<String> {
        let line = self.program.line().ok_or("prints no line")?;
        self.stdout += &format!("{line}\n");
        Ok(line)
    }

    /// Waits until the program prints `line`.
    pub fn prints(&mut self, line: &str) -> Result<()> {
        let printed = self.line()?;
        let wrong = || format!("prints {printed:?} instead of {line:?}");
        (printed == line).then_some(()).ok_or_else(wrong)
    }

    /// Waits until the program, but not a child process of it, has made `count` calls that contain `call`.
    pub fn makes(&self, count: usize, call: &str) -> Result<()> {
        let file = self.folder.join(format!("calls.{}", self.pid()));
        wait_until(format!("{call} in {}", file.display()), || {
            let calls = fs::read_to_string(&file).unwrap_or_default();
            let calls = calls.lines().map(without_pointers);
            calls.filter(|line| line.contains(call)).count() >= count
        })
    }

    /// Waits until the program is blocked in a call.
    pub fn blocks(&self) -> Result<()> {
        let blocks = || matches!(process(self.pid()), Some(('S', _)));
        wait_until("blocking call", blocks)
    }

    /// Sends SIGTERM to the program once it is blocked, and waits for its end.
    pub fn stop(&mut self) -> Result<()> {
        self.blocks()?;
        send_signal(self.pid(), libc::SIGTERM)?;
        self.wait().map(|_| ())
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        wait_for("exit", || self.program.process.try_wait().unwrap())
    }

    /// Waits for the end of all processes.
    pub fn finish(mut self) -> Result<Outcome> {
        drop(self.program.process.stdin.take());
        let status = self.wait()?;
        while let Ok(line) = self.program.lines.recv_timeout(deadline()) {
            self.stdout += &format!("{line}\n");
        }
        self.name(self.pid(), "PROGRAM");
        let (mut pids, mut next) = (vec![self.pid().to_string()], 0);
        let mut calls: Vec<String> = Vec::new();
        while let Some(pid) = pids.get(next) {
            let trace = finished_trace(&self.folder.join(format!("calls.{pid}")))?;
            let mut other = false; // whether a child process executes another program
            // A call that a signal interrupts: strace may write it, or not.
            let partly = |line: &&str| {
                let killed = line.ends_with(" = ?") && !line.starts_with("exit_group(");
                let restarted = line.starts_with("recvmsg(") && line.contains("? ERESTART");
                killed || restarted || line.contains("<unfinished ...>")
            };
            let lines = without_start_up(&trace).into_iter();
            for line in lines.filter(|line| !partly(line)) {
                let call = without_lengths(&without_pointers(line));
                if other && !call.starts_with('+') {
                    continue;
                }
                other = next > 0 && call.starts_with("execve(") && call.ends_with(" = 0");
                let call = masked(&call, "si_pid=", |c| c == '}');
                let call = masked(&call, "left {", |c| c == '}');
                let pid = call.rsplit(' ').next().unwrap_or_default();
                let forks = call.starts_with("clone") || call.starts_with("vfork(");
                if forks && pid.parse::<i32>().is_ok() {
                    self.name(pid, &format!("CHILD{}", pids.len()));
                    pids.push(pid.into());
                }
                let ports = call.split("htons(").skip(1);
                let ports = ports.filter_map(|port| port.split(')').next());
                for port in ports.filter(|port| port.len() == 5 && *port > "32767") {
                    self.name(port, &format!("PORT{}", self.names.len()));
                }
                // Both languages print an error in pieces.
                let (before, after) = ("write(2, \"", "\", LENGTH) = LENGTH");
                match (call.strip_prefix(before), calls.last_mut()) {
                    (Some(text), Some(last))
                        if last.starts_with(before) && last.ends_with(after) =>
                    {
                        last.truncate(last.len() - after.len());
                        last.push_str(text);
                    }
                    _ => calls.push(call),
                }
            }
            next += 1;
        }
        let stderr = fs::read_to_string(self.folder.join("stderr")).map_err(text)?;
        let neutral = |text: &str| self.names.iter().fold(text.to_string(), replace_number);
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

/// Replaces a number by its name, except within a longer number, and as a later argument of a call.
fn replace_number(text: String, (number, name): &(String, String)) -> String {
    let digit = |c: char| c.is_ascii_digit();
    let mut pieces = text.split(&**number).peekable();
    let mut replaced = String::new();
    while let Some(piece) = pieces.next() {
        replaced += piece;
        if let Some(after) = pieces.peek() {
            let other = piece.ends_with(digit) || piece.ends_with(", ") || after.starts_with(digit);
            replaced += if other { number } else { name };
        }
    }
    replaced
}

/// Runs both programs of pair `name` with `args` while `session` acts as their peer. They must print the
/// same and make the same system calls. Returns the outcome.
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
    let [c, rust] = programs(name).map(|build| run_program(&build, injection, args, &session));
    assert_eq!(first_difference(&c.calls, &rust.calls), None, "{name}");
    assert_eq!(c, rust);
    c
}

/// Runs the C program of pair `name`, in which the first text of each change is replaced by the second.
pub fn run_wrong_form(
    name: &str,
    changes: &[(&str, &str)],
    args: &[&str],
    session: impl Fn(&mut Run) -> Result<()>,
) -> Outcome {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut source = fs::read_to_string(project(&format!("c-reference/porting/{name}.c"))).unwrap();
    for (right, wrong) in changes {
        assert_eq!(source.matches(right).count(), 1, "{right}");
        source = source.replace(right, wrong);
    }
    let folder = scratch(format!("wrong.{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir(&folder).unwrap();
    let (file, path) = (folder.join("wrong.c"), folder.join(name));
    fs::write(&file, source).unwrap();
    let mut compile = Command::new(tool("cc", "gcc"));
    compile.args(["-D_GNU_SOURCE", "-o"]).arg(&path).arg(&file);
    assert!(compile.status().unwrap().success());
    let name = "wrong form".into();
    let outcome = run_program(&Build { name, path }, "", args, &session);
    fs::remove_dir_all(&folder).unwrap();
    outcome
}

fn run_program(
    build: &Build,
    injection: &str,
    args: &[&str],
    session: &impl Fn(&mut Run) -> Result<()>,
) -> Outcome {
    let mut run = Run::start(build, args, injection, None).unwrap();
    let done = session(&mut run).and_then(|()| run.finish());
    let mut outcome = done.unwrap_or_else(|reason| panic!("{}: {reason}", build.path.display()));
    // Rust's runtime has ignored SIGPIPE before main.
    let ignores = outcome.calls[0].starts_with("rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN");
    outcome.calls.drain(..usize::from(ignores));
    outcome
}
