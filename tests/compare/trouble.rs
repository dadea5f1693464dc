//! T1 to T4: the trouble.

use super::figure::{Figure, seen, yes};
use crate::support::*;
use libc::SIGKILL;

pub fn t1(build: &Build) -> Result<String> {
    let mut figure = Figure::new(build, false)?;
    figure.client.echo("in mid-")?;
    figure.server.terminate(SIGKILL)?;
    figure.client.echo("conversation").map(seen)
}

pub fn t1_reversed(build: &Build) -> Result<String> {
    let mut figure = Figure::new(build, false)?;
    let mut second = Client::connect(figure.server.address)?;
    second.echo("second client")?;
    send_signal(figure.child, SIGKILL)?;
    figure.client.receive_all()?;
    wait_for_reaping(figure.child)?;
    second.echo("second client")?;
    Client::connect(figure.server.address)?
        .echo("third client")
        .map(seen)
}

pub fn t2(build: &Build) -> Result<String> {
    let mut figure = Figure::new(build, false)?;
    figure.server.terminate(SIGKILL)?;
    let connection = Client::connect(figure.server.address);
    let reason = connection.map_or_else(|reason| reason, |_| "a connection".into());
    let wrong = format!("expected ECONNREFUSED, seen {reason}");
    yes(reason.contains(": Connection refused"), &wrong)
}

/// Restarts a server without the option until bind no longer fails with EADDRINUSE, or `limit` is over.
fn retried(build: &Build, address: SocketAddrV4, limit: Duration) -> Result<String> {
    let end = Instant::now() + limit;
    loop {
        let result = build.serve_on(address, false)?.bind_result()?;
        if result != "EADDRINUSE" || Instant::now() > end {
            return Ok(result);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

pub fn t3_retried(build: &Build) -> Result<String> {
    let mut figure = Figure::new(build, false)?;
    figure.server.terminate(SIGKILL)?;
    let result = retried(build, figure.server.address, Duration::from_secs(1))?;
    figure.client.echo("still served").map(|()| result)
}

/// The last close of the connection, after the parent has been killed.
#[derive(Clone, Copy, PartialEq)]
pub enum Last {
    /// None: the child is killed, which is an active close, and the client keeps its end open.
    Nobody,
    /// The client's, after the child has been killed.
    Client,
    /// The child's, after the client's: a passive close.
    Child,
}

/// The killed server, the client if it keeps its end open, and the state of the server's end in the kernel's list.
pub type Ended = (Server, Option<Client>, &'static str);

/// Kills a server, with SO_REUSEADDR if `option`, and ends its connection as `last` names it.
pub fn ended(build: &Build, option: bool, last: Last) -> Result<Ended> {
    let mut figure = Figure::new(build, option)?;
    let (local, peer) = (figure.server.address, figure.client.address);
    let state_after = |passing: &[&str]| {
        wait_for("end of the connection", || {
            let state = find_socket(local, peer).map_or("gone", |socket| socket.state);
            (!passing.contains(&state)).then_some(state)
        })
    };

    figure.server.terminate(SIGKILL)?;
    let state = if last == Last::Child {
        figure.client.half_close()?;
        state_after(&["ESTABLISHED", "CLOSE_WAIT", "LAST_ACK"])?
    } else {
        send_signal(figure.child, SIGKILL)?;
        figure.client.receive_all()?;
        state_after(&["ESTABLISHED", "FIN_WAIT1"])?
    };
    if last != Last::Client {
        return Ok((figure.server, Some(figure.client), state));
    }
    drop(figure.client);
    Ok((figure.server, None, state_after(&[state])?))
}

pub fn t4_state(build: &Build, last: Last) -> Result<String> {
    let (_server, _client, state) = ended(build, false, last)?;
    Ok(state.into())
}

pub fn t4_restart(build: &Build, last: Last) -> Result<String> {
    let (server, _client, _) = ended(build, false, last)?;
    build.serve_on(server.address, false)?.bind_result()
}

pub fn t4_over(build: &Build) -> Result<String> {
    let (server, _, _) = ended(build, false, Last::Client)?;
    let closed = Instant::now();
    let result = retried(build, server.address, Duration::from_secs(90))?;
    let seconds = closed.elapsed().as_secs_f64();
    Ok(format!("{result}\n{seconds:.1} s after the client closed"))
}
