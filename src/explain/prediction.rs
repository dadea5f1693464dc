//! What a bind would answer: predicted by the rule, then tried.
//!
//! Twin: `c-reference/explain/prediction.c`.

use crate::address::{Endpoint, format_endpoint};
use crate::conflict::{TcpSocket, TcpState, conflicts};
use crate::explain::print_sockets::{add_number, print_numbers};
use crate::explain::snapshot::{Listed, Scene};
use crate::output::{error_name, out};
use crate::sock::{bind_socket, close_fd, open_socket};
use errno::Errno;
use libc::{EACCES, EADDRINUSE};

/// What a bind is predicted to answer, by all sockets, or because of one.
#[derive(Clone, Copy, PartialEq)]
pub enum Prediction {
    Ok,
    InUse,
    Either,
}

/// A bind, with SO_REUSEADDR or without.
pub struct Verdict {
    pub option: bool,
    pub predicted: Prediction,
    /// So many sockets may be in the way or not.
    pub undecided: usize,
    pub answer: Result<(), Errno>,
}

/// Why a socket is in the way, or may be.
#[derive(Clone, Copy, PartialEq)]
enum Reason {
    Listens,
    BindOff,
    Off,
    MustBeOff,
    MayBeOff,
    MustBeOn,
    MayBeV6only,
}

const REASONS: [(Reason, &str); 7] = [
    (Reason::Listens, "C1, it listens"),
    (Reason::BindOff, "C2, the bind has the option off"),
    (Reason::Off, "C2, its option is off"),
    (
        Reason::MustBeOff,
        "C2, its option is off, as the answer tells",
    ),
    (
        Reason::MayBeOff,
        "C2, its option may be off, it cannot be read",
    ),
    (Reason::MustBeOn, "its option is on, as the answer tells"),
    (
        Reason::MayBeV6only,
        "it may be v6only, which cannot be read",
    ),
];

/// Binds a new socket to `endpoint`, and closes it; an error is bind(2)'s.
pub fn try_bind(endpoint: &Endpoint, option: bool) -> Result<(), Errno> {
    let s = open_socket(endpoint.family, false, option, false);
    let answer = bind_socket(s, endpoint);
    close_fd(s);
    answer
}

/// What a bind to `endpoint` is predicted to answer, beside its `answer`.
pub fn judge(
    scene: &Scene,
    endpoint: &Endpoint,
    option: bool,
    answer: Result<(), Errno>,
) -> Verdict {
    let mut predicted = Prediction::Ok;
    let mut undecided = 0;

    // 1. One that stands in the way is enough. What is not listed may be one.
    if scene.diag_error.is_some() {
        predicted = Prediction::Either;
        undecided = 1;
    }
    for socket in &scene.sockets {
        let one = predict_bind(socket, endpoint, option);
        if one == Prediction::InUse || predicted == Prediction::Ok {
            predicted = one;
        }
        undecided += usize::from(one == Prediction::Either);
    }
    Verdict {
        option,
        predicted,
        undecided,
        answer,
    }
}

/// What a bind to `endpoint`, with SO_REUSEADDR or without, answers because of `socket`.
pub fn predict_bind(socket: &Listed, endpoint: &Endpoint, option: bool) -> Prediction {
    let newcomer = TcpSocket {
        state: TcpState::Close,
        family: endpoint.family,
        address: endpoint.address,
        v6only: false,
        reuseaddr: option,
        reuseport: false,
        uid: 0,
    };
    let mut conflicting = false;
    let mut passing = false;

    // 2. What cannot be read may be so or so.
    for reuseaddr in [false, true] {
        for v6only in [false, true] {
            let present = TcpSocket {
                state: socket.state,
                family: socket.local.family,
                address: socket.local.address,
                v6only,
                reuseaddr,
                reuseport: false,
                uid: 0,
            };
            if socket.reuseaddr.is_some_and(|known| known != reuseaddr)
                || socket.v6only.is_some_and(|known| known != v6only)
            {
                continue;
            }
            match conflicts(&present, &newcomer) {
                true => conflicting = true,
                false => passing = true,
            }
        }
    }
    match (conflicting, passing) {
        (true, true) => Prediction::Either,
        (true, false) => Prediction::InUse,
        (false, _) => Prediction::Ok,
    }
}

/// Whether the answer is another one than was predicted.
pub fn contradicts(verdict: &Verdict) -> bool {
    match verdict.answer {
        Ok(()) => verdict.predicted == Prediction::InUse,
        Err(reason) => reason.0 == EADDRINUSE && verdict.predicted == Prediction::Ok,
    }
}

/// Whether the bind fails.
pub fn fails(verdict: &Verdict) -> bool {
    match verdict.answer {
        // 3. EACCES is about a port below 1024, and not about who has it: for root the rule counts.
        Err(Errno(EACCES)) => verdict.predicted != Prediction::Ok,
        answer => answer.is_err(),
    }
}

/// Prints a verdict, and which sockets of `scene` it is due to.
pub fn print_verdict(scene: &Scene, endpoint: &Endpoint, verdict: &Verdict) {
    let with = if verdict.option { "with" } else { "without" };
    let answer = verdict.answer.map_or_else(error_name, |()| "OK");
    let name = format_endpoint(endpoint);

    out!("bind {name} {with} SO_REUSEADDR: {answer}");
    let rule = name_of(verdict.predicted);
    match verdict.answer {
        Err(reason) if reason.0 != EADDRINUSE => out!("; the rule says {rule}\n"),
        _ if contradicts(verdict) => out!(", NOT as predicted: {rule}\n"),
        _ if verdict.predicted == Prediction::Either => out!(", found by trying\n"),
        _ => out!(", as predicted\n"),
    }

    // 4. Each reason, and whose it is.
    for (reason, text) in REASONS {
        let mut numbers = Vec::new();
        for (index, socket) in scene.sockets.iter().enumerate() {
            if find_reason(socket, endpoint, verdict) == Some(reason) {
                add_number(&mut numbers, index + 1);
            }
        }
        if !numbers.is_empty() {
            out!("    {text}: ");
            print_numbers(&numbers);
            out!("\n");
        }
    }
    if verdict.answer == Err(Errno(EADDRINUSE)) && verdict.predicted == Prediction::Ok {
        out!("    a socket is in the way that is not listed, or came and went meanwhile\n");
    }
}

fn name_of(prediction: Prediction) -> &'static str {
    match prediction {
        Prediction::Ok => "OK",
        Prediction::InUse => "EADDRINUSE",
        Prediction::Either => "OK or EADDRINUSE",
    }
}

/// Why `socket` is in the way of that bind, or may be.
fn find_reason(socket: &Listed, endpoint: &Endpoint, verdict: &Verdict) -> Option<Reason> {
    match predict_bind(socket, endpoint, verdict.option) {
        Prediction::Ok => return None,
        Prediction::InUse if socket.state == TcpState::Listen => return Some(Reason::Listens),
        Prediction::InUse if verdict.option => return Some(Reason::Off),
        Prediction::InUse => return Some(Reason::BindOff),
        Prediction::Either => {}
    }

    // 5. If it hangs on its option alone, the answer tells that, unless another is in the way.
    let off = Listed {
        reuseaddr: Some(false),
        ..*socket
    };
    if predict_bind(&off, endpoint, verdict.option) != Prediction::InUse {
        return Some(Reason::MayBeV6only);
    }
    let alone = verdict.predicted == Prediction::Either && verdict.undecided == 1;
    Some(match verdict.answer {
        Ok(()) => Reason::MustBeOn,
        Err(Errno(EADDRINUSE)) if alone => Reason::MustBeOff,
        Err(_) => Reason::MayBeOff,
    })
}
