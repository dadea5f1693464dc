//! Random sequences of calls on one port.
//!
//! A sequence creates up to five sockets. The result of each call is compared with what the rule
//! predicts from the sockets on the port and, through the bucket, from earlier ones. A sequence
//! ends at the first contradiction.
//! C counterpart: `c-reference/rules/sequences.c`.

use crate::conflict::TcpSocket;
use crate::conflict::TcpState::*;
use crate::output::{exit_with_error, hold_output, write_held};
use crate::rules::ports::*;
use crate::rules::steps::*;
use crate::rules::target::*;
use crate::rules::trial::result_name;
use crate::sock::own_uid;
use libc::{AF_INET6, SO_REUSEADDR, SO_REUSEPORT};

/// Number of calls that are drawn for a sequence. A draw that is not possible is skipped.
const DRAWS: usize = 16;

/// The calls to draw from. Those that can fail are more frequent.
#[rustfmt::skip]
const CALLS: [&str; 10] = [
    "bind", "bind", "bind", "listen", "listen", "listen", "close", "connect", "accept",
    "setsockopt",
];

/// A sequence of calls on the port taken last.
struct Sequence<'a> {
    ports: &'a mut Ports,
    random: u64,
    number: u64,
    steps: usize,
    created: usize,
}

/// Returns a random number below `limit`.
fn draw(run: &mut Sequence, limit: usize) -> usize {
    // Knuth's MMIX generator. The upper bits are more random.
    let random = run.random.wrapping_mul(6364136223846793005);
    run.random = random.wrapping_add(1442695040888963407);
    (run.random >> 33) as usize % limit
}

fn draw_bool(run: &mut Sequence) -> bool {
    draw(run, 2) == 1
}

/// Prints a row for a call of `socket`.
fn print_row(run: &mut Sequence, socket: &TcpSocket, call: &str, outcome: &Outcome) {
    let is_equal = |target: &&&Target| {
        let one = target.socket;
        let v6only = !one.address.is_unspecified() || one.v6only == socket.v6only;
        one.family == socket.family && one.address == socket.address && v6only
    };
    run.steps += 1;
    count_result(run.ports, agrees(outcome));
    let (number, step) = (run.number, run.steps);
    let name = TARGETS.iter().find(is_equal).expect("a known address").name;
    let [reuseaddr, reuseport] = [socket.reuseaddr, socket.reuseport].map(u8::from);
    let (user, device) = (u8::from(socket.uid != own_uid()), socket.device);
    let [seen, predicted] = [outcome.seen, outcome.predicted].map(result_name);
    out!(
        "{number},{step},{name},{reuseaddr},{reuseport},{user},{device},{call},{seen},{predicted}\n"
    );
}

/// Draws a socket to bind: address, options, user and device.
fn draw_plan(run: &mut Sequence) -> TcpSocket {
    let targets = if run.ports.ipv6 { TARGETS.len() } else { 3 };
    let target = TARGETS[draw(run, targets)];
    let mut plan = with_options(target, draw_bool(run), draw_bool(run));
    if draw_bool(run) {
        plan.uid = run.ports.other_user;
    }
    // Device 2 need not exist: IPv4 and :: do not require it.
    let is_ipv6 = plan.family == AF_INET6 && !plan.address.is_unspecified();
    plan.device = draw(run, if is_ipv6 { 2 } else { 3 }) as u32;
    plan
}

/// Draws a call and, for all but bind(2), a socket. If the call is possible, makes and prints it.
fn take_step(run: &mut Sequence, limit: usize) {
    let call = CALLS[draw(run, CALLS.len())];
    let mut outcome = Outcome::default();

    if run.created == 0 || call == "bind" && run.created < limit {
        let plan = draw_plan(run);
        run.created += 1;
        outcome = bind_step(run.ports, &plan);
        return print_row(run, &plan, "bind", &outcome);
    }
    let count = run.ports.sockets.len();
    if count == 0 {
        return;
    }
    let index = draw(run, count);
    let mut socket = run.ports.sockets[index];
    let sockets = run.ports.sockets.iter();
    let listeners = sockets.filter(|socket| socket.state == Listen).count();
    let (is_bound, is_reachable) = (socket.state == Close, socket.device < 2);
    // If others listen, the kernel may choose one of them for the connection.
    let accepts = socket.state == Listen && listeners == 1 && run.created < limit;
    if call == "listen" && is_bound {
        outcome = listen_step(run.ports, index);
    } else if call == "connect" && is_bound && is_reachable {
        connect_step(run.ports, index);
        socket = run.ports.sockets[index];
    } else if call == "accept" && accepts && is_reachable {
        run.created += 1;
        let peer = reach_step(run.ports, index);
        accept_step(run.ports, index, peer);
        socket = run.ports.sockets[count];
    } else if call == "close" && !socket.orphan {
        close_step(run.ports, index);
    } else if call == "setsockopt" && !socket.orphan {
        let option = [SO_REUSEPORT, SO_REUSEADDR][draw(run, 2)];
        toggle_step(run.ports, index, option);
        socket = run.ports.sockets[index];
    } else {
        return;
    }
    print_row(run, &socket, call, &outcome);
}

/// Runs `count` random sequences, and prints a row for each call.
pub fn print_sequences(ports: &mut Ports, count: u64, seed: u64) {
    let mut run = Sequence {
        ports,
        random: seed,
        number: 0,
        steps: 0,
        created: 0,
    };

    out!("sequence,step,address,reuseaddr,reuseport,user,device,call,result,predicted\n");
    while run.number < count {
        let contradictions = run.ports.contradictions;
        let limit = 2 + draw(&mut run, 4);
        run.number += 1;
        (run.steps, run.created) = (0, 0);
        take_port(run.ports);
        hold_output();
        for _ in 0..DRAWS {
            if run.ports.contradictions == contradictions {
                take_step(&mut run, limit);
            }
        }
        release_port(run.ports);
        if let Err(reason) = write_held() {
            exit_with_error("write", "standard output", reason);
        }
    }
}
