//! What this machine's networks can do: the current one, and a private one as `rules` and `abi` make it.

use super::{Result, text, tool};
use errno::Errno;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::unix::fs::fchown;
use std::process::Command;
use std::sync::LazyLock;

/// The network in which `rules` and `abi` work.
pub struct Network {
    /// The call that fails and its error, if there is no private network and the current one is used.
    pub failed: Option<String>,
    /// The error of a bind to ::1.
    pub no_ipv6: Option<Errno>,
    /// The error of giving a socket to another user.
    pub no_other_user: Option<Errno>,
}

/// The network of this machine in which `rules` and `abi` work.
pub fn network() -> &'static Network {
    static NETWORK: LazyLock<Network> = LazyLock::new(|| {
        let up = "ip link set lo up && (cat /proc/net/if_inet6 || echo no IPv6)";
        let addresses = in_private_network("unshare", "true")
            .and_then(|_| in_private_network("ioctl SIOCSIFFLAGS lo", up));
        let (failed, no_ipv6) = match addresses {
            Err(failed) => (Some(failed), no_ipv6()),
            Ok(addresses) if addresses == "no IPv6\n" => (None, Some(Errno(libc::EAFNOSUPPORT))),
            Ok(addresses) if addresses.contains(&format!("{:032x} ", 1)) => (None, None),
            Ok(_) => (None, Some(Errno(libc::EADDRNOTAVAIL))), // IPv6 is disabled
        };
        let alone = Command::new("unshare").args(["--net", "true"]).output();
        let needs_users = failed.is_none() && !alone.is_ok_and(|output| output.status.success());
        // A new user namespace has no other user.
        let invalid = needs_users.then_some(Errno(libc::EINVAL));
        let no_other_user = invalid.or_else(no_other_user);
        Network {
            failed,
            no_ipv6,
            no_other_user,
        }
    });
    &NETWORK
}

/// What `script` prints in a private network. An error begins with the name of `call`.
fn in_private_network(call: &str, script: &str) -> Result<String> {
    // Root needs no new user namespace. Any other user may create a network namespace in one.
    let unshare = "unshare --net true 2>&- || set -- --user --keep-caps
        exec unshare \"$@\" --net sh -c \"$0\"";
    let mut shell = Command::new(tool("sh", "dash"));
    let output = shell
        .env("LC_ALL", "C")
        .args(["-c", unshare, script])
        .output();
    let output = output.map_err(text)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let reason = errors.trim_end().rsplit(": ").next().unwrap_or_default();
    let printed = String::from_utf8_lossy(&output.stdout).into();
    let success = output.status.success().then_some(printed);
    success.ok_or_else(|| format!("{call}: {reason}"))
}

/// The error of a bind to ::1 in the current network, if it fails.
pub fn no_ipv6() -> Option<Errno> {
    let error = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).err()?;
    error.raw_os_error().map(Errno)
}

/// The error of giving a socket to another user in the current user namespace, if it fails.
pub fn no_other_user() -> Option<Errno> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    // SAFETY: no arguments; always succeeds.
    let other = unsafe { libc::geteuid() } + 1;
    let error = fchown(socket, Some(other), None).err()?;
    error.raw_os_error().map(Errno)
}

/// Whether ::1 can be bound in the current network.
pub fn has_ipv6() -> bool {
    no_ipv6().is_none()
}
