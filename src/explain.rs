//! Who has a port, and what would help: what to ask after EADDRINUSE.
//!
//! Twin: `c-reference/explain.c`.

use crate::address::Endpoint;
use crate::bail::print;
use crate::figure::draw;
use crate::help::print_help;
use crate::list::list;
use crate::scene::{Scene, is_out_of_sight, keep_present, look};
use crate::verdict::{Verdict, contradicts, fails, judge, print_verdict, try_bind};
use libc::c_int;

/// Sockets come and go meanwhile: so often it looks until what it sees fits together.
const LOOKS: usize = 5;

/// Prints who has the port of `endpoint`, and what a bind to it answers. Returns the exit status: 0 if
/// a server that sets SO_REUSEADDR could bind.
pub fn explain(endpoint: &Endpoint) -> c_int {
    let mut looks = 1;

    // 1. See who has the port, at once try to bind, and see who still has it.
    let (scene, without, with) = loop {
        let mut scene = look(endpoint.port);
        let without_option = try_bind(endpoint, false);
        let with_option = try_bind(endpoint, true);
        keep_present(&mut scene);
        let without = judge(&scene, endpoint, false, without_option);
        let with = judge(&scene, endpoint, true, with_option);
        if looks == LOOKS || fits(&scene, &without, &with) {
            break (scene, without, with);
        }
        looks += 1;
    };

    // 2. Say what was seen, what it means, and what to do.
    list(&scene);
    draw(&scene);
    print(format_args!("\n"));
    print_verdict(&scene, endpoint, &without);
    print_verdict(&scene, endpoint, &with);
    print_help(&scene, endpoint, &without, &with);
    (fails(&with) || contradicts(&without) || contradicts(&with)).into()
}

/// Whether it all belongs to one moment.
fn fits(scene: &Scene, without: &Verdict, with: &Verdict) -> bool {
    if contradicts(without) || contradicts(with) {
        return false;
    }

    // 3. A socket without its process may have changed hands, unless processes are hidden.
    let mut sockets = scene.sockets.iter();
    scene.hidden || !sockets.any(|socket| is_out_of_sight(scene, socket))
}
