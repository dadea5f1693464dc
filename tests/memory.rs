//! Both builds under valgrind's memcheck, which finds no errors and no leaks.

use crate::support::*;

/// The arguments that `abi` passes wrong on purpose, in functions whose names begin with check_.
const WRONG: &str = "setsockopt(optval) getsockopt(optval) getsockopt(optlen) bind(my_addr.sa_family) \
    connect(serv_addr.sa_family) accept(addr) getsockname(name) getsockname(namelen_in)";

/// Passes to `run` a command that runs `build` with `args` under valgrind, which must find nothing.
fn without_findings<T>(build: &Build, args: &[String], run: impl FnOnce(Command) -> T) -> T {
    let folder = Folder::new();
    let [log, suppressions] = ["log", "suppressions"].map(|name| folder.path.join(name));
    let suppression =
        |call| format!("{{\n{call}\nMemcheck:Param\nsocketcall.{call}\n...\nfun:*check_*\n}}\n");
    let text: String = WRONG.split(' ').map(suppression).collect();
    fs::write(&suppressions, text).unwrap();
    let mut command = Command::new(tool("valgrind", "valgrind"));
    // --vgdb=no: no files in /tmp, where another user may have files of the same names.
    let options = "--quiet --vgdb=no --error-exitcode=9 --leak-check=full";
    command.args(options.split(' '));
    command.arg(format!("--log-file={}", log.display()));
    command.arg(format!("--suppressions={}", suppressions.display()));
    command.arg(&build.path).args(args);
    let result = run(command);
    // On lines that begin with --, valgrind 3.19 reports that it does not know pidfd_open(2).
    let log = fs::read_to_string(log).unwrap();
    let findings: Vec<&str> = log.lines().filter(|line| line.starts_with("==")).collect();
    assert_eq!(findings, [""; 0], "{} {args:?}", build.name);
    result
}

#[test]
fn a_command_that_exits_makes_no_memory_errors_and_leaks_nothing() {
    let held = TcpListener::bind(("127.0.0.1", fresh_port())).unwrap();
    let held = held.local_addr().unwrap();
    for build in builds() {
        for (args, status) in [("rules", 0), ("abi", 0), (&*format!("explain {held}"), 1)] {
            let args: Vec<String> = args.split(' ').map(String::from).collect();
            let run = |mut command: Command| command.output().unwrap().status.code();
            assert_eq!(
                without_findings(build, &args, run),
                Some(status),
                "{args:?}"
            );
        }
    }
}

#[test]
fn a_server_and_its_children_make_no_memory_errors() -> Result<()> {
    builds().iter().try_for_each(|build| {
        without_findings(build, &serve_args(fresh_address(), true), |command| {
            let mut server = launch(command)?.server()?;
            let mut closing = Client::connect(server.address)?;
            closing.echo(&"hello ".repeat(10_000))?;
            let resetting = Client::served(server.address)?;
            let children = [server.child(&closing)?, server.child(&resetting)?];
            closing.half_close()?;
            resetting.reset()?;
            server.error_line()?;
            children.into_iter().try_for_each(wait_for_reaping)?;
            server.terminate(libc::SIGTERM)
        })
    })
}
