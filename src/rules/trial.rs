//! One cell of the tables: what bind(2) and listen(2) return, and the prediction.
//! C counterpart: `c-reference/rules/trial.c`.

use crate::conflict::{TcpSocket, TcpState, conflicts};
use crate::output::exit_with_error;
use crate::rules::holder::{Moment, Scenario, make_holder, release_holder};
use crate::rules::ports::{Ports, take_port};
use crate::rules::target::{bind_planned, open_planned};
use crate::sock::{close_fd, listen_on};
use errno::{Errno, errno};
use libc::{EADDRINUSE, c_int};

/// Attempts before a contradiction counts. If the network is not private, other processes can bind
/// to the port during an attempt.
const ATTEMPTS: usize = 3;

/// The errors of bind(2) and listen(2), if they fail. `listen` is None if bind(2) failed.
#[derive(Clone, Copy, PartialEq)]
pub struct Outcome {
    pub bind: Option<Errno>,
    pub listen: Option<Errno>,
}

/// What the rule predicts, and what the kernel did.
pub struct Cell {
    pub predicted: Outcome,
    pub seen: Outcome,
}

/// Returns whether the kernel did what the rule predicts.
pub fn agrees(cell: &Cell) -> bool {
    cell.seen == cell.predicted
}

/// Returns the error of listen(2), if it fails.
fn try_listen(s: c_int) -> Option<Errno> {
    // SAFETY: no pointers; any argument value is safe.
    (unsafe { libc::listen(s, 1) } == -1).then(errno)
}

/// Makes a holder that `existing` describes, and tries a new socket on its port.
pub fn try_new_socket(
    ports: &mut Ports,
    scenario: Scenario,
    change: Moment,
    existing: &TcpSocket,
    new: &TcpSocket,
) -> Cell {
    let mut attempts = 1;
    loop {
        let holder = make_holder(ports, scenario, change, existing);
        let socket = holder.socket.as_ref();
        let conflict = socket.is_some_and(|socket| conflicts(socket, new));
        let predicted = Outcome {
            bind: conflict.then_some(Errno(EADDRINUSE)),
            listen: None,
        };

        let s = open_planned(new);
        let bind = bind_planned(s, new, ports.port).err();
        let listen = if bind.is_none() { try_listen(s) } else { None };
        close_fd(s);
        release_holder(&holder);
        let seen = Outcome { bind, listen };
        let cell = Cell { predicted, seen };
        if agrees(&cell) || attempts == ATTEMPTS {
            return cell;
        }
        attempts += 1;
    }
}

/// Binds two sockets to one port. Returns the result of listen(2) on the second: while the first
/// listens, and after the first is closed.
pub fn try_two_listeners(ports: &mut Ports, plan: &TcpSocket) -> [Cell; 2] {
    let first = take_port(ports, plan);
    let second = open_planned(plan);
    if let Err(reason) = bind_planned(second, plan, ports.port) {
        exit_with_error("bind", "TCP socket", reason);
    }
    listen_on(first);
    let existing = TcpSocket {
        state: TcpState::Listen,
        ..*plan
    };
    let outcome = |listen| Outcome { bind: None, listen };

    let conflict = conflicts(&existing, plan);
    let while_listening = Cell {
        predicted: outcome(conflict.then_some(Errno(EADDRINUSE))),
        seen: outcome(try_listen(second)),
    };

    // After listen(2) has failed, the socket is still bound, and listen(2) can be tried again.
    close_fd(first);
    let after_close = Cell {
        predicted: outcome(None),
        seen: outcome(try_listen(second)),
    };
    close_fd(second);
    [while_listening, after_close]
}
