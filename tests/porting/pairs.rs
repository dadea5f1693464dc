//! Runs the two programs of a pair one after the other under strace, with the same peer.

use crate::support::*;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Left out: calls for memory, locks and signal stacks, and those with which glibc's dprintf examines a
/// descriptor.
const CALLS: &str = "-e trace=!brk,mmap,munmap,mremap,mprotect,madvise,futex,getrandom,sigaltstack,fstat,newfstatat,lseek";

/// The C program and the Rust program of a pair. make and cargo build all of them here, once.
pub fn programs(name: &str) -> [PathBuf; 2] {
    static FOLDERS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
        let profile = ["release", "dev"][usize::from(cfg!(debug_assertions))];
        let cargo = ["build", "--quiet", "--examples", "--profile", profile];
        for (tool, args) in [("make", &["-s", "porting"][..]), (env!("CARGO"), &cargo)] {
            let mut command = Command::new(tool);
            command.args(args).env_remove("MAKEFLAGS");
            assert!(command.current_dir(project("")).status().unwrap().success());
        }
        let rust = assert_cmd::cargo::cargo_bin!("reuseaddr").with_file_name("examples");
        [project("target/c-reference/porting"), rust]
    });
    FOLDERS.each_ref().map(|folder| folder.join(name))
}

/// What a program did: its output, its exit status, and the system calls of all its processes.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub printed: [String; 3],
    pub calls: Vec<String>,
}

impl Outcome {
    /// Compares stdout, stderr and the exit status with what is expected.
    pub fn prints(self, stdout: &str, stderr: &str, status: &str) -> Outcome {
        assert_eq!(self.printed, [stdout, stderr, status]);
        self
    }

    /// Checks that the program only prints an error.
    pub fn fails(self, error: &str) -> Outcome {
        self.prints("", &format!("{error}\n"), "exit status: 1")
    }

    /// Checks that each line of `wanted` is the start of a call, in this order.
    pub fn calls(self, wanted: &str) -> Outcome {
        let mut calls = self.calls.iter();
        for start in wanted.lines().map(str::trim_start) {
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

/// A new folder for temporary files.
fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = scratch(format!("pair.{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir(&folder).unwrap();
    folder
}

impl Run {
    /// Starts the program in the folder `at`, or in a new one, with an option of strace.
    pub fn start(program: &Path, args: &[&str], option: &str, at: Option<&Path>) -> Result<Run> {
        let folder = new_folder();
        let options = format!("-D -ff -s 256 {CALLS} {option}");
        let mut command = strace(options.trim_end(), &folder.join("calls"));
        command.arg(program).args(args).process_group(0);
        command.current_dir(at.unwrap_or(&folder));
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

    /// Waits for the end of the program.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        wait_for("exit", || self.program.process.try_wait().unwrap())
    }

    /// Waits for the end of all processes.
    pub fn finish(mut self) -> Result<Outcome> {
        drop(self.program.process.stdin.take());
        let status = self.wait()?.to_string();
        while self.line().is_ok() {}
        self.name(self.pid(), "PROGRAM");
        let (mut pids, mut next) = (vec![self.pid().to_string()], 0);
        let mut calls: Vec<String> = Vec::new();
        while let Some(pid) = pids.get(next) {
            let trace = finished_trace(&self.folder.join(format!("calls.{pid}")))?;
            let mut replaced = false; // by another program
            for line in without_start_up(&trace) {
                // A call that a signal interrupts: strace may write it, or not.
                let killed = line.ends_with(" = ?") && !line.starts_with("exit_group(");
                if killed || line.contains("<unfinished") || replaced && !line.starts_with('+') {
                    continue;
                }
                let call = without_lengths(&without_pointers(line));
                replaced = next > 0 && call.starts_with("execve(") && call.ends_with(" = 0");
                // Before main, Rust's runtime ignores SIGPIPE.
                let call = call.split("}, {sa_handler=").next().unwrap();
                let call = masked(call, "si_pid=", |c| c == '}');
                let mut call = masked(&call, "left {", |c| c == '}').replace(" (DELAYED)", "");
                // The sockets with which getaddrinfo sorts addresses can have a port of any name.
                if call.starts_with("getsockname(") {
                    call = masked(&call, "htons(", |c| c == ')');
                }
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
        let neutral = |text: &String| self.names.iter().fold(text.clone(), replace_number);
        let printed = [&self.stdout, &stderr, &status].map(neutral);
        let calls = calls.iter().map(neutral).collect();
        Ok(Outcome { printed, calls })
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

/// What acts as the peer of a program.
pub trait Session: Fn(&mut Run) -> Result<()> {}
impl<T: Fn(&mut Run) -> Result<()>> Session for T {}

/// Runs both programs of pair `name` with `args` and an option of strace. They must print the same and make
/// the same system calls. Returns the outcome.
pub fn run_pair(option: &str, name: &str, args: &[&str], session: impl Session) -> Outcome {
    let [c, rust] = programs(name).map(|program| run_program(&program, option, args, &session));
    assert_eq!(first_difference(&c.calls, &rust.calls), None, "{name}");
    assert_eq!(c, rust);
    c
}

/// Runs the C program of pair `name` once the first text of each of `changes` is replaced by the second.
pub fn run_wrong_form(
    option: &str,
    name: &str,
    changes: &[(&str, &str)],
    args: &[&str],
    session: impl Session,
) -> Outcome {
    let mut source = fs::read_to_string(project(&format!("c-reference/porting/{name}.c"))).unwrap();
    for (right, wrong) in changes {
        assert_eq!(source.matches(right).count(), 1, "{right}");
        source = source.replace(right, wrong);
    }
    let folder = new_folder();
    let (file, program) = (folder.join("wrong.c"), folder.join(name));
    fs::write(&file, source).unwrap();
    let mut compile = Command::new(tool("cc", "gcc"));
    compile
        .arg("-D_GNU_SOURCE")
        .arg(file)
        .arg("-o")
        .arg(&program);
    assert!(compile.status().unwrap().success());
    let outcome = run_program(&program, option, args, &session);
    fs::remove_dir_all(&folder).unwrap();
    outcome
}

/// Runs one program under strace.
pub fn run_program(program: &Path, option: &str, args: &[&str], session: &impl Session) -> Outcome {
    let mut run = Run::start(program, args, option, None).unwrap();
    let done = session(&mut run).and_then(|()| run.finish());
    done.unwrap_or_else(|reason| panic!("{}: {reason}", program.display()))
}
