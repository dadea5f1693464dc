//! All README files: their transcripts are typed into two terminals, whose output is compared with them.
//! Process ids, ports and times may differ. Other fenced blocks and relative links are checked as well.

use crate::support::{DEADLINE, Result, builds, prepare_child, read_lines, scratch, text, tool};
use std::fs;
use std::io::Write;
use std::mem;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;

/// A README file: its path and its text.
type Readme = (PathBuf, String);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README files in the root and below src, tests and c-reference.
fn readmes() -> Vec<Readme> {
    let mut folders = vec![root().to_path_buf()];
    folders.extend(["src", "tests", "c-reference"].map(|folder| root().join(folder)));
    let mut readmes = Vec::new();
    while let Some(folder) = folders.pop() {
        if folder != root() {
            let paths = fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            folders.extend(paths.filter(|path| path.is_dir()));
        }
        let path = folder.join("README.md");
        readmes.extend(fs::read_to_string(&path).ok().map(|text| (path, text)));
    }
    readmes
}

/// The fenced blocks of a README, each with the text between the block or heading before it and the block.
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

/// The command of a line with a prompt, and the number of the terminal that it is typed into.
fn typed(line: &str) -> Option<(usize, &str)> {
    let prompts = [("1$ ", 0), ("$ ", 0), ("2$ ", 1)];
    prompts
        .iter()
        .find_map(|(prompt, number)| Some((*number, line.strip_prefix(prompt)?)))
}

/// `line` without what is different in every run: one space between the words, and N for each process id,
/// port, time and release.
fn neutral(line: &str) -> String {
    let mut before = "";
    let words = line.split_whitespace().map(|word| {
        let last = mem::replace(&mut before, word);
        if ["uid", "Linux", "wait", "for"].contains(&last) {
            return "N".to_string();
        }
        let mut result = String::new();
        for piece in word.split_inclusive(|c: char| !c.is_ascii_digit()) {
            let digits = piece.trim_end_matches(|c: char| !c.is_ascii_digit());
            result += if digits.len() < 3 { digits } else { "N" };
            result += &piece[digits.len()..];
        }
        result
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A shell in a terminal of its own. Without job control, hanging up kills its background commands too.
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
        command.env("TERM", "dumb");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        prepare_child(&mut command);
        let mut process = command.spawn().map_err(text)?;
        let mut terminal = Terminal {
            keyboard: process.stdin.take().unwrap(),
            screen: read_lines(process.stdout.take().unwrap()),
            process,
        };
        terminal.type_in("set +m; PS1='$ '; echo\n")?;
        terminal.wait_for_jobs()?;
        Ok(terminal)
    }

    /// Waits until the shell has reaped the processes that were killed. A person types slowly enough.
    fn wait_for_jobs(&mut self) -> Result<()> {
        self.type_in("wait; echo rea''dy\n")?;
        self.shows("ready")
    }

    fn type_in(&mut self, keys: &str) -> Result<()> {
        let written = self.keyboard.write_all(keys.as_bytes());
        written.map_err(|error| format!("{keys:?}: {error}"))
    }

    /// Waits for the line `expected`. Before it, only prompts and the shell's messages about jobs may come.
    fn shows(&mut self, expected: &str) -> Result<()> {
        let expected = neutral(expected);
        loop {
            let line = self.screen.recv_timeout(DEADLINE);
            let line = line.map_err(|_| format!("{expected:?} is not shown"))?;
            let mut text = line.trim_end_matches('\r');
            // A prompt may come before what is typed, or after it.
            let prompts = ["$ ", "telnet> "];
            while let Some(rest) = prompts.iter().find_map(|prompt| text.strip_prefix(prompt)) {
                text = rest;
            }
            let shown = neutral(text);
            match shown == expected {
                true => return Ok(()),
                false if shown.is_empty() || shown == "$" || shown.starts_with('[') => {}
                false if expected == "ready" => {}
                false => return Err(format!("{shown:?} is shown instead of {expected:?}")),
            }
        }
    }
}

impl Drop for Terminal {
    /// Hangs up the terminal, and with it everything that runs in it.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Types the commands of a transcript, and compares what the terminals show with its other lines.
fn play(transcript: &str, folder: &Path) -> Result<()> {
    let mut terminals = [Terminal::open(folder)?, Terminal::open(folder)?];
    let mut current = 0;
    let lines = transcript.lines().filter(|line| !line.is_empty());
    let mut lines = lines.peekable();
    while let Some(line) = lines.next() {
        let (keys, shown) = match typed(line) {
            Some((number, command)) => {
                current = number;
                (format!("{command}\n"), command)
            }
            None if line == "2$" => continue,
            // A line that is typed into telnet: the server sends it back.
            None if lines.peek() == Some(&line) => {
                current = 1;
                (format!("{line}\n"), line)
            }
            None if line == "^]" => ("\x1d".into(), line),
            None if line == "telnet> quit" => ("quit\n".into(), "quit"),
            None => {
                if line.starts_with("server ") || line.starts_with("child ") {
                    current = 0;
                }
                (String::new(), line)
            }
        };
        let terminal = &mut terminals[current];
        terminal.type_in(&keys)?;
        let result = terminal.shows(shown);
        result.map_err(|reason| format!("terminal {}, {line:?}: {reason}", current + 1))?;
        if shown.starts_with("kill ") {
            terminal.wait_for_jobs()?;
        }
    }
    Ok(())
}

/// A folder with both builds at the paths that the README names.
fn folder() -> PathBuf {
    let folder = scratch("readme");
    for (build, place) in builds().iter().zip(["c-reference", "release"]) {
        let place = folder.join("target").join(place);
        fs::create_dir_all(&place).unwrap();
        symlink(&build.path, place.join("reuseaddr")).unwrap();
    }
    folder
}

#[test]
fn the_transcripts_are_what_two_terminals_show() -> Result<()> {
    // A network namespace, where that is allowed, for this thread and its child processes: port 9099 is
    // free there. Other threads stay where they are.
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0 {
        let mut ip = Command::new(tool("ip", "iproute2"));
        let status = ip.args(["link", "set", "lo", "up"]).status();
        assert!(status.unwrap().success());
    }
    tool("telnet", "telnet");
    let folder = folder();
    let mut played = 0;
    for (path, readme) in readmes() {
        for (_, block) in blocks(&readme) {
            if block.lines().any(|line| typed(line).is_some()) {
                play(block, &folder).map_err(|reason| format!("{}: {reason}", path.display()))?;
                played += 1;
            }
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(played > 0, "no transcripts");
    Ok(())
}

#[test]
fn a_block_that_is_not_a_transcript_is_a_command_or_has_a_date() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for (path, readme) in readmes() {
        let (path, blocks) = (path.display(), blocks(&readme));
        let fences = readme.lines().filter(|line| line.starts_with("```"));
        assert_eq!(
            fences.count(),
            2 * blocks.len(),
            "{path}: not all are ```text"
        );
        for (before, block) in blocks {
            let mut lines = block.lines();
            if lines.clone().any(|line| typed(line).is_some()) {
                continue;
            }
            if lines.clone().all(|line| line.starts_with("make ")) {
                for command in lines {
                    let target = command["make ".len()..].split(' ').next().unwrap();
                    let rule = format!("\n{target}: ");
                    assert!(makefile.contains(&rule), "{path}: {command}");
                }
                continue;
            }
            // The lines of serve are tested elsewhere; other output is a measurement, and needs a date.
            let words = before.split_whitespace();
            let mut words = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()));
            let dated = words.any(|word| word.len() == 10 && word.starts_with("20"));
            let is_serve = |line: &str| line.starts_with("server ") || line.starts_with("child ");
            let format = lines.all(is_serve);
            assert!(dated || format, "{path}: neither run nor dated:\n{block}");
        }
    }
}

#[test]
fn relative_links_lead_to_files() {
    let mut links = 0;
    for (path, readme) in readmes() {
        for link in readme.split("](").skip(1) {
            let (link, _) = link.split_once(')').expect("a link ends");
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                let file = path.with_file_name(file);
                assert!(file.exists(), "{}: {link} leads nowhere", path.display());
                links += 1;
            }
        }
    }
    assert!(links > 0, "no links");
}
