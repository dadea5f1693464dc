//! `make kernels`: the report of compare on this kernel and on a second one, and where they differ. The second
//! one is Debian's user-mode-linux, a kernel that runs as a process and has this machine's root file system.
//! Environment: `COMPARE=PATH`, the program of `make compare`; `KERNEL=PATH`, another user-mode kernel.

#[path = "../support/mod.rs"]
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};
use support::{Result, is_before_6_8, prepare_child, text, tool};

/// Writes the report and its exit status. As the second kernel's init, it prepares the system before, and
/// powers off afterwards.
const SCRIPT: &str = r#"#!/bin/sh
if [ $$ = 1 ]; then
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    mount -t proc proc /proc
    ip link set lo up
fi
"$COMPARE" >"$REPORT" 2>&1 </dev/null
echo "exit status $?" >>"$REPORT"
if [ $$ = 1 ]; then
    echo o >/proc/sysrq-trigger
    sleep 60
fi
"#;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    let kernels = ["this", "other"];
    let outcomes = kernels.map(|name| try_kernel(&folder, name).and_then(|report| check(&report)));
    let mut diff = Command::new("diff");
    diff.args("--unified=1000 --label=this --label=other".split(' '));
    let _ = diff.args(kernels.map(|name| folder.join(name))).status();
    for (name, outcome) in kernels.iter().zip(&outcomes) {
        if let Err(reason) = outcome {
            println!("{name} kernel: {reason}");
        }
    }
    u8::from(outcomes.iter().any(Result::is_err)).into()
}

/// Runs SCRIPT in `folder` on this kernel or on the other one. Returns the report.
fn try_kernel(folder: &Path, name: &str) -> Result<String> {
    let (script, report) = (folder.join("script"), folder.join(name));
    let _ = fs::remove_file(&report);
    fs::create_dir_all(folder).map_err(text)?;
    fs::write(&script, SCRIPT).map_err(text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).map_err(text)?;
    let compare = env::var("COMPARE").map_err(|_| "COMPARE is not set: make kernels")?;
    let compare = fs::canonicalize(&compare).map_err(|error| format!("{compare}: {error}"))?;
    let places = [("COMPARE", compare.display()), ("REPORT", report.display())];
    let places = places.map(|(name, path)| format!("{name}={path}"));

    let mut command = Command::new("timeout");
    command.arg("300").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if name == "other" {
        let debian = || tool("linux.uml", "user-mode-linux");
        command.arg(env::var_os("KERNEL").map_or_else(debian, PathBuf::from));
        command.args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw"]);
        command.args(["mem=512M", "con=null", "con0=null,fd:1", "quiet"]);
        command.arg(format!("uml_dir={}/", folder.display()));
        command.arg(format!("init={}", script.display()));
        // The kernel passes parameters that it does not know to init, as its environment.
        command.args(places);
    } else {
        command.arg("env").args(places).arg(script);
    }
    prepare_child(&mut command);
    let status = command.status();
    status.map_err(|error| format!("timeout: {error}"))?;
    fs::read_to_string(report).map_err(|error| format!("no report: {error}"))
}

/// Whether all cells are as expected, and all results of `rules` and `abi`.
fn check(report: &str) -> Result<()> {
    let kernel = report.lines().next().unwrap_or_default();
    let release = kernel.rsplit(' ').next().unwrap_or_default();
    // Before 6.8, a port whose sockets all had the option at their bind was not checked again, even if the
    // option had been cleared since.
    let in_cells = ["0 contradict", "1 contradicts"][usize::from(is_before_6_8(release))];
    for expected in [
        &format!(" cells; {in_cells} the rule.\n"),
        " rows; 0 contradict the rule.\n",
        " unexpected results: 0\n",
        "\nexit status 0\n",
    ] {
        if !report.contains(expected) {
            return Err(format!("{:?} is not in the report", expected.trim()));
        }
    }
    Ok(())
}
