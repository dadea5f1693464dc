//! What a client can do to the server.

use crate::support::*;
use std::process;

#[test]
fn what_a_client_sends_is_echoed_to_it_and_printed_nowhere() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let mut client = Client::connect(server.address)?;
        let child = server.child(&client)?;
        let forged = [
            format!("server {}: child 1 serves 192.0.2.1:1\n", server.pid),
            format!("child {child}: {} closed after 1 bytes\n", client.address),
            "reuseaddr: %s%s%n%99999999d\n\x1b[2J\x07\r\0\u{85}".into(),
        ];
        forged.iter().try_for_each(|text| client.echo(text))?;
        client.half_close()?;
        let bytes: usize = forged.iter().map(String::len).sum();
        let address = client.address;
        let closed = format!("child {child}: {address} closed after {bytes} bytes");
        server.line(&closed, |line| line == closed)?;
        // The line about the child process and this one. A third line would be the client's.
        assert_eq!(server.line_count(), 2, "{}", build.name);
        assert_eq!(server.finish(), [""; 0], "{}", build.name);
    }
    Ok(())
}

#[test]
fn without_a_usable_stdout_the_server_serves_and_prints_nothing_to_its_clients() -> Result<()> {
    let (_reader, pipe, _) = full_pipe();
    let [_master, terminal] = stopped_terminal();
    let path = |file: &File| format!("/proc/{}/fd/{}", process::id(), file.as_raw_fd());
    let full = format!(">{} 2>&1", path(&pipe));
    let stopped = format!(">{} 2>&1", path(&terminal));
    for build in builds() {
        for redirection in [">/dev/full", ">&-", "<&- >&- 2>&-", &full, &stopped] {
            let address = fresh_address();
            let script = format!("exec \"$0\" \"$@\" {redirection}");
            let shell = ["sh".into(), "-c".into(), script];
            let command = command_under(&shell, build, &serve_args(address, true));
            let server = Program::start(command)?;
            let mut client = wait_for("server", || Client::connect(address).ok())?;
            client.echo("hello")?;
            for fd in 0..=2 {
                let link = format!("/proc/{}/fd/{fd}", server.process.id());
                let file = fs::read_link(&link).map_err(text)?;
                let file = file.to_string_lossy();
                assert!(!file.starts_with("socket:"), "{link} is {file}");
            }
            assert_eq!(client.half_close()?, b"", "{} {redirection}", build.name);
        }
    }
    Ok(())
}

#[test]
fn a_child_has_only_its_connection_and_the_server_only_its_listening_socket() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let client = Client::served(server.address)?;
            let child = server.child(&client)?;
            let sockets = sockets_of(child);
            let peers: Vec<_> = sockets.iter().map(|socket| socket.peer).collect();
            assert_eq!(peers, [client.address], "{}", build.name);
            assert_eq!(descriptors(child), 4, "{}", build.name);
            clients.push(client);
        }
        wait_until("server without connections", || {
            descriptors(server.pid) == 4
        })?;
    }
    Ok(())
}
