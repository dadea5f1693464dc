//! Who has a port, and what would help: what to ask after EADDRINUSE.
//!
//! Twin: `c-reference/explain.c`.

mod advice;
mod prediction;
mod print_sockets;
mod print_tree;
mod procfs;
mod snapshot;
mod sock_diag;

use crate::address::Endpoint;
use crate::address::is_wildcard;
use crate::explain::advice::print_help;
use crate::explain::prediction::{
    Prediction, Verdict, contradicts, fails, judge, predict_bind, print_verdict, try_bind,
};
use crate::explain::print_sockets::list;
use crate::explain::print_tree::draw;
use crate::explain::snapshot::{Scene, is_out_of_sight, keep_present, look, mark_holders};
use crate::output::out;
use libc::c_int;

/// Sockets come and go meanwhile: so often it looks until what it sees fits together.
const LOOKS: usize = 5;

/// Prints who has the port of `endpoint`, and what a bind to it answers. Returns the exit status: 0 if
/// a server that sets SO_REUSEADDR could bind.
pub fn explain(endpoint: &Endpoint) -> c_int {
    let mut looks = 1;

    // 1. See who has the port, at once try to bind, and see who still has it.
    let (mut scene, without, with) = loop {
        let mut scene = look(endpoint.port);
        let without_option = try_bind(endpoint, false);
        let with_option = try_bind(endpoint, true);
        keep_present(&mut scene);
        leave_out_others(&mut scene, endpoint);
        let without = judge(&scene, endpoint, false, without_option);
        let with = judge(&scene, endpoint, true, with_option);
        if looks == LOOKS || fits(&scene, &without, &with) {
            break (scene, without, with);
        }
        looks += 1;
    };

    // 2. Say what was seen, what it means, and what to do.
    mark_holders(&mut scene);
    list(&scene);
    draw(&scene);
    out!("\n");
    print_verdict(&scene, endpoint, &without);
    print_verdict(&scene, endpoint, &with);
    print_help(&scene, endpoint, &without, &with);
    (fails(&with) || contradicts(&without) || contradicts(&with)).into()
}

/// Leaves out the sockets that have the port on another address than `endpoint`'s, and counts them.
fn leave_out_others(scene: &mut Scene, endpoint: &Endpoint) {
    // 3. Who asks for a port, and no address, is told of all.
    if is_wildcard(endpoint.address) {
        return;
    }
    let all = scene.sockets.len();
    scene.sockets.retain(|socket| {
        socket.local.address == endpoint.address
            || predict_bind(socket, endpoint, false) != Prediction::Ok
    });
    scene.others = all - scene.sockets.len();
}

/// Whether it all belongs to one moment.
fn fits(scene: &Scene, without: &Verdict, with: &Verdict) -> bool {
    if contradicts(without) || contradicts(with) {
        return false;
    }

    // 4. A socket without its process may have changed hands, unless processes are hidden.
    let mut sockets = scene.sockets.iter();
    scene.hidden || !sockets.any(|socket| is_out_of_sight(scene, socket))
}
