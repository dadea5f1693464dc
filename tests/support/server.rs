//! Servers, each in a process group of its own.

use super::{Build, Client, DEADLINE, Result, wait_for};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::ptr;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

/// How a run of `serve` began.
pub enum Start {
    /// It has said that it listens.
    Listening(Server),
    /// It ended before that.
    Ended { status: ExitStatus, stderr: String },
}

impl Start {
    /// `runs`, or `EADDRINUSE` for a bind that failed with it; an error for all else.
    pub fn verdict(&self) -> Result<String> {
        let Start::Ended { status, stderr } = self else {
            return Ok("runs".into());
        };
        let said = stderr.to_lowercase();
        match status.code() {
            Some(1) if said.contains("address already in use") || said.contains("eaddrinuse") => {
                Ok("EADDRINUSE".into())
            }
            _ => Err(format!("it ends with {status} and says {stderr:?}")),
        }
    }

    /// The server, if it listens.
    pub fn server(self) -> Result<Server> {
        match self {
            Start::Listening(server) => Ok(server),
            ended => Err(format!("it does not run: {}", ended.verdict()?)),
        }
    }
}

impl Build {
    /// Runs `serve` on `address`, with the option or without, until it listens or ends.
    pub fn serve_on(&self, address: SocketAddrV4, option: bool) -> Result<Start> {
        let mut command = Command::new(&self.path);
        command.args(serve_words(address, option));
        launch(command)
    }
}

/// The command line of `serve`, after the program's name.
pub fn serve_words(address: SocketAddrV4, option: bool) -> Vec<String> {
    let option = (!option).then(|| "--no-reuseaddr".into());
    let words = ["serve".into()].into_iter().chain(option);
    words.chain([address.to_string()]).collect()
}

/// Starts `command`, which runs `serve` in the process that it starts in, until it listens or ends.
pub fn launch(mut command: Command) -> Result<Start> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    leave_nothing_behind(&mut command);
    adopt_orphans();
    let mut process = command
        .spawn()
        .map_err(|error| format!("{:?} cannot be started: {error}", command.get_program()))?;
    let lines = read_lines(process.stdout.take().expect("stdout is a pipe"));
    let complaints = read_lines(process.stderr.take().expect("stderr is a pipe"));
    let mut server = Server {
        pid: process.id() as i32,
        address: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        option: String::new(),
        process,
        lines,
        complaints,
        seen: Vec::new(),
    };

    match server.lines.recv_timeout(DEADLINE) {
        Ok(line) => {
            let start = format!("server {}: listening on ", server.pid);
            let (address, option) = line
                .strip_prefix(&start)
                .and_then(|rest| rest.split_once(", SO_REUSEADDR is "))
                .ok_or_else(|| format!("says {line:?} for: {start}ADDRESS, SO_REUSEADDR is N"))?;
            server.option = option.into();
            server.address = address
                .parse()
                .map_err(|_| format!("says that it listens on {address:?}"))?;
            Ok(Start::Listening(server))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Ok(Start::Ended {
            status: server.wait()?,
            stderr: server.complaints.iter().collect::<Vec<_>>().join("\n"),
        }),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(format!("no listening line within {DEADLINE:?}"))
        }
    }
}

/// Has children that outlive their server become ours.
pub fn adopt_orphans() {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes a number.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Ends the process group of `process`, and waits for all of it: its children are ours.
pub fn end_group(process: &mut Child) {
    let group = process.id() as i32;
    let _ = send_signal(-group, libc::SIGKILL);
    let _ = process.wait();
    // SAFETY: no status is asked for.
    while unsafe { libc::waitpid(-group, ptr::null_mut(), 0) } > 0 {}
}

/// Has the process end with the thread that starts it, leave no core file, and inherit no signal
/// ignored (what a script starts in the background has SIGINT so) and no descriptor but 0, 1 and 2.
pub fn leave_nothing_behind(command: &mut Command) {
    let prepare = || {
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: none is an rlimit, which the kernel reads.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
        // SAFETY: PR_SET_PDEATHSIG takes a number.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        // SAFETY: numbers go in; the descriptors are closed by exec.
        unsafe {
            libc::syscall(
                libc::SYS_close_range,
                3,
                u32::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            )
        };
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGSEGV, libc::SIGCHLD] {
            // SAFETY: SIG_DFL installs no code of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec, prepare makes system calls alone and touches no shared memory.
    unsafe { command.pre_exec(prepare) };
}

/// Hands on the lines that come out of `pipe`, until its end.
pub fn read_lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe)
            .split(b'\n')
            .map_while(|line| line.ok())
        {
            let line = String::from_utf8_lossy(&line).into_owned();
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A running program in a process group of its own, which is killed as a whole on drop.
pub struct Server {
    /// Its process id.
    pub pid: i32,
    /// Where it says that it listens.
    pub address: SocketAddrV4,
    /// What it says that SO_REUSEADDR is.
    pub option: String,
    process: Child,
    lines: Receiver<String>,
    complaints: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// The child that serves `client`, from the line that says so.
    pub fn child(&mut self, client: &Client) -> Result<i32> {
        let start = format!("server {}: child ", self.pid);
        let end = format!(" serves {}", client.address);
        let line = self.line(&format!("{start}N{end}"), |line| {
            line.starts_with(&start) && line.ends_with(&end)
        })?;
        let pid = &line[start.len()..line.len() - end.len()];
        pid.parse()
            .map_err(|_| format!("{line:?} names no process"))
    }

    /// The first line for which `wanted` holds, of those said and those to come.
    pub fn line(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let end = Instant::now() + DEADLINE;
        let mut next = 0;
        loop {
            if let Some(line) = self.seen[next..].iter().find(|line| wanted(line)) {
                return Ok(line.clone());
            }
            next = self.seen.len();
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(_) => return Err(format!("does not say: {what}")),
            }
        }
    }

    /// How many lines it has said, after the first one.
    pub fn lines_so_far(&mut self) -> usize {
        self.seen.extend(self.lines.try_iter());
        self.seen.len()
    }

    /// The next line on stderr.
    pub fn complaint(&mut self) -> Result<String> {
        self.complaints
            .recv_timeout(DEADLINE)
            .map_err(|_| "says nothing on stderr".into())
    }

    /// Ends the server and its children; the lines on stderr that nobody has taken yet.
    pub fn finish(self) -> Vec<String> {
        let _ = send_signal(-self.pid, libc::SIGKILL);
        self.complaints.iter().collect()
    }

    /// Sends `signal` to the server alone, and waits until it has ended by it.
    pub fn end_by(&mut self, signal: i32) -> Result<()> {
        send_signal(self.pid, signal)?;
        let status = self.wait()?;
        match status.signal() {
            Some(by) if by == signal => Ok(()),
            _ => Err(format!("ended by {status}, and not by signal {signal}")),
        }
    }

    /// Waits until the server itself has ended; its children may live on.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        wait_for("end of the server", || {
            self.process.try_wait().expect("the server is our child")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end_group(&mut self.process);
    }
}

/// Sends `signal` to a process, or to a group as a negative number.
pub fn send_signal(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: numbers go in, a number comes out.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(format!(
            "signal {signal} to process {pid}: {}",
            errno::errno()
        )),
    }
}
