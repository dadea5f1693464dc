//! Programs that the tests run and control, and runs of both builds with the same arguments: the Rust build must
//! do what the C build does.

use super::*;
use assert_cmd::assert::{Assert, OutputAssertExt};
use std::ffi::OsStr;
use std::ptr::null_mut;

/// A running program, whose stdin and stdout are pipes. Its process group is killed on drop.
pub struct Program {
    pub process: Child,
    pub lines: Receiver<String>,
}

impl Program {
    pub fn start(mut command: Command) -> Result<Program> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        prepare_child(command.process_group(0));
        let process = command.spawn();
        let mut process = process.map_err(|error| format!("{command:?}: {error}"))?;
        let lines = read_lines(process.stdout.take().expect("stdout is a pipe"));
        Ok(Program { process, lines })
    }

    pub fn type_in(&mut self, keys: &str) -> Result<()> {
        let stdin = self.process.stdin.as_mut().expect("stdin is a pipe");
        let written = stdin.write_all(keys.as_bytes());
        written.map_err(|error| format!("{keys:?}: {error}"))
    }

    pub fn pid(&self) -> i32 {
        self.process.id() as i32
    }

    /// Waits until it has exited. Its child processes may still run.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        wait_for("exit", || self.process.try_wait().unwrap())
    }

    pub fn line(&self) -> Option<String> {
        self.lines.recv_timeout(deadline()).ok()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        kill_group(&mut self.process);
    }
}

/// A full pipe: the read end, the write end, and the number of bytes in it.
pub fn full_pipe() -> (File, File, usize) {
    let mut fds = [0; 2];
    // SAFETY: pipe2(2) writes two descriptors.
    let z = unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) };
    assert_eq!(z, 0);
    // SAFETY: both are new descriptors, and nothing else owns them.
    let [reader, mut writer] = fds.map(|fd| unsafe { File::from_raw_fd(fd) });
    // SAFETY: F_GETPIPE_SZ has no third argument.
    let size = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_GETPIPE_SZ) } as usize;
    writer.write_all(&vec![b'.'; size]).expect("it has room");
    (reader, writer, size)
}

/// A terminal that Ctrl-S has stopped: the master end and the terminal.
pub fn stopped_terminal() -> [File; 2] {
    let mut fds = [0; 2];
    let [master, terminal] = fds.each_mut().map(|fd| &raw mut *fd);
    // SAFETY: openpty(3) writes two descriptors; null pointers are allowed for the rest.
    let z = unsafe { libc::openpty(master, terminal, null_mut(), null_mut(), null_mut()) };
    assert_eq!(z, 0);
    // SAFETY: no pointers; any argument value is safe.
    assert_eq!(unsafe { libc::tcflow(fds[1], libc::TCOOFF) }, 0);
    // SAFETY: both are new descriptors, and nothing else owns them.
    fds.map(|fd| unsafe { File::from_raw_fd(fd) })
}

/// A strace that is attached to a process, and follows its child processes.
pub struct Strace(Program, PathBuf);

impl Strace {
    /// Attaches strace to process `pid`, with `options`, and waits until it traces the process.
    pub fn attach(pid: i32, options: &str) -> Result<Strace> {
        let file = scratch(format!("{pid}.strace"));
        let mut command = strace(&format!("-f -e signal=none -p {pid}"), &file);
        command
            .args(options.split_whitespace())
            .stderr(Stdio::null());
        let strace = Strace(Program::start(command)?, file);
        wait_until(format!("strace at process {pid}"), || {
            process_status(pid, "TracerPid").is_some_and(|tracer| tracer != 0)
        })?;
        Ok(strace)
    }

    /// Detaches it, and returns its trace.
    pub fn detach(mut self) -> Result<String> {
        send_signal(self.0.process.id() as i32, libc::SIGTERM)?;
        self.0.process.wait().map_err(text)?;
        take_file(&self.1)
    }
}

/// Returns the text of a temporary file, and removes it.
pub fn take_file(file: &Path) -> Result<String> {
    let content = fs::read_to_string(file);
    let _ = fs::remove_file(file);
    content.map_err(|error| format!("{}: {error}", file.display()))
}

/// strace with `options`, which are separated by spaces; its trace goes to `file`.
pub fn strace(options: &str, file: &Path) -> Command {
    let mut command = Command::new(tool("strace", "strace"));
    command.args(options.split(' ')).arg("-o").arg(file);
    command
}

/// Runs both builds with `args`, and compares their exit status, stdout and stderr. Returns the outcome.
pub fn both(args: &[impl AsRef<OsStr>]) -> Assert {
    both_under(&[], args)
}

/// [`both`], with `wrapper` before the path of each build: the command line of strace, or of a shell.
pub fn both_under(wrapper: &[String], args: &[impl AsRef<OsStr>]) -> Assert {
    compare_builds(str::to_string, |build| run_under(wrapper, build, args))
}

/// Runs `build` with `args`, and `wrapper` before its path, until it exits.
pub fn run_under(wrapper: &[String], build: &Build, args: &[impl AsRef<OsStr>]) -> Output {
    let mut command = assert_cmd::Command::from_std(command_under(wrapper, build, args));
    command.timeout(deadline() * 3);
    command.output().expect("it exits in time")
}

/// The command that [`run_under`] runs.
pub fn command_under(wrapper: &[String], build: &Build, args: &[impl AsRef<OsStr>]) -> Command {
    let line = wrapper.iter().map(OsStr::new);
    let mut line = line.chain([build.path.as_os_str()]);
    let mut command = Command::new(line.next().expect("at least the build"));
    command.args(line).args(args);
    command
}

/// Compares the exit status, stdout and stderr of the Rust build with those of the C build. `neutral`
/// removes from stdout what differs from run to run. Returns the outcome of the C build.
pub fn compare_builds(neutral: fn(&str) -> String, run: impl Fn(&Build) -> Output) -> Assert {
    let [c, rust] = builds().each_ref().map(run);
    let stdout = |output: &Output| neutral(std::str::from_utf8(&output.stdout).unwrap());
    let status = c.status.code().expect("no signal kills it");
    assert_eq!(stdout(&rust), stdout(&c));
    rust.assert().code(status).stderr(c.stderr.clone());
    c.assert()
}

/// The start of a command line: strace with an `-e inject=` option for each of `injections`.
pub fn injecting(injections: &[&str]) -> Vec<String> {
    let call = |injection: &&str| injection.split(':').next().unwrap().to_string();
    let calls: Vec<String> = injections.iter().map(call).collect();
    let mut line = vec![tool("strace", "strace").display().to_string()];
    line.extend(["-f", "--seccomp-bpf", "-o", "/dev/null", "-e"].map(String::from));
    line.push(format!("trace={}", calls.join(",")));
    for injection in injections {
        line.extend(["-e".into(), format!("inject={injection}")]);
    }
    line
}

/// [`injecting`] `injection`, but only into calls for `paths`.
pub fn injecting_for(paths: &[&str], injection: &str) -> Vec<String> {
    let options = paths.iter().flat_map(|path| ["-P", path]);
    let mut line = injecting(&[injection]);
    line.extend(options.map(String::from));
    line
}
