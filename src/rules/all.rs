//! The rows of `rules --all`.
//! C counterpart: `c-reference/rules/all.c`.

use crate::output::error_name;
use crate::rules::holder::Moment::Never;
use crate::rules::holder::{ALL_SCENARIOS, Scenario, scenario_name};
use crate::rules::ports::*;
use crate::rules::target::*;
use crate::rules::trial::*;
use errno::Errno;

/// What `--all` varies besides addresses and options: whether the existing and the new socket
/// belong to the other user, and their devices.
const VARIANTS: [[(bool, u32); 2]; 9] = [
    [(false, 0), (false, 0)],
    [(true, 0), (false, 0)],
    [(true, 0), (true, 0)],
    [(false, 0), (false, 1)],
    [(false, 0), (false, 2)],
    [(false, 1), (false, 0)],
    [(false, 1), (false, 1)],
    [(false, 1), (false, 2)],
    [(true, 1), (false, 2)],
];

/// Prints a row of `--all` for each value of the four options.
fn print_rows(
    ports: &mut Ports,
    scenario: Scenario,
    holder: &Target,
    target: &Target,
    [of_holder, of_target]: [(bool, u32); 2],
) {
    for options in 0..16 {
        let plan = |bits, (other, device)| (bits & 2 != 0, bits & 1 != 0, other, device);
        let existing = with_plan(ports, holder, &plan(options >> 2, of_holder));
        let new = with_plan(ports, target, &plan(options, of_target));
        let cell = try_new_socket(ports, scenario, Never, &existing, &new);
        let [a, b, c, d] = [8, 4, 2, 1].map(|bit| u8::from(options & bit != 0));
        let (name, holder, target) = (scenario_name(scenario), holder.name, target.name);
        let results = |bind: Option<Errno>, listen| match bind {
            Some(reason) => format!("{},-", error_name(reason)),
            None => format!("OK,{}", result_name(listen)),
        };
        let seen = results(cell.bind.seen, cell.listen.seen);
        let predicted = results(cell.bind.predicted, cell.listen.predicted);
        let [e, g] = [of_holder, of_target].map(|of| u8::from(of.0));
        let [f, h] = [of_holder, of_target].map(|of| of.1);
        out!("{name},{holder},{a},{b},{target},{c},{d},{seen},{predicted},{e},{f},{g},{h}\n");
        count_cell(ports, &cell);
    }
}

/// Prints every combination as CSV.
pub fn print_all(ports: &mut Ports) {
    // Programs read this header, so its words stay: "present" is the holder.
    out!(
        "state,present,present_reuseaddr,present_reuseport,newcomer,newcomer_reuseaddr,\
         newcomer_reuseport,bind,listen,predicted_bind,predicted_listen,present_user,\
         present_device,newcomer_user,newcomer_device\n"
    );
    for (number, variant) in VARIANTS.into_iter().enumerate() {
        if variant[0].0 && !has_other_user(ports) {
            continue;
        }
        // A device that does not exist has no IPv6 address. The last scenario leaves no socket.
        let (scenarios, targets) = match number {
            0 => (&ALL_SCENARIOS[..], &TARGETS[..]),
            _ => (&ALL_SCENARIOS[..10], &[&V4_LO, &V4_ANY, &V6_ANY][..]),
        };
        for &scenario in scenarios {
            for holder in targets {
                for target in targets {
                    if is_usable(ports, holder) && is_usable(ports, target) {
                        print_rows(ports, scenario, holder, target, variant);
                    }
                }
            }
        }
    }
}
