//! Prints the predictions with the results of the trial binds, and advice.
//! C counterpart: `c-reference/explain/print_advice.c`.

use crate::address::{Endpoint, format_endpoint};
use crate::explain::prediction::{Conflict, Prediction};
use crate::explain::snapshot::{IDS_MAX, Remark, Snapshot};
use crate::output::error_name;
use errno::Errno;
use libc::EADDRINUSE;

/// Formats `list` as "1, 2, 3".
fn format_ids(list: &[usize]) -> String {
    let ids: Vec<String> = list.iter().take(IDS_MAX).map(usize::to_string).collect();
    let end = ["", " and more"][usize::from(list.len() > IDS_MAX)];
    format!("{}{end}", ids.join(", "))
}

/// Compares the result of the trial with the prediction.
fn compare(prediction: &Prediction) -> &'static str {
    match (prediction.error, prediction.conflict) {
        (None, Conflict::Yes) => ", but EADDRINUSE was predicted",
        (Some(Errno(EADDRINUSE)), Conflict::No) => ", but OK was predicted",
        (None | Some(Errno(EADDRINUSE)), Conflict::Maybe) => {
            ", not predictable, as an option cannot be read"
        }
        (None | Some(Errno(EADDRINUSE)), _) => ", as predicted",
        (_, Conflict::No) => "; no socket conflicts",
        (_, Conflict::Yes) => "; a socket conflicts",
        (_, Conflict::Maybe) => "; a socket may conflict",
    }
}

/// Prints the result of a trial bind on `endpoint`, the prediction, and the sockets responsible.
pub fn print_prediction(endpoint: &Endpoint, prediction: &Prediction) {
    let text = format_endpoint(endpoint);
    let with = ["without", "with"][usize::from(prediction.reuseaddr)];
    let result = prediction.error.map_or("OK", error_name);

    out!(
        "bind {text} {with} SO_REUSEADDR: {result}{}\n",
        compare(prediction)
    );
    for reason in &prediction.reasons {
        out!("    #{}: {}\n", format_ids(&reason.sockets), reason.text);
    }
    if prediction.error == Some(Errno(EADDRINUSE)) && prediction.conflict == Conflict::No {
        out!("    the conflicting socket is not listed, or has just been closed\n");
    }
}

/// Formats what replaces `%s` in advice.
fn format_value(snapshot: &Snapshot, advice: &Remark) -> String {
    match (advice.seconds, &advice.pids[..]) {
        _ if advice.sockets.is_empty() => {
            format!("{} to {}", snapshot.first_port, snapshot.last_port)
        }
        (Some(seconds), _) => seconds.to_string(),
        (None, []) => "the owner".into(),
        (None, [pid]) => format!("process {pid}"),
        (None, pids) => format!("processes {}", format_ids(pids)),
    }
}

/// Prints the advice, if there is any.
pub fn print_advice(snapshot: &Snapshot, advice: &[Remark]) {
    if !advice.is_empty() {
        out!("\nWhat helps:\n");
    }
    for remark in advice {
        let text = remark.text.replace("%s", &format_value(snapshot, remark));
        match &remark.sockets[..] {
            [] => out!("    {text}\n"),
            sockets => out!("    #{}: {text}\n", format_ids(sockets)),
        }
    }
}
