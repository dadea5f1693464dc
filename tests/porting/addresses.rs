//! Pairs that look up, read and print addresses.

use crate::pairs::*;
use crate::support::*;
use std::net::{Ipv4Addr, SocketAddrV4};

#[test]
fn listen_prints_the_address_of_each_client() {
    let port = fresh_port();
    let outcome = run_pair("listen", &[&port.to_string()], |run| {
        run.prints(&format!("listening on port {port}"))?;
        for name in ["FIRST", "SECOND"] {
            let mut client =
                Client::connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).map_err(text)?;
            client.receive_all()?;
            run.prints(&format!("client {}", client.address))?;
            run.name(client.address.port(), name);
        }
        run.stop()
    });
    outcome
        .prints(&format!("listening on port {port}\nclient 127.0.0.1:FIRST\nclient 127.0.0.1:SECOND\n"), "", "signal: 15 (SIGTERM)")
        .calls(&[
            "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3",
            "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
            &format!("bind(3, {{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"0.0.0.0\")}}, 16) = 0"),
            "listen(3, 4096) = 0",
            "accept(3, {sa_family=AF_INET, sin_port=htons(FIRST), sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16]) = 4",
            "close(4) = 0",
        ]);
}
