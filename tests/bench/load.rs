//! The clients of the bench.

use crate::support::{Result, deadline};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that a client sends and gets back.
const BYTES: usize = 64;

/// Conversations a second, of `clients` at once, each with one after the other, for `time`.
pub fn load(server: SocketAddrV4, clients: usize, time: Duration) -> Result<f64> {
    let start = Instant::now();
    let client = || -> io::Result<usize> {
        let mut count = 0;
        while start.elapsed() < time {
            converse(server)?;
            count += 1;
        }
        Ok(count)
    };
    let count: io::Result<usize> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let counts = clients.into_iter().map(|client| client.join().unwrap());
        counts.sum()
    });
    let count = count.map_err(|error| format!("{server}: {error}"))?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Connects, echoes a few bytes, shuts down, reads end of file and closes.
pub fn converse(server: SocketAddrV4) -> io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    let mut back = [0; BYTES];
    stream.set_read_timeout(Some(deadline()))?;
    stream.write_all(&[b'x'; BYTES])?;
    stream.read_exact(&mut back)?;
    stream.shutdown(Shutdown::Write)?;
    match stream.read_to_end(&mut Vec::new())? {
        0 => Ok(()),
        _ => Err(io::Error::other("more comes back than was sent")),
    }
}
