//! The page's story, told by explain: server, client, kill.

use super::*;
use libc::SIGKILL;
use std::net::SocketAddrV4;

const ALIVE: &str = "\
1 LISTEN 127.0.0.1:PORT - 0 0 UID; held by pid SERVER (reuseaddr), fd 3, uid UID
2 ESTABLISHED 127.0.0.1:PORT 127.0.0.1:PEER 0 0 UID; held by pid CHILD (reuseaddr), fd 4, uid UID
SERVER reuseaddr
 |   1: 127.0.0.1:PORT, listening
 +-- CHILD reuseaddr
          2: 127.0.0.1:PORT <--> 127.0.0.1:PEER (TEST test)
bind 127.0.0.1:PORT without SO_REUSEADDR: EADDRINUSE, as predicted; #1: is listening (C1); \
#2: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 127.0.0.1:PORT with SO_REUSEADDR: EADDRINUSE, as predicted; #1: is listening (C1); #2: lacks SO_REUSEADDR (C2)
What helps: #1: stop process SERVER; #2: let the peer close, then stop process CHILD (else wait up to 120 s); \
next time: set SO_REUSEADDR before bind in every program that uses the port
exit status 1
";
const KILLED: &str = "\
1 FIN_WAIT2 127.0.0.1:PORT 127.0.0.1:PEER ? ? -; no process, N s left
no process; 1: 127.0.0.1:PORT <--> 127.0.0.1:PEER (TEST test), FIN_WAIT2
bind 127.0.0.1:PORT without SO_REUSEADDR: EADDRINUSE, as predicted; \
#1: conflicts because the new socket lacks SO_REUSEADDR (C2)
bind 127.0.0.1:PORT with SO_REUSEADDR: EADDRINUSE, not predictable, as an option cannot be read; \
#1: lacks SO_REUSEADDR, as the result shows (C2)
What helps: #1: wait N s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT); \
next time: set SO_REUSEADDR before bind in every program that uses the port
exit status 1
";

#[test]
fn a_server_without_the_option_is_killed_and_then_its_child() -> Result<()> {
    let _alone = alone();
    for build in builds() {
        let there = SocketAddrV4::new([127, 0, 0, 1].into(), fresh_port());
        let mut server = build.serve_on(there, false)?.server()?;
        let mut client = Client::of(&server)?;
        let child = server.child(&client)?;
        client.echo("hello")?;
        let names = Names::of(there.port()).process(server.pid, "reuseaddr", "SERVER");
        let names = names.process(child, "reuseaddr", "CHILD");
        explain(there).is(&names, ALIVE);

        server.terminate(SIGKILL)?;
        send_signal(child, SIGKILL)?;
        client.receive_all()?;
        wait_for("FIN_WAIT2", || {
            let fin_wait2 = |socket: &Socket| socket.local == there && socket.state == "FIN_WAIT2";
            sockets().iter().any(fin_wait2).then_some(())
        })?;
        explain(there).is(&names, KILLED);
    }
    Ok(())
}
