//! Prints the results of the trial binds, beside the predictions, and advice.
//! C counterpart: `c-reference/explain/print_advice.c`.

use crate::address::{Endpoint, format_endpoint};
use crate::explain::advice::{Advice, AdviceByKind, AdviceKind};
use crate::explain::prediction::{Conflict, Prediction, Reason};
use crate::explain::snapshot::{IDS_MAX, Snapshot};
use crate::output::error_name;
use errno::Errno;
use libc::EADDRINUSE;

impl Reason {
    fn text(self) -> &'static str {
        match self {
            Reason::Listening => "listening (C1)",
            Reason::NewSocketOff => "the new socket lacks SO_REUSEADDR (C2)",
            Reason::OptionOff => "SO_REUSEADDR is off (C2)",
            Reason::MustBeOff => "SO_REUSEADDR must be off, as bind failed (C2)",
            Reason::MustBeOn => "SO_REUSEADDR must be on, as bind succeeded",
            Reason::MayBeOff => "SO_REUSEADDR may be off; it cannot be read (C2)",
            Reason::MayLackV6only => "IPV6_V6ONLY may be off; it cannot be read",
        }
    }
}

impl AdviceKind {
    /// `%s`: the processes to stop, the seconds to wait, or the range of ports.
    #[rustfmt::skip]
    fn text(self) -> &'static str {
        match self {
            AdviceKind::BindAsRoot => "bind as root, or with CAP_NET_BIND_SERVICE",
            AdviceKind::BindLocalAddress => "bind to an address of this machine; ip address lists them",
            AdviceKind::BindOtherAddress => "bind to an address that is neither multicast nor link-local",
            AdviceKind::SetOption => "set SO_REUSEADDR before bind",
            AdviceKind::Stop => "stop %s",
            AdviceKind::StopOrSetOption => "stop %s, or have it set SO_REUSEADDR",
            AdviceKind::ClosePeerFirst => "let the peer close before you stop %s; otherwise wait 60 s",
            AdviceKind::StopAndWait => "stop %s, then wait until 60 s after the peer closes",
            AdviceKind::WaitInTimeWait => "wait %s s (TIME_WAIT)",
            AdviceKind::WaitInFinWait2 => "wait %s s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT)",
            AdviceKind::WaitForPeer => "wait until 60 s after the peer closes, or until the kernel gives up",
            AdviceKind::WaitForAck => "wait until the peer acknowledges, or until the kernel gives up",
            AdviceKind::ClosesWithListener => "closed together with its listener",
            AdviceKind::FindHolder => "stop the process that holds it; as root, ss -tanp may show it",
            AdviceKind::SetOptionThere => "next time: set SO_REUSEADDR in their program too, before bind or connect",
            AdviceKind::ChooseOtherPort => "or choose a port outside the ephemeral range (%s)",
        }
    }
}

/// Formats `list` as "1, 2, 3".
fn format_ids(list: &[usize]) -> String {
    let ids: Vec<String> = list.iter().take(IDS_MAX).map(usize::to_string).collect();
    let end = if list.len() > IDS_MAX {
        " and more"
    } else {
        ""
    };
    format!("{}{end}", ids.join(", "))
}

/// Compares the result of the trial with the prediction.
fn compare(prediction: &Prediction) -> &'static str {
    match (prediction.error, prediction.conflict) {
        (None, Conflict::Yes) => ", but EADDRINUSE was predicted",
        (Some(Errno(EADDRINUSE)), Conflict::No) => ", but OK was predicted",
        (None | Some(Errno(EADDRINUSE)), Conflict::Maybe) => ", found by a trial bind",
        (None | Some(Errno(EADDRINUSE)), _) => ", as predicted",
        (_, Conflict::No) => "; no socket conflicts",
        (_, Conflict::Yes) => "; a socket conflicts",
        (_, Conflict::Maybe) => "; a socket may conflict",
    }
}

/// Prints the result of a trial bind on `endpoint`, the prediction, and the sockets responsible.
pub fn print_prediction(endpoint: &Endpoint, prediction: &Prediction) {
    let text = format_endpoint(endpoint);
    let with = if prediction.reuseaddr {
        "with"
    } else {
        "without"
    };
    let result = prediction.error.map_or("OK", error_name);

    out!(
        "bind {text} {with} SO_REUSEADDR: {result}{}\n",
        compare(prediction)
    );
    for (reason, sockets) in &prediction.reasons {
        out!("    {}: {}\n", format_ids(sockets), reason.text());
    }
    if prediction.error == Some(Errno(EADDRINUSE)) && prediction.conflict == Conflict::No {
        out!("    the conflicting socket is not listed, or has just been closed\n");
    }
}

/// Formats what replaces `%s` in the advice.
fn format_value(snapshot: &Snapshot, kind: AdviceKind, advice: &Advice) -> String {
    match kind {
        AdviceKind::ChooseOtherPort => format!("{} to {}", snapshot.first_port, snapshot.last_port),
        AdviceKind::WaitInTimeWait | AdviceKind::WaitInFinWait2 => advice.seconds.to_string(),
        _ => match advice.pids.len() {
            0 => "its process".into(),
            1 => format!("process {}", advice.pids[0]),
            _ => format!("processes {}", format_ids(&advice.pids)),
        },
    }
}

/// Prints the advice that applies.
pub fn print_advice(snapshot: &Snapshot, advice: &AdviceByKind) {
    if !advice.is_empty() {
        out!("\nWhat helps:\n");
    }
    for (&kind, one) in advice {
        let text = kind
            .text()
            .replace("%s", &format_value(snapshot, kind, one));
        match &one.sockets[..] {
            [] => out!("    {text}\n"),
            sockets => out!("    {}: {text}\n", format_ids(sockets)),
        }
    }
}
