//! All README files: their transcripts are typed into two terminals, whose output is compared with them.
//! Process ids, ports and times may differ. Other fenced blocks and relative links are checked as well.

use crate::support::*;
use std::os::unix::fs::symlink;

/// The README files in the root and below src, tests and c-reference, with their texts.
fn readmes() -> Vec<(PathBuf, String)> {
    let mut find = Command::new("find");
    find.args("README.md src tests c-reference -name README.md".split(' '));
    let found = find.current_dir(project("")).output().unwrap().stdout;
    let found = String::from_utf8(found).unwrap();
    let text = |path: &str| (project(path), read_file(path).unwrap());
    found.lines().map(text).collect()
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
    let (prompt, command) = line.split_once("$ ")?;
    let number = ["", "1", "2"].iter().position(|known| *known == prompt)?;
    Some((number.saturating_sub(1), command))
}

/// `line` with one space between the words, and N for each process id, port, time and release.
fn neutral(line: &str) -> String {
    let mut last = "";
    let words = line.split_whitespace().map(|word| {
        let before = mem::replace(&mut last, word);
        // The user follows a process id.
        let is_user = word.starts_with('(') && word.ends_with("):");
        if is_user || ["Linux", "wait", "for"].contains(&before) {
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

/// A shell in a terminal. Dropping it hangs up, which also kills background commands: there is no job control.
struct Terminal(Program);

impl Terminal {
    fn open(folder: &Path) -> Result<Terminal> {
        let mut command = Command::new(tool("script", "bsdutils"));
        command.args(["-qfc", "sh", "/dev/null"]);
        command.current_dir(folder).env("TERM", "dumb");
        let mut terminal = Terminal(Program::start(command)?);
        terminal.0.type_in("set +m; PS1='$ '; echo\n")?;
        terminal.wait_for_jobs()?;
        Ok(terminal)
    }

    /// Waits until the shell has reaped the processes that were killed. A person types more slowly than that.
    fn wait_for_jobs(&mut self) -> Result<()> {
        self.0.type_in("wait; echo rea''dy\n")?;
        self.shows("ready")
    }

    /// Waits for the line `expected`. Before it, only prompts and the shell's messages about jobs may come.
    fn shows(&mut self, expected: &str) -> Result<()> {
        let expected = neutral(expected);
        loop {
            let line = self.0.line();
            let line = line.ok_or_else(|| format!("{expected:?} is not shown"))?;
            // A prompt may come before what is typed, or after it.
            let shown = neutral(line.trim_start_matches("$ ").trim_start_matches("telnet> "));
            if shown == expected {
                return Ok(());
            }
            let ignored = shown.is_empty() || shown == "$" || shown.starts_with('[');
            if !ignored && expected != "ready" {
                return Err(format!("{shown:?} is shown instead of {expected:?}"));
            }
        }
    }
}

fn is_transcript(block: &str) -> bool {
    block.lines().any(|line| typed(line).is_some())
}

/// Types the commands of a transcript, and compares what the terminals show with its other lines.
fn play(transcript: &str, folder: &Path) -> Result<()> {
    let mut terminals = [Terminal::open(folder)?, Terminal::open(folder)?];
    let mut current = 0;
    let lines = transcript.lines();
    let mut lines = lines.filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let (number, keys, shown) = match typed(line) {
            Some((number, command)) => (number, format!("{command}\n"), command),
            None if line == "2$" => continue,
            // A line that is typed into telnet: the server sends it back.
            None if lines.peek() == Some(&line) => (1, format!("{line}\n"), line),
            None if line == "^]" => (current, "\x1d".into(), line),
            None if line == "telnet> quit" => (current, "quit\n".into(), "quit"),
            None if is_of_serve(line) => (0, String::new(), line),
            None => (current, String::new(), line),
        };
        current = number;
        let terminal = &mut terminals[current];
        terminal.0.type_in(&keys)?;
        let result = terminal.shows(shown);
        result.map_err(|reason| format!("terminal {}, {line:?}: {reason}", current + 1))?;
        if shown.starts_with("kill ") {
            terminal.wait_for_jobs()?;
        }
    }
    Ok(())
}

/// Whether `line` is one that `serve` prints.
fn is_of_serve(line: &str) -> bool {
    line.starts_with("server ") || line.starts_with("child ")
}

#[test]
fn the_transcripts_are_what_two_terminals_show() -> Result<()> {
    // An ordinary user may have a network namespace in a user namespace, which a thread cannot create.
    let unshare = ["unshare", "--user", "--map-root-user"];
    let run = |command: &[&str]| Command::new(command[0]).args(&command[1..]).output();
    if !is_root()
        && run(&[&unshare[..], &["true"]].concat()).is_ok_and(|output| output.status.success())
    {
        let this = env::current_exe().unwrap();
        let name = "readme::the_transcripts_are_what_two_terminals_show";
        let test = [this.to_str().unwrap(), "--exact", name];
        let output = run(&[&unshare[..], &test].concat()).unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        return output.status.success().then_some(()).ok_or(shown.into());
    }
    // Port 9099 is free in a new network namespace, where that is allowed. Other threads stay where they are.
    // SAFETY: no pointers; any argument value is safe.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0 {
        let mut ip = Command::new(tool("ip", "iproute2"));
        let status = ip.args(["link", "set", "lo", "up"]).status();
        assert!(status.unwrap().success());
    }
    tool("telnet", "telnet");
    // In a new PID namespace, the first process ids are too short for `neutral` to find them.
    let new_pid = || {
        let mut process = Command::new("true").spawn().unwrap();
        process.wait().unwrap();
        process.id()
    };
    while new_pid() < 100 {}
    let readmes = readmes();
    let blocks = readmes.iter().flat_map(|(_, readme)| blocks(readme));
    let blocks = blocks.map(|(_, block)| block);
    let transcripts: Vec<&str> = blocks.filter(|block| is_transcript(block)).collect();
    assert!(!transcripts.is_empty());
    // Each build prints what the README files show of one of them.
    for build in builds() {
        let folder = Folder::new();
        for place in ["target/c-reference", "target/release"] {
            let place = folder.path.join(place);
            fs::create_dir_all(&place).unwrap();
            symlink(&build.path, place.join("reuseaddr")).unwrap();
        }
        let mut transcripts = transcripts.iter();
        let result = transcripts.try_for_each(|transcript| play(transcript, &folder.path));
        result.map_err(|reason| format!("{}: {reason}", build.name))?;
    }
    Ok(())
}

#[test]
fn a_block_that_is_not_a_transcript_is_a_command_or_has_a_date() {
    let makefile = fs::read_to_string(project("Makefile")).unwrap();
    for (path, readme) in readmes() {
        let (path, blocks) = (path.display(), blocks(&readme));
        let fences = readme.matches("\n```").count();
        assert_eq!(fences, 2 * blocks.len(), "{path}: not all are ```text");
        for (before, block) in blocks {
            let joined = block.replace("\\\n", "");
            let commands = joined.lines().map(|line| line.strip_prefix("make "));
            for command in commands.clone().flatten() {
                let rule = format!("\n{}: ", command.split(' ').next().unwrap());
                assert!(makefile.contains(&rule), "{path}: make {command}");
            }
            let is_command = commands.clone().all(|command| command.is_some());
            let is_run = is_command || is_transcript(block) || block.lines().all(is_of_serve);
            // Other output is a measurement, and needs a date.
            let words = before.split_whitespace();
            let mut words = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()));
            let dated = words.any(|word| word.len() == 10 && word.starts_with("20"));
            assert!(is_run || dated, "{path}: neither run nor dated:\n{block}");
        }
    }
}

#[test]
fn relative_links_lead_to_files_and_quoted_code_to_its_line() {
    let mut links = 0;
    for (path, readme) in readmes() {
        for (before, after) in readme.split("](").zip(readme.split("](").skip(1)) {
            let (link, _) = after.split_once(')').expect("a link ends");
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let (file, path) = (path.with_file_name(file), path.display());
            assert!(file.exists(), "{path}: {link} leads nowhere");
            links += 1;
            if let Some(number) = place.strip_prefix('L') {
                let (_, code) = before
                    .rsplit_once("[`")
                    .expect("a line is linked by its code");
                let code = code.trim_end_matches('`').replace("\\|", "|");
                let source = fs::read_to_string(file).unwrap();
                let lines = (1..).zip(source.lines());
                let found = lines.filter(|(_, line)| line.contains(&code));
                let found: Vec<String> = found.map(|(line, _)| line.to_string()).collect();
                assert!(
                    found.iter().any(|line| line == number),
                    "{path}: `{code}` is in {found:?}"
                );
            }
        }
        for row in readme.lines().filter(|row| row.contains("#L")) {
            let both = row.contains(".c#L") && row.contains(".rs#L");
            assert!(
                both,
                "{}: links to one language only: {row}",
                path.display()
            );
        }
    }
    assert!(links > 100, "{links} links");
}
