//! One cell of the tables: what bind(2) and listen(2) return, and the prediction.
//! C counterpart: `c-reference/rules/trial.c`.

use crate::conflict::TcpSocket;
use crate::output::error_name;
use crate::rules::holder::{Moment, Scenario, make_holder};
use crate::rules::ports::{Ports, count_result, take_port};
use crate::rules::steps::*;
use errno::Errno;

/// Attempts before a contradiction counts. If the network is not private, other processes can bind
/// to the port during an attempt.
const ATTEMPTS: usize = 3;

/// The outcomes of bind(2) and listen(2). `listen` has no errors if bind(2) fails.
pub struct Cell {
    pub bind: Outcome,
    pub listen: Outcome,
}

/// Returns whether both outcomes are as predicted.
fn is_right(cell: &Cell) -> bool {
    agrees(&cell.bind) && agrees(&cell.listen)
}

/// Counts the cell. Returns whether both outcomes are as predicted.
pub fn count_cell(ports: &mut Ports, cell: &Cell) -> bool {
    count_result(ports, is_right(cell))
}

/// Returns the name of an error, or OK.
pub fn result_name(error: Option<Errno>) -> &'static str {
    error.map_or("OK", error_name)
}

/// Binds a new socket to the port, and calls listen(2) if bind(2) succeeds.
fn try_bind(ports: &mut Ports, new: &TcpSocket) -> Cell {
    let index = ports.sockets.len();
    let bind = bind_step(ports, new);
    let mut listen = Outcome::default();
    if bind.seen.is_none() && bind.predicted.is_none() {
        listen = listen_step(ports, index);
    }
    Cell { bind, listen }
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
        make_holder(ports, scenario, change, existing);
        let cell = try_bind(ports, new);
        release_port(ports);
        if is_right(&cell) || attempts == ATTEMPTS {
            return cell;
        }
        attempts += 1;
    }
}

/// Binds sockets to one port. Returns the outcomes of the last one.
pub fn try_last(ports: &mut Ports, plans: &[TcpSocket]) -> Cell {
    let (new, existing) = plans.split_last().expect("plans");

    take_port(ports);
    for plan in existing {
        bind_step(ports, plan);
    }
    let cell = try_bind(ports, new);
    release_port(ports);
    cell
}

/// Binds two sockets to one port. Returns the outcome of listen(2) on the second: while the first
/// listens, and after the first is closed.
pub fn try_two_listeners(ports: &mut Ports, plan: &TcpSocket) -> [Cell; 2] {
    let bind = Outcome::default();

    take_port(ports);
    bind_step(ports, plan);
    bind_step(ports, plan);
    listen_step(ports, 0);
    let listen = listen_step(ports, 1);
    let while_listening = Cell { bind, listen };

    // After listen(2) has failed, the socket is still bound, and listen(2) can be tried again.
    close_step(ports, 0);
    let listen = listen_step(ports, 0);
    let after_close = Cell { bind, listen };
    release_port(ports);
    [while_listening, after_close]
}
