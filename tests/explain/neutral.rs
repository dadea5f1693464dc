//! Literal expected output, with names for what differs between runs.

use super::*;

/// The port and the processes that have names.
pub struct Names {
    port: String,
    /// The pid, command and name of each process.
    processes: Vec<[String; 3]>,
}

impl Names {
    /// PORT for `port`, and TEST for this process.
    pub fn of(port: u16) -> Names {
        let (port, processes) = (port.to_string(), Vec::new());
        Names { port, processes }.process(std::process::id() as i32, "test", "TEST")
    }

    /// These names, and `name` for the process `pid`, which runs `command`.
    pub fn process(mut self, pid: i32, command: &str, name: &str) -> Names {
        let process = [pid.to_string(), command.into(), name.into()];
        self.processes.push(process);
        self
    }

    /// `text` with these names, PEER for each other port, UID for this user, and N for seconds and own
    /// descriptors.
    pub fn apply(&self, text: &str) -> String {
        let mut named = String::new();
        let text = without_seconds(text);
        let mut rest = &text[..];
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            named += &rest[..at];
            let after = rest[at..].trim_start_matches(|c: char| c.is_ascii_digit());
            let number = &rest[at..rest.len() - after.len()];
            named += self.name(&named, number, after).unwrap_or(number);
            rest = after;
        }
        named + rest
    }

    /// The name for `number`, if it has one between `before` and `after`.
    fn name(&self, before: &str, number: &str, after: &str) -> Option<&str> {
        let line = before.rsplit('\n').next()?;
        let ends = |words: &[&str]| words.iter().any(|word| line.ends_with(word));
        let list = line.contains("processes ") && line.ends_with(", ");
        let is_pid = list || ends(&["pid ", "process ", "processes "]);
        let mut processes = self.processes.iter();
        let process = processes.find(|[pid, command, _]| {
            number == pid && (is_pid || after.starts_with(&format!(" {command}")))
        });
        let user = own_uid().to_string();
        match process {
            Some([_, _, name]) => Some(name),
            None if number == self.port && ends(&[":", "port "]) => Some("PORT"),
            None if number.len() >= 4 && ends(&[":"]) => Some("PEER"),
            None if number == user && after.starts_with('\n') && ends(&[" "]) => Some("UID"),
            None if ends(&["pid TEST (test), fd "]) => Some("N"),
            None => None,
        }
    }
}

/// The output with a line for each socket, process and result: the table has no header and no padding, a line
/// that is indented by 4 or 5 spaces continues the line above, and there are no empty lines.
pub fn folded(text: &str, status: i32) -> String {
    let mut folded = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_row = words.len() == 7 && words[0].parse::<u32>().is_ok();
        let start = line.trim_start();
        if start.is_empty() || start.starts_with("# ") {
            continue;
        }
        let continues = [4, 5].contains(&(line.len() - start.len()));
        let separator = if folded.ends_with(':') { " " } else { "; " };
        folded += if continues { separator } else { "\n" };
        let line = if continues { start } else { line };
        folded += &if is_row { words.join(" ") } else { line.into() };
    }
    format!("{}\nexit status {status}\n", folded.trim_start())
}

impl Report {
    /// Fails the test unless `expected` is the folded output, with `names`, and the exit status.
    pub fn is(&self, names: &Names, expected: &str) {
        let text = self.neutral(names);
        assert!(text == expected, "{text}--- instead of\n{expected}");
    }

    /// Fails the test unless `expected` is a part of it.
    pub fn has(&self, names: &Names, expected: &str) {
        let text = self.neutral(names);
        assert!(text.contains(expected), "{text}--- without\n{expected}");
    }

    fn neutral(&self, names: &Names) -> String {
        let text = folded(&names.apply(&self.text), self.status);
        text.replace("held by pid TEST (test), fd N, uid UID", "held by TEST")
    }
}
