//! The rows of `rules --all`.
//! C counterpart: `c-reference/rules/all.c`.

use crate::output::error_name;
use crate::rules::holder::Moment::Never;
use crate::rules::holder::{ALL_SCENARIOS, Scenario, scenario_name};
use crate::rules::ports::*;
use crate::rules::target::*;
use crate::rules::trial::*;
use errno::Errno;

/// Users and devices in `--all`, for the existing and the new socket: whether it belongs to the
/// other user, and the index of its device.
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
    [one, two]: [(bool, u32); 2],
) {
    let plan = |bits: u8, (other_user, device)| Plan {
        reuseaddr: bits & 2 != 0,
        reuseport: bits & 1 != 0,
        other_user,
        device,
    };
    let results = |bind: Option<Errno>, listen| match bind {
        Some(reason) => format!("{},-", error_name(reason)),
        None => format!("OK,{}", result_name(listen)),
    };
    let describe = |target: &Target, plan: &Plan| {
        let [reuseaddr, reuseport] = [plan.reuseaddr, plan.reuseport].map(u8::from);
        format!("{},{reuseaddr},{reuseport}", target.name)
    };

    for options in 0..16 {
        let (a, b) = (plan(options >> 2, one), plan(options, two));
        let existing = with_plan(ports, holder, &a);
        let new = with_plan(ports, target, &b);
        let cell = try_new_socket(ports, scenario, Never, &existing, &new);
        out!(
            "{},{},{},{},{},{},{},{},{}\n",
            scenario_name(scenario),
            describe(holder, &a),
            describe(target, &b),
            results(cell.bind.seen, cell.listen.seen),
            results(cell.bind.predicted, cell.listen.predicted),
            u8::from(a.other_user),
            a.device,
            u8::from(b.other_user),
            b.device
        );
        count_cell(ports, &cell);
    }
}

/// Prints every combination as CSV.
pub fn print_all(ports: &mut Ports) {
    // Scripts parse this header, so the names are fixed: "present" is the holder.
    out!(
        "state,present,present_reuseaddr,present_reuseport,newcomer,newcomer_reuseaddr,\
         newcomer_reuseport,bind,listen,predicted_bind,predicted_listen,present_user,\
         present_device,newcomer_user,newcomer_device\n"
    );
    for (number, variant @ [existing, _]) in VARIANTS.into_iter().enumerate() {
        if existing.0 && !has_other_user(ports) {
            continue;
        }
        // Device 2 need not exist, and then has no IPv6 address. PASSIVE_CLOSED has no socket.
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
