//! Random sockets on one port: bind(2) must return what `explain` predicts. `SCENES=N` sets their number.

use super::*;
use libc::{IPPROTO_IPV6, IPV6_V6ONLY, SO_BINDTOIFINDEX};
use std::env;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{SystemTime, UNIX_EPOCH};

/// Pseudo-random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }
}

/// Makes `uid` the owner of the sockets that this thread creates. Only root may do so.
fn create_as(uid: u32) {
    // SAFETY: no pointers; any argument value is safe.
    unsafe { libc::setfsuid(uid) };
}

/// A random socket on `address`, or None if it conflicts with the others. Only the first one accepts a connection:
/// another listener could get it.
fn random_socket(random: &mut Random, address: SocketAddr, first: bool) -> Option<Vec<OwnedFd>> {
    let option = random.below(2) == 1;
    let fds = match random.below(8) {
        0 => vec![bind_with(SOL_SOCKET, SO_REUSEPORT, address).ok()?],
        1 => vec![bind_with(SOL_SOCKET, SO_BINDTOIFINDEX, address).ok()?], // 1 is lo
        2 if address.is_ipv6() => vec![bind_with(IPPROTO_IPV6, IPV6_V6ONLY, address).ok()?],
        number => {
            let states = ["BOUND", "LISTEN", "CLIENT", "SYN_SENT", "ESTABLISHED"];
            let states = &states[..4 + usize::from(first)];
            hold(states[number % states.len()], address, option)
                .ok()?
                .fds
        }
    };
    // Options may change afterwards, but not those of the peers.
    if random.below(3) == 0 {
        set_option(&fds[0], SOL_SOCKET, SO_REUSEADDR, random.below(2) as i32).unwrap();
    }
    if random.below(4) == 0 {
        set_option(&fds[0], SOL_SOCKET, SO_REUSEPORT, random.below(2) as i32).unwrap();
    }
    // The kernel does not look for the device of these sockets.
    let any_device = address.is_ipv4() || address.ip().is_unspecified();
    if any_device && random.below(4) == 0 {
        let device = [0, 1, 1 << 20][random.below(3)];
        let _ = set_option(&fds[0], SOL_SOCKET, SO_BINDTOIFINDEX, device); // only root may change it
    }
    if random.below(4) == 0 {
        let _ = listen(&fds[0], 1);
    }
    Some(fds)
}

#[test]
fn bind_returns_what_is_predicted_in_random_scenes() {
    let _alone = alone();
    let addresses = "127.0.0.1 127.0.0.2 0.0.0.0 ::1 :: ::ffff:127.0.0.1";
    let count = if has_ipv6() { 6 } else { 3 };
    let addresses = addresses.split(' ').map(|text| text.parse().unwrap());
    let addresses: Vec<IpAddr> = addresses.take(count).collect();
    let scenes = env::var("SCENES").map_or(200, |number| number.parse().unwrap());
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    let mut random = Random(seed | 1);
    if is_before(6, 8) {
        return; // bound sockets are not listed
    }
    let users = [own_uid(), if is_root() { 65534 } else { own_uid() }];
    eprintln!("{scenes} scenes with the users {users:?}");
    for scene in 0..scenes {
        let port = fresh_port();
        let mut held = Vec::new();
        for _ in 0..=random.below(4) {
            let address = (addresses[random.below(addresses.len())], port).into();
            create_as(users[random.below(2)]);
            held.extend(random_socket(&mut random, address, held.is_empty()));
        }
        create_as(users[0]);
        let target = SocketAddr::from((addresses[random.below(addresses.len())], port));
        let report = explain_under(&[], &builds()[scene % 2], target);
        let answer = report.text.lines().next().unwrap();
        let [without, with] = [false, true].map(|option| bind_socket(target, option).is_ok());
        let expected = match (without, with) {
            (true, true) => answer.ends_with(" is free."),
            (false, true) => answer.ends_with(FOR_SETTERS),
            _ => answer.contains(" is in use. ") && report.status == 1,
        };
        // The options of unaccepted connections cannot be read.
        let probable = report.status == 3 && report.text.contains(" unknown");
        let shown = format!("seed {seed}, {target}: {without} {with}\n{}", report.text);
        assert!(expected || probable, "{shown}");
        if answer.ends_with(" that also sets SO_REUSEPORT can.") {
            create_as(users[usize::from(is_root() && answer.contains("run by nobody"))]);
            assert!(bind_with_both(target).is_ok(), "{shown}");
        }
    }
}
