//! The report of `make compare` on a build that is wrong.

#[path = "compare/report.rs"]
mod report;

use crate::claims::{CLAIMS, Claim};
use crate::support::*;
use report::report;

/// The rows with an unexpected cell, each with the first line of the reason, and the sums.
const FOUND: &str = r#"R1  socket, setsockopt, bind, listen !failed     yes         ?
      wrong: expected the four in this order, seen socket(AF_INET, SOCK_STREAM,
R2  SIGTERM, restart: clients served !failed     yes         ?
      wrong: the restart: it does not run: EADDRINUSE
R2  SIGINT, restart: clients served  !failed     yes         ?
      wrong: the restart: it does not run: EADDRINUSE
R2  SIGKILL, restart: clients served !failed     yes         ?
      wrong: the restart: it does not run: EADDRINUSE
R2  SIGSEGV, restart: clients served !failed     yes         ?
      wrong: the restart: it does not run: EADDRINUSE
R2  restarted as the other build     !failed     yes         ?
      wrong: restarted as C: the restart: it does not run: EADDRINUSE
C2  option on, restart: option on    !EADDRINUSE runs        ?
      wrong: expected runs, seen EADDRINUSE
K1  setsockopt as the kernel sees it !failed     yes         ?
      wrong: expected setsockopt(s, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0, seen
K1  --no-reuseaddr omits only this   !failed     yes         ?
      wrong: expected setsockopt(s, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0, seen
K2  getsockopt: SO_REUSEADDR is      !0          1           ?
      wrong: expected 1, seen 0

16 rows: the builds differ in 10. Of the 16 rows on the page's 6 claims,
6 hold and 0 do not, 10 are undecided (?); 0 rows are our own checks (-).
Unexpected cells (!): 10; the reason is below each row."#;

#[test]
fn a_build_that_never_sets_the_option_has_10_unexpected_cells() {
    let folder = Folder::new();
    let wrong = changed_serve(&folder, "if (reuse)", "if (false)");
    let right = builds()[1].clone();
    // The remedy, its conditions and the code. The figure and the trouble need no option.
    let mut rows: Vec<&Claim> = CLAIMS.iter().collect();
    rows.retain(|claim| claim.text.starts_with(['R', 'C', 'K']));
    let mut found = Vec::new();
    let status = report(&rows, &[wrong, right], &mut |text| {
        if text.contains('!') || text.contains("wrong: ") {
            found.push(text.lines().next().unwrap_or_default().to_string());
        } else if text.contains(" rows: ") {
            found.push(text);
        }
    });
    assert_eq!(found.join("\n"), FOUND);
    assert_eq!(status, 1);
}
