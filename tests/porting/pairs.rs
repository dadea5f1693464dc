//! Runs the two programs of a pair one after the other under strace, with the same peer.

use crate::support::*;

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
    /// Its traces, and its stderr in the same folder.
    pub trace: Trace,
    stdout: String,
}

impl Run {
    /// Starts the program in the folder `at`, or in that of its traces, with an option of strace.
    pub fn start(program: &Path, args: &[&str], option: &str, at: Option<&Path>) -> Result<Run> {
        let trace = Trace::new();
        let mut command = trace.strace(&format!("{CALLS} {option}"));
        command.arg(program).args(args).process_group(0);
        command.current_dir(at.unwrap_or(&trace.folder.path));
        command.stderr(File::create(trace.folder.path.join("stderr")).map_err(text)?);
        become_subreaper();
        let (program, stdout) = (Program::start(command)?, String::new());
        Ok(Run {
            program,
            trace,
            stdout,
        })
    }

    pub fn pid(&self) -> i32 {
        self.program.pid()
    }

    /// The next line that the program prints.
    pub fn line(&mut self) -> Result<String> {
        let line = self.program.line().ok_or("prints no line")?;
        self.stdout += &format!("{line}\n");
        Ok(line)
    }

    /// Waits until the program, but not a child process of it, has made `count` calls that contain `call`.
    pub fn makes(&self, count: usize, call: &str) -> Result<()> {
        let file = self.trace.file(self.pid());
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
        self.program.wait().map(|_| ())
    }

    /// Waits for the end of all processes.
    pub fn finish(mut self) -> Result<Outcome> {
        drop(self.program.process.stdin.take());
        let status = self.program.wait()?.to_string();
        while self.line().is_ok() {}
        self.trace.name(self.pid(), "PROGRAM");
        let mut calls = self.trace.calls(self.pid())?;
        let children = calls.iter_mut().enumerate().skip(1);
        children.for_each(|(number, child)| child.insert(0, format!("CHILD{number}:")));
        let stderr = fs::read_to_string(self.trace.folder.path.join("stderr")).map_err(text)?;
        let printed = [&self.stdout, &stderr, &status].map(|text| self.trace.neutral(text));
        let calls = calls.concat();
        Ok(Outcome { printed, calls })
    }
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
    let folder = Folder::new();
    let program = folder.path.join(name);
    let source = format!("c-reference/porting/{name}.c");
    build_changed(&program, &source, changes, "");
    run_program(&program, option, args, &session)
}

/// Runs one program under strace.
pub fn run_program(program: &Path, option: &str, args: &[&str], session: &impl Session) -> Outcome {
    let mut run = Run::start(program, args, option, None).unwrap();
    let done = session(&mut run).and_then(|()| run.finish());
    done.unwrap_or_else(|reason| panic!("{}: {reason}", program.display()))
}
