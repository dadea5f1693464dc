//! The tables and the results that are expected, as literals.

use super::{SCENARIOS, changes};
use crate::support::release;

const HEAD: &str = "
1. Both on 127.0.0.1. Columns: SO_REUSEADDR of the existing / the new socket.
BOUND: not listening. ESTABLISHED: accepted. CLIENT: bound, then connected.
PASSIVE_CLOSED: closed after its peer, so that no socket is left.
";

const ADDRESSES: &str = "
2. Two addresses. Columns: state of the existing socket, SO_REUSEADDR of both.
ESTAB: accepted by a listener on the address in column 1. If that address is
0.0.0.0 or ::, the accepted socket's address is 127.0.0.1 or ::1.

existing         new              BOUND, off  BOUND, on   LISTEN, on  ESTAB, off
127.0.0.1        127.0.0.1        EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
127.0.0.1        127.0.0.2        OK          OK          OK          OK
127.0.0.1        0.0.0.0          EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
0.0.0.0          127.0.0.1        EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
0.0.0.0          127.0.0.2        EADDRINUSE  OK          EADDRINUSE  OK
";

/// The rows of the second table with IPv6.
const IPV6: &str = "\
0.0.0.0          ::               EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
::               0.0.0.0          EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
127.0.0.1        ::               EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
::               127.0.0.1        EADDRINUSE  OK          EADDRINUSE  OK
0.0.0.0          ::v6only         OK          OK          OK          OK
::v6only         0.0.0.0          OK          OK          OK          OK
127.0.0.1        ::1              OK          OK          OK          OK
::1              127.0.0.1        OK          OK          OK          OK
0.0.0.0          ::1              OK          OK          OK          OK
::1              0.0.0.0          OK          OK          OK          OK
::1              ::               EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
::               ::1              EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
::ffff:127.0.0.1 127.0.0.1        EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
127.0.0.1        ::ffff:127.0.0.1 EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
::ffff:127.0.0.1 0.0.0.0          EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
::ffff:127.0.0.1 ::v6only         OK          OK          OK          OK
";

const OPTIONS: &str = "
3. Both on 127.0.0.1. The new socket has SO_REUSEADDR. The option of the
existing socket was
";

/// All that `rules` prints before the sum. `cleared` is as in [`changes`].
pub fn tables(ipv6: bool, cleared: &str) -> String {
    let release = release();
    let ipv6 = if ipv6 { IPV6 } else { "" };
    let changes = changes(cleared);
    format!(
        "Result of bind(2), then listen(2), on a port that is in use.\nTested on Linux {release}.\n\
        {HEAD}\n{SCENARIOS}{ADDRESSES}{ipv6}{OPTIONS}{changes}"
    )
}

/// An address of the existing socket; then, for each address of a new one in the same order, whether they
/// overlap: if the existing socket is bound or listening, and if it is connected.
const OVERLAP: [(&str, &str, &str); 8] = [
    ("127.0.0.1", "#.#.#.##", "#.#.#.##"),
    ("127.0.0.2", ".##.#..#", ".##.#..#"),
    ("0.0.0.0", "###.#.##", "#.#.#.##"),
    ("::1", "...###..", "...###.."),
    ("::", "########", "..####.."),
    ("::v6only", "...###..", "...###.."),
    ("::ffff:127.0.0.1", "#.#.#.##", "#.#.#.##"),
    ("::ffff:0.0.0.0", "###.#.##", "#.#.#.##"),
];

/// Whether bind(2) is expected to fail in a row of `--all`.
pub fn conflicts(row: &[&str]) -> bool {
    let number = |address| OVERLAP.iter().position(|(name, ..)| *name == address);
    let number = |address| number(address).unwrap_or_else(|| panic!("{address} is unknown"));
    let (_, bound, connected) = OVERLAP[number(row[1])];
    let (overlap, both_reuseaddr) = match row[0] {
        "PASSIVE_CLOSED" => return false,
        "BOUND" => (bound, [row[2], row[5]] == ["1", "1"]),
        "LISTEN" => (bound, false),
        _ => (connected, [row[2], row[5]] == ["1", "1"]),
    };
    let both_reuseport = [row[3], row[6]] == ["1", "1"];
    &overlap[number(row[4])..][..1] == "#" && !both_reuseaddr && !both_reuseport
}
