//! One cell of the tables: what bind(2) and listen(2) answer, beside what the rule says.
//!
//! Twin: `c-reference/rules/trial.c`.

use crate::conflict::{TcpSocket, TcpState, conflicts};
use crate::output::exit_with_error;
use crate::rules::holder::{Holder, Scenario, hold, release};
use crate::rules::ports::take_port;
use crate::rules::target::{
    Target, connect_client, describe, describe_new, open_target, with_port,
};
use crate::sock::{accept_on, bind_socket, close_fd, listen_on, set_option};
use errno::{Errno, errno};
use libc::{EADDRINUSE, SO_REUSEADDR, SOL_SOCKET, c_int};

/// How often a state is tried, each time on another port, before it is believed that the kernel
/// contradicts the rule: on a network that we share, somebody may have come in between.
const TRIES: usize = 3;

/// What bind(2) answers, and listen(2) if it is tried.
#[derive(Clone, Copy, PartialEq)]
pub struct Outcome {
    pub bind: Result<(), Errno>,
    pub listen: Option<Result<(), Errno>>,
}

/// One trial: what the kernel answered, and what the rule says.
#[derive(Clone, Copy)]
pub struct Cell {
    pub seen: Outcome,
    pub predicted: Outcome,
}

/// When, after bind, a holder's SO_REUSEADDR changes.
#[derive(Clone, Copy, PartialEq)]
pub enum After {
    Bind,
    Listen,
    Connect,
    Accept,
}

/// What a table says of a holder, its option before, when it changes, and the option after.
pub type Change = (&'static str, bool, After, bool);

/// A holder in `state` on a place, and a newcomer on a place, each with SO_REUSEADDR and SO_REUSEPORT.
pub fn try_scenario(
    scenario: Scenario,
    (holder_target, holder_reuseaddr, holder_reuseport): (&Target, bool, bool),
    (target, reuseaddr, reuseport): (&Target, bool, bool),
) -> Cell {
    let new = describe_new(target, reuseaddr, reuseport);
    let mut tries = 0;

    loop {
        // 1. A port of its own for each trial: the kernel remembers what was bound to one.
        let holder = hold(scenario, holder_target, holder_reuseaddr, holder_reuseport);
        let predicted = predict(&holder, &new);
        let seen = attempt(target, holder.port, reuseaddr, reuseport);
        release(&holder);
        let cell = Cell { seen, predicted };
        tries += 1;
        if agrees(&cell) || tries == TRIES {
            return cell;
        }
    }
}

/// A holder on `place` whose option changes, and a newcomer with the option.
pub fn try_change(target: &Target, &(_, before, when, after): &Change) -> Cell {
    let new = describe_new(target, true, false);
    let (s, port) = take_port(target, before, false);
    let change = |s| set_option(s, SOL_SOCKET, SO_REUSEADDR, after.into());

    // 2. The holder goes its way from bind to accept, and its option changes on the way.
    let holder = if when == After::Bind {
        change(s);
        let socket = Some(describe(s, TcpState::Close));
        Holder {
            socket,
            port,
            fd: s,
            peer: -1,
        }
    } else {
        listen_on(s);
        if when == After::Listen {
            change(s);
        }
        let peer = connect_client(target, port);
        if when == After::Connect {
            change(s);
        }
        let fd = accept_on(s);
        close_fd(s);
        if when == After::Accept {
            change(fd);
        }
        let socket = Some(describe(fd, TcpState::Established));
        Holder {
            socket,
            port,
            fd,
            peer,
        }
    };

    let cell = Cell {
        predicted: predict(&holder, &new),
        seen: attempt(target, port, true, false),
    };
    release(&holder);
    cell
}

/// Two with the option are bound to `place`, and both listen. The second one's answers: while the
/// first one listens, and once it is closed.
pub fn try_listens(target: &Target) -> [Cell; 2] {
    let (first, port) = take_port(target, true, false);
    let second = open_target(target, true, false);
    let listen = |s: c_int| {
        // SAFETY: numbers go in, a number comes out.
        match unsafe { libc::listen(s, 1) } {
            -1 => Err(errno()),
            _ => Ok(()),
        }
    };
    let answer = |listen| Outcome {
        bind: Ok(()),
        listen: Some(listen),
    };

    // 3. Both bind; then the first listens, and the second may only after it. (C1)
    if let Err(reason) = bind_socket(second, &with_port(target.endpoint, port)) {
        exit_with_error("bind", target.name, reason);
    }
    let new = describe(second, TcpState::Close);
    if let Err(reason) = listen(first) {
        exit_with_error("listen", target.name, reason);
    }
    let present = describe(first, TcpState::Listen);
    let rule = match conflicts(&present, &new) {
        true => answer(Err(Errno(EADDRINUSE))),
        false => answer(Ok(())),
    };
    let while_it_listens = Cell {
        predicted: rule,
        seen: answer(listen(second)),
    };

    // 4. listen(2) that failed has left the second bound: it can be tried again.
    close_fd(first);
    let once_it_is_closed = Cell {
        predicted: answer(Ok(())),
        seen: answer(listen(second)),
    };
    close_fd(second);
    [while_it_listens, once_it_is_closed]
}

fn predict(holder: &Holder, new: &TcpSocket) -> Outcome {
    match holder
        .socket
        .as_ref()
        .is_some_and(|socket| conflicts(socket, new))
    {
        true => Outcome {
            bind: Err(Errno(EADDRINUSE)),
            listen: None,
        },
        false => Outcome {
            bind: Ok(()),
            listen: Some(Ok(())),
        },
    }
}

/// What a newcomer is answered by the kernel.
fn attempt(target: &Target, port: u16, reuseaddr: bool, reuseport: bool) -> Outcome {
    let s = open_target(target, reuseaddr, reuseport);
    let bind = bind_socket(s, &with_port(target.endpoint, port));
    // SAFETY: numbers go in, a number comes out.
    let listen = bind.is_ok().then(|| match unsafe { libc::listen(s, 1) } {
        -1 => Err(errno()),
        _ => Ok(()),
    });
    close_fd(s);
    Outcome { bind, listen }
}

/// Whether the kernel keeps the rule.
pub fn agrees(cell: &Cell) -> bool {
    cell.seen == cell.predicted
}
