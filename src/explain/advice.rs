//! What would make an address free, by what is in its way.
//!
//! Twin: `c-reference/explain/advice.c`.

use crate::address::Endpoint;
use crate::conflict::TcpState;
use crate::explain::prediction::{Prediction, Verdict, fails, predict_bind};
use crate::explain::print_sockets::{add_number, print_numbers};
use crate::explain::snapshot::{Listed, Scene, owners_of};
use crate::output::out;
use errno::Errno;
use libc::{EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL};
use std::fs;

/// What helps against a socket.
#[derive(Clone, Copy, PartialEq)]
enum Remedy {
    End,
    EndOrSet,
    PeerFirst,
    EndAndWait,
    Wait,
    WaitForPeer,
    Lingers,
    GiveUp,
    Listener,
}

/// What is said before and after; and whether the processes are named in between.
#[rustfmt::skip]
const REMEDIES: [(Remedy, &str, bool, &str); 9] = [
    (Remedy::End, "end ", true, ""),
    (Remedy::EndOrSet, "end ", true, ", or have it set the option"),
    (Remedy::PeerFirst, "let its peer close, then end ", true, "; if it ends first, wait 60 s"),
    (Remedy::EndAndWait, "end ", true, ", then wait until 60 s after its peer closes"),
    (Remedy::Wait, "wait ", false, ""),
    (Remedy::WaitForPeer, "wait ", false, ", or until 60 s after its peer closes"),
    (Remedy::Lingers, "wait until 60 s after its peer closes, or the kernel gives up", false, ""),
    (Remedy::GiveUp, "wait until its peer answers, or the kernel gives up", false, ""),
    (Remedy::Listener, "ends with its listener", false, ""),
];

/// Prints what would make `endpoint` free for a server that sets SO_REUSEADDR.
pub fn print_help(scene: &Scene, endpoint: &Endpoint, without: &Verdict, with: &Verdict) {
    if without.answer.is_ok() && with.answer.is_ok() {
        return;
    }
    out!("\nWhat helps:\n");

    // 1. Where the sockets do not matter.
    match with.answer {
        Err(Errno(EACCES)) => {
            out!("    bind as root, or with CAP_NET_BIND_SERVICE\n");
        }
        Err(Errno(EADDRNOTAVAIL)) => {
            out!("    bind an address of this machine; ip address lists them\n");
        }
        Err(Errno(EINVAL)) => {
            out!(
                "    bind another address: no multicast, no link-local one without its interface\n"
            );
        }
        _ => {}
    }
    if !fails(with) {
        if fails(without) {
            out!("    set SO_REUSEADDR before bind\n");
        }
        return;
    }

    // 2. Where they do.
    let mut found = false;
    for remedy in &REMEDIES {
        found |= print_remedy(scene, endpoint, remedy);
    }
    if !found && with.answer == Err(Errno(EADDRINUSE)) {
        out!("    end who has it: as root, ss -tanp may show more\n");
    }

    // 3. And the next time.
    let blocks = |socket: &&Listed| predict_bind(socket, endpoint, true) != Prediction::Ok;
    let blocking = scene.sockets.iter().filter(blocks);
    let mut off = blocking
        .filter(|socket| {
            socket.state != TcpState::Listen && find_remedy(socket) != Remedy::Listener
        })
        .peekable();
    if off.peek().is_some() {
        out!("    next time: set SO_REUSEADDR in their program too, before it connects or binds\n");
    }
    let connected = off.any(|socket| socket.state != TcpState::Close);
    let range = read_range().filter(|(low, high)| (*low..=*high).contains(&endpoint.port));
    if let Some((low, high)) = range.filter(|_| connected) {
        out!("    or choose a port that clients are not given: they are, from {low} to {high}\n");
    }
}

/// Prints the sockets that it helps against. Returns whether a bind with the option meets any.
fn print_remedy(scene: &Scene, endpoint: &Endpoint, remedy: &(Remedy, &str, bool, &str)) -> bool {
    let (remedy, before, processes, after) = *remedy;
    let mut numbers = Vec::new();
    let mut pids = Vec::new();
    let mut seconds = None;

    for (index, socket) in scene.sockets.iter().enumerate() {
        if find_remedy(socket) != remedy || predict_bind(socket, endpoint, true) == Prediction::Ok {
            continue;
        }
        add_number(&mut numbers, index + 1);
        seconds = seconds.max(socket.seconds);
        for owner in owners_of(scene, socket) {
            add_number(&mut pids, scene.processes[owner.process].pid as usize);
        }
    }
    if numbers.is_empty() {
        return false;
    }

    out!("    ");
    print_numbers(&numbers);
    out!(": {before}");
    if processes {
        out!(
            "{}",
            match pids.len() {
                0 => "its process",
                1 => "process ",
                _ => "processes ",
            }
        );
        print_numbers(&pids);
    } else if let Some(seconds) = seconds {
        out!("{seconds} s");
    }
    out!("{after}\n");
    true
}

fn find_remedy(socket: &Listed) -> Remedy {
    let held = socket.inode != 0;

    // 4. Who closes last leaves nothing behind; who closes first is TIME_WAIT for a minute.
    match socket.state {
        TcpState::Listen | TcpState::SynSent => Remedy::End,
        TcpState::Close => Remedy::EndOrSet,
        TcpState::CloseWait if held => Remedy::End,
        TcpState::Established if held => Remedy::PeerFirst,
        TcpState::CloseWait | TcpState::Established => Remedy::Listener,
        TcpState::TimeWait => Remedy::Wait,
        TcpState::LastAck => Remedy::GiveUp,
        _ if socket.seconds.is_some() => Remedy::WaitForPeer,
        _ if held => Remedy::EndAndWait,
        _ => Remedy::Lingers,
    }
}

/// The ports that the kernel gives to clients, if it tells.
fn read_range() -> Option<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut words = text.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
