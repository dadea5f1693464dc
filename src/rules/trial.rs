//! One cell of the tables: what bind(2) and listen(2) answer, beside what the rule says.
//!
//! Twin: `c-reference/rules/trial.c`.

use crate::conflict::{State, TcpSocket, conflicts};
use crate::output::bail;
use crate::rules::holder::{Holder, hold, release};
use crate::rules::ports::take_port;
use crate::sock::{
    Place, bind_socket, connect_peer, describe, newcomer_for, open_socket, set_option,
};
use errno::{Errno, errno};
use libc::{EADDRINUSE, SO_REUSEADDR, SOL_SOCKET, c_int};
use std::ptr;

/// How often a state is tried, each time on another port, before it is believed that the kernel
/// contradicts the rule: on a network that we share, somebody may have come in between.
const TRIES: usize = 3;

/// What bind(2) answers, and listen(2) if it is tried.
#[derive(Clone, Copy, PartialEq)]
pub struct Answer {
    pub bind: Result<(), Errno>,
    pub listen: Option<Result<(), Errno>>,
}

/// One trial: what the kernel answered, and what the rule says.
#[derive(Clone, Copy)]
pub struct Cell {
    pub seen: Answer,
    pub rule: Answer,
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
pub type Order = (&'static str, bool, After, bool);

/// A holder in `state` on a place, and a newcomer on a place, each with SO_REUSEADDR and SO_REUSEPORT.
pub fn try_state(
    state: State,
    (present, present_reuseaddr, present_reuseport): (&Place, bool, bool),
    (place, reuseaddr, reuseport): (&Place, bool, bool),
) -> Cell {
    let newcomer = newcomer_for(place, reuseaddr, reuseport);
    let mut tries = 0;

    loop {
        // 1. A port of its own for each trial: the kernel remembers what was bound to one.
        let holder = hold(state, present, present_reuseaddr, present_reuseport);
        let rule = predict(&holder.present, &newcomer);
        let seen = attempt(place, holder.port, reuseaddr, reuseport);
        release(&holder);
        let cell = Cell { seen, rule };
        tries += 1;
        if agrees(&cell) || tries == TRIES {
            return cell;
        }
    }
}

/// A holder on `place` whose option changes, and a newcomer with the option.
pub fn try_order(place: &Place, &(_, before, when, after): &Order) -> Cell {
    let newcomer = newcomer_for(place, true, false);
    let (s, port) = take_port(place, before, false);
    let change = |s| set_option(s, SOL_SOCKET, SO_REUSEADDR, after.into());

    // 2. The holder goes its way from bind to accept, and its option changes on the way.
    let holder = if when == After::Bind {
        change(s);
        let present = describe(s, State::Bound);
        Holder {
            present,
            port,
            fd: s,
            peer: -1,
        }
    } else {
        // SAFETY: numbers go in, a number comes out.
        if unsafe { libc::listen(s, 1) } == -1 {
            bail("listen", place.name, errno());
        }
        if when == After::Listen {
            change(s);
        }
        let peer = connect_peer(place, port);
        if when == After::Connect {
            change(s);
        }
        // SAFETY: the peer's address is not asked for.
        let fd = unsafe { libc::accept(s, ptr::null_mut(), ptr::null_mut()) };
        if fd == -1 {
            bail("accept", place.name, errno());
        }
        // SAFETY: s is ours, and not used again.
        unsafe { libc::close(s) };
        if when == After::Accept {
            change(fd);
        }
        let present = describe(fd, State::Established);
        Holder {
            present,
            port,
            fd,
            peer,
        }
    };

    let cell = Cell {
        rule: predict(&holder.present, &newcomer),
        seen: attempt(place, port, true, false),
    };
    release(&holder);
    cell
}

/// Two with the option are bound to `place`, and both listen. The second one's answers: while the
/// first one listens, and once it is closed.
pub fn try_listens(place: &Place) -> [Cell; 2] {
    let (first, port) = take_port(place, true, false);
    let second = open_socket(place, true, false);
    let listen = |s: c_int| {
        // SAFETY: numbers go in, a number comes out.
        match unsafe { libc::listen(s, 1) } {
            -1 => Err(errno()),
            _ => Ok(()),
        }
    };
    let answer = |listen| Answer {
        bind: Ok(()),
        listen: Some(listen),
    };

    // 3. Both bind; then the first listens, and the second may only after it. (C1)
    if let Err(reason) = bind_socket(second, place.address, port) {
        bail("bind", place.name, reason);
    }
    let newcomer = describe(second, State::Bound);
    if let Err(reason) = listen(first) {
        bail("listen", place.name, reason);
    }
    let present = describe(first, State::Listen);
    let rule = match conflicts(&present, &newcomer) {
        true => answer(Err(Errno(EADDRINUSE))),
        false => answer(Ok(())),
    };
    let while_it_listens = Cell {
        rule,
        seen: answer(listen(second)),
    };

    // 4. listen(2) that failed has left the second bound: it can be tried again.
    // SAFETY: first is ours, and not used again.
    unsafe { libc::close(first) };
    let once_it_is_closed = Cell {
        rule: answer(Ok(())),
        seen: answer(listen(second)),
    };
    // SAFETY: second is ours, and not used again.
    unsafe { libc::close(second) };
    [while_it_listens, once_it_is_closed]
}

fn predict(present: &TcpSocket, newcomer: &TcpSocket) -> Answer {
    match conflicts(present, newcomer) {
        true => Answer {
            bind: Err(Errno(EADDRINUSE)),
            listen: None,
        },
        false => Answer {
            bind: Ok(()),
            listen: Some(Ok(())),
        },
    }
}

/// What a newcomer is answered by the kernel.
fn attempt(place: &Place, port: u16, reuseaddr: bool, reuseport: bool) -> Answer {
    let s = open_socket(place, reuseaddr, reuseport);
    let bind = bind_socket(s, place.address, port);
    // SAFETY: numbers go in, a number comes out.
    let listen = bind.is_ok().then(|| match unsafe { libc::listen(s, 1) } {
        -1 => Err(errno()),
        _ => Ok(()),
    });
    // SAFETY: s is ours, and not used again.
    unsafe { libc::close(s) };
    Answer { bind, listen }
}

/// Whether the kernel keeps the rule.
pub fn agrees(cell: &Cell) -> bool {
    cell.seen == cell.rule
}
