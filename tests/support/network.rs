//! What this machine's networks can do: the current one, and a private one as `rules` and `abi` make it.

use super::checked;
use errno::Errno;
use std::net::{Ipv6Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::{io, mem};

/// The network in which `rules` and `abi` work.
pub struct Network {
    /// The call that fails and its error, if there is no private network and the current one is used.
    pub failed: Option<String>,
    /// The error of a bind to ::1.
    pub no_ipv6: Option<Errno>,
}

/// The network of this machine in which `rules` and `abi` work.
pub fn network() -> &'static Network {
    static NETWORK: LazyLock<Network> = LazyLock::new(|| {
        let current = |call: &str, error: Errno| Network {
            failed: Some(format!("{call}: {error}")),
            no_ipv6: no_ipv6(),
        };
        if let Err(error) = in_private_network(false) {
            return current("unshare", error);
        }
        match in_private_network(true) {
            Err(error) => current("ioctl SIOCSIFFLAGS lo", error),
            // Without a file, the kernel has no IPv6; without ::1 in it, IPv6 is disabled.
            Ok(addresses) => Network {
                failed: None,
                no_ipv6: match String::from_utf8_lossy(&addresses.stdout) {
                    _ if !addresses.status.success() => Some(Errno(libc::EAFNOSUPPORT)),
                    text if text.contains(&format!("{:032x} ", 1)) => None,
                    _ => Some(Errno(libc::EADDRNOTAVAIL)),
                },
            },
        }
    });
    &NETWORK
}

/// The IPv6 addresses of a private network. An error is unshare(2)'s or, with the interface `up`, ioctl(2)'s.
fn in_private_network(up: bool) -> Result<Output, Errno> {
    let mut command = Command::new("cat");
    command.arg("/proc/net/if_inet6");
    let enter = move || {
        // SAFETY: no pointers; any argument value is safe.
        let unshare = |flags| checked(unsafe { libc::unshare(flags | libc::CLONE_NEWNET) });
        unshare(libc::CLONE_NEWUSER).or_else(|_| unshare(0))?;
        if !up {
            return Ok(());
        }
        // SAFETY: ifreq is integers, arrays and a pointer, for which zero is valid.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        request.ifr_name[..2].copy_from_slice(&[b'l', b'o'].map(|byte| byte as libc::c_char));
        request.ifr_ifru.ifru_flags = libc::IFF_UP as i16;
        // SAFETY: no pointers; any argument value is safe.
        let s = checked(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) })?;
        // SAFETY: SIOCSIFFLAGS reads one ifreq.
        checked(unsafe { libc::ioctl(s, libc::SIOCSIFFLAGS, &raw const request) }).map(drop)
    };
    // SAFETY: between fork and exec, `enter` only makes system calls; it allocates nothing.
    unsafe { command.pre_exec(enter) };
    let errno = |error: io::Error| Errno(error.raw_os_error().expect("the kernel's error"));
    command.output().map_err(errno)
}

/// The error of a bind to ::1 in the current network, if it fails.
pub fn no_ipv6() -> Option<Errno> {
    let error = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).err()?;
    error.raw_os_error().map(Errno)
}

/// Whether ::1 can be bound in the current network.
pub fn has_ipv6() -> bool {
    no_ipv6().is_none()
}
