//! The tables and the results that are expected, as literals.

use crate::support::{Network, is_before, release};

/// All that `rules` prints before the sum.
const TABLES: &str = "\
Result of bind(2), then listen(2), on a port that is in use.
Tested on Linux RELEASE.

1. Both on 127.0.0.1. Columns: SO_REUSEADDR of the existing / the new socket.
BOUND: not listening. ESTABLISHED: accepted. CLIENT: bound, then connected.
PASSIVE_CLOSED: closed after its peer, so that no socket is left.

existing          off / off    off / on     on / off     on / on
BOUND             EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
LISTEN            EADDRINUSE   EADDRINUSE   EADDRINUSE   EADDRINUSE
ESTABLISHED       EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
CLIENT            EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
FIN_WAIT1         EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
FIN_WAIT2         EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
CLOSE_WAIT        EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
CLOSING           EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
LAST_ACK          EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
TIME_WAIT         EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
PASSIVE_CLOSED    OK           OK           OK           OK

2. Two addresses. Columns: state of the existing socket, SO_REUSEADDR of both.
ESTAB: accepted by a listener on the address in column 1. If that address is
0.0.0.0 or ::, the accepted socket's address is 127.0.0.1 or ::1.

existing         new              BOUND, off  BOUND, on   LISTEN, on  ESTAB, off
127.0.0.1        127.0.0.1        EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
127.0.0.1        127.0.0.2        OK          OK          OK          OK
127.0.0.1        0.0.0.0          EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
0.0.0.0          127.0.0.1        EADDRINUSE  OK          EADDRINUSE  EADDRINUSE
0.0.0.0          127.0.0.2        EADDRINUSE  OK          EADDRINUSE  OK
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

3. Both on 127.0.0.1. The new socket has SO_REUSEADDR. The option of the
existing socket was

set after bind                                        OK
cleared after bind                                    CLEARED
set on the listener before the client connects        OK
set on the listener after the client connects         EADDRINUSE
set on the accepted socket                            OK
cleared on the accepted socket                        EADDRINUSE

Two sockets are bound with the option. Result of listen(2) by the second:

while the first listens                               listen: EADDRINUSE
after the first is closed                             OK

4. All on 127.0.0.1, not listening: two users, two devices, and three sockets in
the order of their bind(2). Result of the last one:

SO_REUSEPORT on both, two users                       EADDRINUSE
both options on both, two users                       OK
one bound to lo, the other to no device               EADDRINUSE
both bound to lo                                      EADDRINUSE
bound to different devices                            OK
SO_REUSEADDR, then both, then SO_REUSEPORT            OK
both, then SO_REUSEADDR, then SO_REUSEPORT            EADDRINUSE
";

/// [`TABLES`] on this kernel and network.
pub fn tables(network: &Network) -> String {
    let ipv6 = |line: &str| line.contains("::") && line.contains("OK");
    let lines = TABLES.split_inclusive('\n');
    let lines = lines.filter(|line| network.no_ipv6.is_none() || !ipv6(line));
    let kept =
        lines.filter(|line| network.no_other_user.is_none() || !line.contains(", two users "));
    let tables = kept.collect::<String>().replace("RELEASE", &release());
    // Before Linux 6.8, bind(2) does not notice this.
    let cleared = ["EADDRINUSE", "listen: EADDRINUSE"][usize::from(is_before(6, 8))];
    tables.replace("CLEARED", cleared)
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
    let orphan = "FIN_WAIT1 CLOSING LAST_ACK".contains(row[0]);
    let same_user = row[11] == row[13] || ["FIN_WAIT2", "TIME_WAIT"].contains(&row[0]);
    let both_reuseport = [row[3], row[6]] == ["1", "1"];
    if both_reuseport && orphan && is_before(6, 17) {
        return row[7] != "OK"; // depends on this user: an orphan belongs to root
    }
    let both_reuseport = both_reuseport && same_user;
    let two_devices = [row[12], row[14]] == ["1", "2"];
    !two_devices && &overlap[number(row[4])..][..1] == "#" && !both_reuseaddr && !both_reuseport
}
