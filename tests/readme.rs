//! What the README shows is what happens: its transcripts are typed into two terminals and compared
//! with what these show; ids, ports and times aside.

use crate::support::{DEADLINE, Result, builds, leave_nothing_behind, read_lines, tool};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The fenced blocks of the README, each with the words between it and the block or heading before.
fn blocks(readme: &str) -> Vec<(&str, &str)> {
    let mut fences = readme.split("\n```text\n");
    let mut before = fences.next().unwrap();
    let mut blocks = Vec::new();
    for fence in fences {
        let (block, rest) = fence.split_once("\n```\n").expect("a fence ends");
        blocks.push((before.rsplit("\n## ").next().unwrap(), block));
        before = rest;
    }
    blocks
}

/// The terminal that a line of a transcript is typed into, and the command.
fn typed(line: &str) -> Option<(usize, &str)> {
    let prompts = [("1$ ", 0), ("$ ", 0), ("2$ ", 1)];
    prompts
        .iter()
        .find_map(|(prompt, number)| Some((*number, line.strip_prefix(prompt)?)))
}

/// What is the same in every run: words with one space in between, and N for what counts or names.
fn neutral(line: &str) -> String {
    let mut before = "";
    let words = line.split_whitespace().map(|word| {
        let last = before;
        before = word;
        if ["uid", "Linux", "wait", "for"].contains(&last) {
            return "N".to_string();
        }
        let mut result = String::new();
        for piece in word.split_inclusive(|c: char| !c.is_ascii_digit()) {
            let digits = piece.trim_end_matches(|c: char| !c.is_ascii_digit());
            match digits.len() {
                3.. => result += "N",
                _ => result += digits,
            }
            result += &piece[digits.len()..];
        }
        result
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A shell in a terminal of its own. It has no job control, so that its background commands end with it.
struct Terminal {
    process: Child,
    keyboard: ChildStdin,
    screen: Receiver<String>,
}

impl Terminal {
    fn open(folder: &Path) -> Result<Terminal> {
        let mut command = Command::new(tool("script", "bsdutils"));
        command
            .args(["-qfc", "sh", "/dev/null"])
            .current_dir(folder);
        command
            .env("TERM", "dumb")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        leave_nothing_behind(&mut command);
        let mut process = command.spawn().map_err(|error| error.to_string())?;
        let keyboard = process.stdin.take().unwrap();
        let screen = read_lines(process.stdout.take().unwrap());
        let mut terminal = Terminal {
            process,
            keyboard,
            screen,
        };
        terminal.type_in("set +m; PS1='$ '; echo\n")?;
        terminal.settle()?;
        Ok(terminal)
    }

    /// Waits until the shell has seen the end of what was killed, which takes no time when a person types.
    fn settle(&mut self) -> Result<()> {
        self.type_in("wait; echo rea''dy\n")?;
        self.shows("ready")
    }

    fn type_in(&mut self, text: &str) -> Result<()> {
        let written = self.keyboard.write_all(text.as_bytes());
        written.map_err(|error| format!("{text:?}: {error}"))
    }

    /// Waits for a line, which has to be the next one but for what shells say of their own.
    fn shows(&mut self, expected: &str) -> Result<()> {
        let expected = neutral(expected);
        loop {
            let line = self.screen.recv_timeout(DEADLINE);
            let line = line.map_err(|_| format!("does not come: {expected}"))?;
            let mut text = line.trim_end_matches('\r');
            // Prompts come when they like, before what is typed or after it.
            let prompts = ["$ ", "telnet> "];
            while let Some(rest) = prompts.iter().find_map(|prompt| text.strip_prefix(prompt)) {
                text = rest;
            }
            let seen = neutral(text);
            match seen == expected {
                true => return Ok(()),
                false if seen.is_empty() || seen == "$" || seen.starts_with('[') => {}
                false if expected == "ready" => {}
                false => return Err(format!("comes: {seen:?}, and not: {expected:?}")),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The terminal hangs up, and all in it with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Types what a transcript shows as typed, and compares the rest.
fn play(transcript: &str, folder: &Path) -> Result<()> {
    let mut terminals = [Terminal::open(folder)?, Terminal::open(folder)?];
    let mut current = 0;
    let mut lines = transcript
        .lines()
        .filter(|line| !line.is_empty())
        .peekable();
    while let Some(line) = lines.next() {
        let (keys, screen) = match typed(line) {
            Some((number, command)) => {
                current = number;
                (format!("{command}\n"), command)
            }
            None if line == "2$" => continue,
            // The echo of the server follows what was typed.
            None if lines.peek() == Some(&line) => {
                current = 1;
                (format!("{line}\n"), line)
            }
            None if line == "^]" => ("\x1d".into(), line),
            None if line == "telnet> quit" => ("quit\n".into(), "quit"),
            None => {
                if ["server ", "child "]
                    .iter()
                    .any(|start| line.starts_with(start))
                {
                    current = 0;
                }
                (String::new(), line)
            }
        };
        terminals[current].type_in(&keys)?;
        let shown = terminals[current].shows(screen);
        shown.map_err(|reason| format!("terminal {}, {line:?}: {reason}", current + 1))?;
        if screen.starts_with("kill ") {
            terminals[current].settle()?;
        }
    }
    Ok(())
}

/// A folder in which the README's commands are found: the build of this test in the release's place.
fn folder() -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.readme", std::process::id()));
    for (build, place) in builds().iter().zip(["c-reference", "release"]) {
        let place = folder.join("target").join(place);
        fs::create_dir_all(&place).unwrap();
        std::os::unix::fs::symlink(&build.path, place.join("reuseaddr")).unwrap();
    }
    folder
}

#[test]
fn the_transcripts_are_what_two_terminals_show() -> Result<()> {
    // Port 9099 of a network of our own, where that is allowed; it is this thread's, and its children's.
    // SAFETY: a number goes in, a number comes out.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0 {
        let up = Command::new(tool("ip", "iproute2"))
            .args(["link", "set", "lo", "up"])
            .status();
        assert!(up.unwrap().success());
    }
    tool("telnet", "telnet");
    let (readme, folder) = (readme(), folder());
    let mut played = 0;
    for (_, block) in blocks(&readme) {
        if block.lines().any(|line| typed(line).is_some()) {
            play(block, &folder)?;
            played += 1;
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(played >= 4, "only {played} transcripts");
    Ok(())
}

#[test]
fn what_is_not_played_is_a_command_or_has_a_date() {
    let readme = readme();
    let makefile =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile")).unwrap();
    for (before, block) in blocks(&readme) {
        let mut lines = block.lines();
        if lines.clone().any(|line| typed(line).is_some()) {
            continue;
        }
        if lines.clone().all(|line| line.starts_with("make ")) {
            for command in lines {
                let target = command["make ".len()..].split(' ').next().unwrap();
                assert!(makefile.contains(&format!("\n{target}: ## ")), "{command}");
            }
            continue;
        }
        // What serve prints is held by the tests of serve; the rest was measured some day.
        let words = before.split_whitespace();
        let mut words = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()));
        let dated = words.any(|word| word.len() == 10 && word.starts_with("20"));
        let format = lines.all(|line| line.starts_with("server ") || line.starts_with("child "));
        assert!(dated || format, "neither run nor dated:\n{block}");
    }
}
