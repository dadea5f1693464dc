//! Programs that the tests run and control.

use super::{Result, deadline, prepare_child, read_lines, text, tool};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

/// A running program, whose stdin and stdout are pipes. It is killed on drop.
pub struct Program {
    pub process: Child,
    /// The lines that it prints.
    pub lines: Receiver<String>,
}

impl Program {
    pub fn start(mut command: Command) -> Result<Program> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        prepare_child(&mut command);
        let mut process = command.spawn().map_err(text)?;
        let lines = read_lines(process.stdout.take().expect("stdout is a pipe"));
        Ok(Program { process, lines })
    }

    /// Writes `keys` to its stdin.
    pub fn type_in(&mut self, keys: &str) -> Result<()> {
        let stdin = self.process.stdin.as_mut().expect("stdin is a pipe");
        let written = stdin.write_all(keys.as_bytes());
        written.map_err(|error| format!("{keys:?}: {error}"))
    }

    /// The next line that it prints.
    pub fn line(&self) -> Option<String> {
        self.lines.recv_timeout(deadline()).ok()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// strace with `options`, which are separated by spaces; its trace goes to `file`.
pub fn strace(options: &str, file: &Path) -> Command {
    let mut command = Command::new(tool("strace", "strace"));
    command.args(options.split(' ')).arg("-o").arg(file);
    command
}
