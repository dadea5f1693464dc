//! What the clients of the bench do, and what is read off them.

use crate::support::{Client, DEADLINE, Result};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes a client sends, and has back.
const BYTES: usize = 64;

/// What a load of short conversations saw.
pub struct Load {
    /// Conversations a second.
    pub rate: f64,
    /// Milliseconds that half of them, and 99% of them, took at most.
    pub p50: f64,
    pub p99: f64,
}

/// `at_once` clients, each with one conversation after the other, for `time`.
pub fn load(server: SocketAddrV4, at_once: usize, time: Duration) -> Result<Load> {
    let start = Instant::now();
    let client = || -> io::Result<Vec<Duration>> {
        let mut took = Vec::new();
        while start.elapsed() < time {
            let begin = Instant::now();
            converse(server)?;
            took.push(begin.elapsed());
        }
        Ok(took)
    };
    let results: io::Result<Vec<Vec<Duration>>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..at_once).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    let mut took = results
        .map_err(|error| format!("{server}: {error}"))?
        .concat();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Ok(Load {
        rate: took.len() as f64 / seconds,
        p50: at(0.5),
        p99: at(0.99),
    })
}

/// Connect, a few bytes there and back, end of file both ways, close.
fn converse(server: SocketAddrV4) -> io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    let mut back = [0; BYTES];
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(&[b'x'; BYTES])?;
    stream.read_exact(&mut back)?;
    stream.shutdown(Shutdown::Write)?;
    // read_exact goes on after EINTR.
    match stream.read_exact(&mut back[..1]) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(io::Error::other("more comes back than was sent")),
    }
}

/// `count` clients that have had something back, and say nothing more.
pub fn idle_clients(server: SocketAddrV4, count: usize) -> Result<Vec<Client>> {
    let client = |_| {
        let mut client = Client::connect(server).map_err(|error| error.to_string())?;
        client.echo("hello").map(|()| client)
    };
    (0..count).map(client).collect()
}

/// Megabytes a second, there and back through one connection, of `bytes`.
pub fn throughput(server: SocketAddrV4, bytes: usize) -> Result<f64> {
    let mut client = Client::connect(server).map_err(|error| error.to_string())?;
    client.echo("hello")?;
    let chunk = vec![b'x'; 1 << 16];
    let start = Instant::now();
    let send = || -> io::Result<()> {
        let mut to = &client.stream;
        (0..bytes / chunk.len()).try_for_each(|_| to.write_all(&chunk))
    };
    let receive = || -> io::Result<()> {
        let mut from = &client.stream;
        let mut buffer = vec![0; chunk.len()];
        (0..bytes / chunk.len()).try_for_each(|_| from.read_exact(&mut buffer))
    };
    thread::scope(|scope| {
        let sender = scope.spawn(send);
        receive().and(sender.join().unwrap())
    })
    .map_err(|error| format!("{server}: {error}"))?;
    Ok(bytes as f64 / 1e6 / start.elapsed().as_secs_f64())
}
