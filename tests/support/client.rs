//! Clients. All their calls have a deadline.

use super::*;

/// A connection to a server. Reads and writes have a deadline.
pub struct Client {
    pub stream: TcpStream,
    /// The client's own address.
    pub address: SocketAddrV4,
}

impl Client {
    pub fn connect(server: SocketAddrV4) -> Result<Client> {
        let connect = || {
            let stream = TcpStream::connect_timeout(&server.into(), deadline())?;
            stream.set_read_timeout(Some(deadline()))?;
            stream.set_write_timeout(Some(deadline()))?;
            let SocketAddr::V4(address) = stream.local_addr()? else {
                unreachable!("the server's address is IPv4");
            };
            Ok(Client { stream, address })
        };
        connect().map_err(|error: io::Error| format!("connect to {server}: {error}"))
    }

    /// Connects to `server`, and waits until it has echoed a text.
    pub fn served(server: SocketAddrV4) -> Result<Client> {
        let mut client = Client::connect(server)?;
        client.echo("hello").map(|()| client)
    }

    /// Sends `text`, and waits until it comes back.
    pub fn echo(&mut self, text: &str) -> Result<()> {
        let mut back = vec![0; text.len()];
        let sent = self.stream.write_all(text.as_bytes());
        let received = sent.and_then(|()| self.stream.read_exact(&mut back));
        received.map_err(|error| format!("{text:?} does not come back: {}", reason(&error)))?;
        let back = String::from_utf8_lossy(&back);
        (back == text)
            .then_some(())
            .ok_or_else(|| format!("{text:?} comes back as {back:?}"))
    }

    /// Sends `bytes`, shuts down the sending side, and returns what comes until end of file.
    pub fn exchange(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut sender = self.stream.try_clone().map_err(text)?;
        thread::scope(|scope| {
            scope.spawn(move || {
                let _ = sender.write_all(bytes);
                sender.shutdown(Shutdown::Write)
            });
            self.receive_all()
        })
    }

    /// Shuts down the sending side, and returns what comes until end of file.
    pub fn half_close(&mut self) -> Result<Vec<u8>> {
        self.exchange(b"")
    }

    /// Returns what comes until end of file.
    pub fn receive_all(&mut self) -> Result<Vec<u8>> {
        let mut rest = Vec::new();
        let end = self.stream.read_to_end(&mut rest);
        end.map_err(|error| format!("no end of file: {}", reason(&error)))?;
        Ok(rest)
    }

    /// Closes the connection by a reset (SO_LINGER with a timeout of 0).
    pub fn reset(self) -> Result<()> {
        let (l_onoff, l_linger) = (1, 0);
        let linger = libc::linger { l_onoff, l_linger };
        set_option(&self.stream, libc::SOL_SOCKET, libc::SO_LINGER, linger).map_err(text)
    }
}

/// The error as a message. A read that reaches its deadline fails with EAGAIN, whose text does not mention it.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock => format!("nothing within {:?}", deadline()),
        io::ErrorKind::UnexpectedEof => "end of file".into(),
        _ => error.to_string(),
    }
}
