//! Programs under strace: the system calls of all their processes, without what differs from run to run.

use super::*;

/// The traces of a program, a file for each process, and the names of what differs from run to run.
pub struct Trace {
    pub folder: Folder,
    names: Vec<(String, String)>,
}

impl Trace {
    pub fn new() -> Trace {
        let (folder, names) = (Folder::new(), Vec::new());
        Trace { folder, names }
    }

    /// strace with `options`, which are separated by spaces. With -D, the traced program is our child process.
    pub fn strace(&self, options: &str) -> Command {
        let options = format!("-D -ff -s 256 {options}");
        strace(options.trim_end(), &self.folder.path.join("calls"))
    }

    /// The trace of process `pid`.
    pub fn file(&self, pid: i32) -> PathBuf {
        self.folder.path.join(format!("calls.{pid}"))
    }

    /// Replaces `value`, which differs from run to run, by `name`.
    pub fn name(&mut self, value: impl ToString, name: &str) {
        self.names.push((value.to_string(), name.into()));
    }

    /// `text` with the names.
    pub fn neutral(&self, text: &str) -> String {
        let text = text.to_string();
        self.names.iter().fold(text, replace_number)
    }

    /// The calls of process `pid` and of its descendants, a list for each, once all of them have ended. Child
    /// processes and ephemeral ports get names.
    pub fn calls(&mut self, pid: i32) -> Result<Vec<Vec<String>>> {
        let mut pids = vec![pid];
        let mut all = Vec::new();
        while let Some(&pid) = pids.get(all.len()) {
            let trace = finished_trace(&self.file(pid))?;
            let mut calls: Vec<String> = Vec::new();
            let mut replaced = false; // by another program
            for line in without_start_up(&trace) {
                // A call that a signal interrupts: strace may write it, or not.
                let killed = line.ends_with(" = ?") && !line.starts_with("exit_group(");
                if killed || line.contains("<unfinished") || replaced && !line.starts_with('+') {
                    continue;
                }
                let call = without_lengths(&without_pointers(line));
                let executes = call.starts_with("execve(") && call.ends_with(" = 0");
                replaced = executes && !all.is_empty();
                // Before main, Rust's runtime ignores SIGPIPE.
                let call = call.split("}, {sa_handler=").next().unwrap();
                let call = masked(call, "si_pid=", |c| c == '}');
                let mut call = masked(&call, "left {", |c| c == '}').replace(" (DELAYED)", "");
                // The sockets with which getaddrinfo sorts addresses can have a port of any name.
                if call.starts_with("getsockname(") {
                    call = masked(&call, "htons(", |c| c == ')');
                }
                let result = call
                    .rsplit(' ')
                    .next()
                    .and_then(|result| result.parse().ok());
                let forks = call.starts_with("clone") || call.starts_with("vfork(");
                if let Some(child) = result.filter(|_| forks) {
                    self.name(child, &format!("CHILD{}", pids.len()));
                    pids.push(child);
                }
                let ports = call.split("htons(").skip(1);
                let ports = ports.filter_map(|port| port.split(')').next());
                for port in ports.filter(|port| port.len() == 5 && *port > "32767") {
                    self.name(port, &format!("PORT{}", self.names.len()));
                }
                // Both languages print an error in pieces.
                let (before, after) = ("write(2, \"", "\", LENGTH) = LENGTH");
                let is_write =
                    |last: &&mut String| last.starts_with(before) && last.ends_with(after);
                match (call.strip_prefix(before), calls.last_mut().filter(is_write)) {
                    (Some(text), Some(last)) => {
                        last.truncate(last.len() - after.len());
                        last.push_str(text);
                    }
                    _ => calls.push(call),
                }
            }
            all.push(calls);
        }
        let neutral = |calls: Vec<String>| calls.iter().map(|call| self.neutral(call)).collect();
        Ok(all.into_iter().map(neutral).collect())
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

/// The trace of a process, once its end is recorded in it.
pub fn finished_trace(file: &Path) -> Result<String> {
    wait_for(format!("end in {}", file.display()), || {
        let trace = fs::read_to_string(file).ok()?;
        trace.lines().last()?.starts_with("+++").then_some(trace)
    })
}

/// Texts in calls of the start-up alone: those of the C library, and the last one of Rust's runtime.
const START_UP: &str = "arch_prctl(|set_tid_address(|set_robust_list(|rseq(|SA_ONSTACK";
/// Left out as well: calls for stdio, getaddrinfo(3) and static programs, and SIGCHLD, which comes at any time.
const LEFT_OUT: &str = "TCGETS|NETLINK|nlmsg_|RLIMIT_STACK|/proc/self/exe|--- SIGCHLD";

/// The calls in the trace of a process, without the start-up of each program that it executes.
fn without_start_up(trace: &str) -> Vec<&str> {
    let (mut calls, mut program) = (Vec::new(), 0);
    for line in trace.lines() {
        let has = |texts: &str| texts.split('|').any(|text| line.contains(text));
        if has(START_UP) {
            calls.truncate(program);
        } else if !has(LEFT_OUT) {
            calls.push(line);
        }
        if line.starts_with("execve(") && line.ends_with(" = 0") && calls.len() > 1 {
            program = calls.len();
        }
    }
    calls
}

/// A line of a trace with one space between its words, and POINTER for each number in hexadecimal.
pub fn without_pointers(call: &str) -> String {
    // strace aligns the results.
    let words: Vec<&str> = call.split_whitespace().collect();
    let call = words.join(" ");
    masked(&call, "0x", |c| !c.is_ascii_hexdigit()).replace("0x", "POINTER")
}

/// Removes the text between each `start` and the next character that is an `end`, or the end of the line.
pub fn masked(call: &str, start: &str, end: impl Fn(char) -> bool) -> String {
    let mut pieces = call.split(start);
    let mut masked = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        masked += start;
        masked += piece.find(&end).map_or("", |end| &piece[end..]);
    }
    masked
}

/// Replaces the length of a text in a write by LENGTH, if it is right and all was written.
fn without_lengths(call: &str) -> String {
    let arguments = call.strip_prefix("write(");
    let Some((_, text)) = arguments.and_then(|all| all.split_once(", \"")) else {
        return call.into();
    };
    let text = text.rsplit_once("\", ").map_or(text, |(text, _)| text);
    let length = text.replace("\\n", "\n").len();
    let right = format!("\", {length}) = {length}");
    call.replace(&right, "\", LENGTH) = LENGTH")
}
