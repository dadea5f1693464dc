//! Servers, each in its own process group.

use super::*;
use std::io::{BufRead, BufReader};

pub enum Start {
    /// It has printed that it listens.
    Listening(Server),
    /// It has exited before that.
    Exited {
        pid: i32,
        status: ExitStatus,
        stderr: String,
    },
}

impl Start {
    /// Returns `runs`, or `EADDRINUSE` if bind failed with it. Any other exit is an error.
    pub fn bind_result(&self) -> Result<String> {
        let Start::Exited { status, stderr, .. } = self else {
            return Ok("runs".into());
        };
        let lower = stderr.to_lowercase();
        // The second text is musl's.
        let texts = ["address already in use", "address in use", "eaddrinuse"];
        let in_use = texts.iter().any(|text| lower.contains(text));
        if in_use && status.code() == Some(1) {
            return Ok("EADDRINUSE".into());
        }
        Err(format!("it exits with {status} and prints {stderr:?}"))
    }

    /// The server, if it listens.
    pub fn server(self) -> Result<Server> {
        match self {
            Start::Listening(server) => Ok(server),
            exited => Err(format!("it does not run: {}", exited.bind_result()?)),
        }
    }
}

impl Build {
    pub fn serve_on(&self, address: SocketAddrV4, option: bool) -> Result<Start> {
        let mut command = Command::new(&self.path);
        command.args(serve_args(address, option));
        launch(command)
    }
}

/// Passes to `run` a command that starts `build` as another user if this one is root. That user may not be
/// able to enter the folder of the build, so it is a copy in a new folder, which is removed afterwards.
pub fn as_another_user<T>(build: &Build, run: impl FnOnce(Command) -> T) -> T {
    let script = "d=$(mktemp -d); chmod 755 $d; install \"$0\" $d/reuseaddr; echo $d";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(&build.path);
    let folder = String::from_utf8(shell.output().unwrap().stdout).unwrap();
    let folder = Path::new(folder.trim_end());
    let mut command = Command::new(folder.join("reuseaddr"));
    if is_root() {
        command.uid(65534).gid(65534);
    }
    let result = run(command);
    fs::remove_dir_all(folder).unwrap();
    result
}

pub fn serve_args(address: SocketAddrV4, option: bool) -> Vec<String> {
    let mut args = vec!["serve".into()];
    args.extend((!option).then(|| "--no-reuseaddr".into()));
    args.push(address.to_string());
    args
}

/// Starts `command`, and waits until it prints that it listens, or exits. It must become the server itself.
pub fn launch(mut command: Command) -> Result<Start> {
    command.stderr(Stdio::piped());
    become_subreaper();
    let mut program = Program::start(command)?;
    let mut server = Server {
        pid: program.pid(),
        address: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        so_reuseaddr: String::new(),
        errors: read_lines(program.process.stderr.take().expect("stderr is a pipe")),
        program,
        seen: Vec::new(),
    };

    match server.program.lines.recv_timeout(deadline()) {
        Ok(line) => {
            let start = format!("server {}: listening on ", server.pid);
            let rest = line.strip_prefix(&start).unwrap_or_default();
            let (address, option) = rest.split_once(", SO_REUSEADDR is ").unwrap_or_default();
            let wrong = |_| format!("prints {line:?} for: {start}ADDRESS, SO_REUSEADDR is N");
            server.address = address.parse().map_err(wrong)?;
            server.so_reuseaddr = option.into();
            Ok(Start::Listening(server))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Ok(Start::Exited {
            pid: server.pid,
            status: server.wait()?,
            stderr: server.errors.iter().collect::<Vec<_>>().join("\n"),
        }),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(format!("no listening line within {:?}", deadline()))
        }
    }
}

/// Makes this process the parent of orphaned descendants, so that it can wait for them.
pub fn become_subreaper() {
    // SAFETY: no pointers; any argument value is safe.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Kills the process group of `process`, and waits for all of its processes.
pub fn kill_group(process: &mut Child) {
    let group = process.id() as i32;
    let _ = send_signal(-group, libc::SIGKILL);
    let _ = process.wait();
    // SAFETY: a null pointer means that no status is returned.
    while unsafe { libc::waitpid(-group, ptr::null_mut(), 0) } > 0 {}
}

/// Has the child process killed when the thread that starts it exits. It writes no core file, inherits only
/// descriptors 0, 1 and 2, and ignores no signal: a shell ignores SIGINT in background commands.
pub fn prepare_child(command: &mut Command) {
    let prepare = || {
        let (rlim_cur, rlim_max) = (0, 0);
        let limit = libc::rlimit { rlim_cur, rlim_max };
        // SAFETY: `limit` is an rlimit.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) };
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        let (first, last, flags) = (3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        // SAFETY: no pointers; the descriptors stay open until exec.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGSEGV, libc::SIGCHLD] {
            // SAFETY: SIG_DFL installs no handler.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec, `prepare` only makes system calls; it allocates nothing.
    unsafe { command.pre_exec(prepare) };
}

/// Sends the lines that come out of `pipe` to the receiver, until end of file.
pub fn read_lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(pipe).split(b'\n').map_while(io::Result::ok);
        // It ends early if the receiver has been dropped.
        let _ = lines.try_for_each(|line| sender.send(String::from_utf8_lossy(&line).into_owned()));
    });
    receiver
}

/// A running server. Its process group is killed on drop.
pub struct Server {
    pub pid: i32,
    /// The address that its first line names.
    pub address: SocketAddrV4,
    /// The value of SO_REUSEADDR in its first line.
    pub so_reuseaddr: String,
    program: Program,
    errors: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// The pid of the child that serves `client`, from the line about it.
    pub fn child(&mut self, client: &Client) -> Result<i32> {
        let start = format!("server {}: child ", self.pid);
        let end = format!(" serves {}", client.address);
        let line = self.line(&format!("{start}N{end}"), |line| {
            line.starts_with(&start) && line.ends_with(&end)
        })?;
        let pid = &line[start.len()..line.len() - end.len()];
        pid.parse().map_err(|_| format!("no pid in {line:?}"))
    }

    /// The first line on stdout that is `wanted`, among those printed and those to come.
    pub fn line(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let end = Instant::now() + deadline();
        let mut number = 0;
        loop {
            if number == self.seen.len() {
                let left = end.saturating_duration_since(Instant::now());
                let line = self.program.lines.recv_timeout(left);
                let line = line.map_err(|_| format!("does not print: {what}"))?;
                self.seen.push(line);
            }
            if wanted(&self.seen[number]) {
                return Ok(self.seen[number].clone());
            }
            number += 1;
        }
    }

    /// The number of lines that it has printed on stdout after the first one.
    pub fn line_count(&mut self) -> usize {
        self.seen.extend(self.program.lines.try_iter());
        self.seen.len()
    }

    /// The next line on stderr.
    pub fn error_line(&mut self) -> Result<String> {
        let line = self.errors.recv_timeout(deadline());
        line.map_err(|_| "prints nothing on stderr".into())
    }

    /// Kills the server and its children. Returns the lines on stderr that were not read before.
    pub fn finish(&self) -> Vec<String> {
        let _ = send_signal(-self.pid, libc::SIGKILL);
        self.errors.iter().collect()
    }

    /// Sends `signal` to the server, but not to its children, and waits until it has terminated the server.
    pub fn terminate(&mut self, signal: i32) -> Result<()> {
        send_signal(self.pid, signal)?;
        let status = self.wait()?;
        match status.signal() {
            Some(by) if by == signal => Ok(()),
            _ => Err(format!("{status} instead of signal {signal}")),
        }
    }

    /// Waits until the server has exited. Its child processes may still run.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.program.wait()
    }
}

/// Sends `signal` to process `pid`, or to process group `-pid` if it is negative.
pub fn send_signal(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: no pointers; any argument value is safe.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(format!("kill {pid} {signal}: {}", errno::errno())),
    }
}
