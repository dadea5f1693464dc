//! Literal expectations: what differs from run to run has a name in them.

use super::{Report, without_seconds};
use crate::support::own_uid;

/// Marks the next pid of a list.
const LIST: char = '@';

/// What differs from run to run, and the names for it.
pub struct Names(Vec<(String, String)>);

impl Names {
    /// PORT for `port`, and TEST for this process.
    pub fn of(port: u16) -> Names {
        let names = Names(Vec::new()).and(&format!(":{port}"), ":PORT");
        let names = names.and(&format!("port {port} "), "port PORT ");
        names.process(std::process::id() as i32, "test", "TEST")
    }

    /// These names, and `name` for `here`.
    pub fn and(mut self, here: &str, name: &str) -> Names {
        self.0.push((here.into(), name.into()));
        self
    }

    /// These names, and `name` for the process `pid`, which runs `command`.
    pub fn process(self, pid: i32, command: &str, name: &str) -> Names {
        let names = self.and(&format!("pid {pid} ("), &format!("pid {name} ("));
        let names = names.and(&format!("process {pid}"), &format!("process {name}"));
        let names = names.and(&format!("{pid} {command}"), &format!("{name} {command}"));
        names.and(&format!("{LIST}{pid}"), &format!("{name}{LIST}"))
    }

    /// `text` with these names, PEER for each other port, and N for seconds and own descriptors.
    pub fn apply(&self, text: &str) -> String {
        // LIST moves from pid to pid.
        let mut text = text.replace("processes ", &format!("processes {LIST}"));
        for (here, name) in &self.0 {
            text = rename(&text, here, name);
            text = text.replace(&format!("{LIST}, "), &format!(", {LIST}"));
        }
        text = text.replace(LIST, "");
        let own = "held by pid TEST (test), fd ";
        for (start, least, name) in [(":", 4, "PEER"), (own, 1, "N")] {
            let mut parts = text.split(start).map(String::from);
            let first = parts.next().unwrap_or_default();
            text = parts.fold(first, |before, part| {
                let rest = part.trim_start_matches(is_digit);
                match part.len() - rest.len() >= least {
                    true => [&before, start, name, rest].concat(),
                    false => [&before, start, &part].concat(),
                }
            });
        }
        without_seconds(&text)
    }
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

/// `text` with `name` for `here`, except in longer numbers.
fn rename(text: &str, here: &str, name: &str) -> String {
    let mut parts = text.split(here);
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |before, part| {
        let inside = here.starts_with(is_digit) && before.ends_with(is_digit)
            || here.ends_with(is_digit) && part.starts_with(is_digit);
        [before.as_str(), if inside { here } else { name }, part].concat()
    })
}

/// `text` with one space between the columns of the table, and UID for this user's id.
fn one_space(text: &str) -> String {
    let uid = own_uid().to_string();
    let lines = text.lines().map(|line| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let first = words.first().copied().unwrap_or_default();
        if words.len() != 7 || (first != "#" && first.parse::<u32>().is_err()) {
            return line.replace(&format!(", uid {uid}"), ", uid UID") + "\n";
        }
        if words[6] == uid {
            words[6] = "UID";
        }
        words.join(" ") + "\n"
    });
    lines.collect()
}

impl Report {
    /// Fails the test unless `expected` is the output, with `names`, and the exit status.
    pub fn is(&self, names: &Names, expected: &str) {
        let text = self.neutral(names);
        assert!(
            text == expected,
            "--- expected\n{expected}--- printed\n{text}"
        );
    }

    /// Fails the test unless `expected` is a part of it.
    pub fn has(&self, names: &Names, expected: &str) {
        let text = self.neutral(names);
        assert!(
            text.contains(expected),
            "--- expected\n{expected}--- printed\n{text}"
        );
    }

    fn neutral(&self, names: &Names) -> String {
        let text = names.apply(&one_space(&self.text));
        format!("{text}exit status {}\n", self.status)
    }
}
