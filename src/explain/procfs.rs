//! Whose sockets these are, from `/proc`; and their options, from the sockets themselves.
//!
//! The kernel tells a socket's options to who has a descriptor for it. So each owner is asked for a
//! copy of its own: pidfd_getfd(2), which takes what ptrace(2) takes. Twin: `c-reference/explain/procfs.c`.

use crate::explain::snapshot::{Listed, Owner, Process, Scene, owners_of};
use crate::sock::close_fd;
use errno::{Errno, errno};
use libc::{
    AF_INET6, EACCES, EBADF, ENOENT, EPERM, ESRCH, IPPROTO_IPV6, IPV6_V6ONLY, SO_REUSEADDR,
    SO_REUSEPORT, SOL_SOCKET, SYS_pidfd_getfd, SYS_pidfd_open, c_int, ino_t, pid_t, socklen_t,
    stat,
};
use std::cmp::Ordering;
use std::fs;
use std::io;
use std::mem;
use std::path::PathBuf;
use std::str::from_utf8;

/// Finds who has the sockets of `scene`, and reads their options.
pub fn find_owners(scene: &mut Scene) {
    // 1. Without an inode, a socket is the kernel's alone.
    let sockets = scene.sockets.iter().chain(&scene.peers);
    let mut wanted: Vec<ino_t> = sockets
        .map(|socket| socket.inode)
        .filter(|&inode| inode != 0)
        .collect();
    if wanted.is_empty() {
        return;
    }
    wanted.sort_unstable();

    // 2. Every process, by its number; we are one ourselves.
    let pids: io::Result<Vec<pid_t>> = fs::read_dir("/proc").map(|proc| {
        let names = proc.flatten().map(|entry| entry.file_name());
        names
            .filter_map(|name| name.to_str()?.parse().ok())
            .collect()
    });
    match pids {
        Err(error) => scene.proc_error = error.raw_os_error().map(Errno),
        Ok(pids) if pids.is_empty() => scene.proc_error = Some(Errno(ENOENT)),
        Ok(pids) => {
            for pid in pids {
                find_descriptors(scene, pid, &wanted);
            }
        }
    }
    scene.owners.sort_by(by_inode);

    // 3. The options of those that have the port.
    let mut sockets = mem::take(&mut scene.sockets);
    for socket in &mut sockets {
        read_options(scene, socket);
    }
    scene.sockets = sockets;
}

/// Finds the descriptors of a process for `wanted` sockets. One that has gone meanwhile has none.
fn find_descriptors(scene: &mut Scene, pid: pid_t, wanted: &[ino_t]) {
    let mut known = false;

    let folder = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(folder) => folder,
        Err(error) => {
            // 4. Which of the two it is depends on how /proc is mounted (hidepid).
            match error.raw_os_error() {
                Some(EACCES | EPERM) => scene.hidden = true,
                Some(ENOENT | ESRCH) => {}
                other => scene.proc_error = other.map(Errno),
            }
            return;
        }
    };
    for entry in folder.flatten() {
        // 5. A descriptor is a link to "socket:[INODE]".
        let link = fs::read_link(entry.path()).unwrap_or_else(|error| {
            scene.hidden |= error.raw_os_error() == Some(EACCES);
            PathBuf::new()
        });
        let name = entry.file_name();
        let found = || {
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            let inode: ino_t = inode.parse().ok()?;
            let fd: c_int = name.to_str()?.parse().ok()?;
            wanted.binary_search(&inode).is_ok().then_some((inode, fd))
        };
        let Some((inode, fd)) = found() else { continue };
        if !known {
            let Some(process) = read_status(pid) else {
                return;
            };
            scene.processes.push(process);
            known = true;
        }
        scene.owners.push(Owner {
            inode,
            process: scene.processes.len() - 1,
            fd,
        });
    }
}

/// Reads who the process is, if it is still there.
fn read_status(pid: pid_t) -> Option<Process> {
    let text = fs::read(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let mut lines = text.split(|&byte| byte == b'\n');
        lines.find_map(|line| line.strip_prefix(name.as_bytes()))
    };
    let words = |name: &str| Some(from_utf8(field(name)?).ok()?.split_whitespace());

    // 6. A process names itself as it likes: what is no plain character is not printed.
    let name = field("Name:\t")?.iter().map(|&byte| match byte {
        b'!'..=b'~' => byte.into(),
        _ => '?',
    });
    let mut command: String = name.collect();
    if command.is_empty() {
        command.push('?');
    }

    Some(Process {
        pid,
        parent: words("PPid:")?.next()?.parse().ok()?,
        uid: words("Uid:")?.nth(1)?.parse().ok()?,
        command,
        holds: false,
    })
}

/// Reads the options of the socket by the first of them that lets us.
fn read_options(scene: &mut Scene, socket: &mut Listed) {
    let mut refused = None;

    for owner in owners_of(scene, socket) {
        if socket.reuseaddr.is_some() {
            break;
        }
        let s = match borrow(scene.processes[owner.process].pid, owner.fd, owner.inode) {
            Ok(s) => s,
            Err(reason) => {
                refused = Some(reason);
                continue;
            }
        };
        socket.reuseaddr = read_option(s, SOL_SOCKET, SO_REUSEADDR);
        socket.reuseport = read_option(s, SOL_SOCKET, SO_REUSEPORT);
        if socket.local.family == AF_INET6 {
            socket.v6only = read_option(s, IPPROTO_IPV6, IPV6_V6ONLY);
        }
        close_fd(s);
    }
    if socket.reuseaddr.is_none() && refused.is_some() {
        scene.getfd_error = refused;
    }
}

/// A copy of a process's descriptor for the socket `inode`; an error is the failed call's.
fn borrow(pid: pid_t, fd: c_int, inode: ino_t) -> Result<c_int, Errno> {
    // SAFETY: numbers go in, a number comes out.
    let pidfd = unsafe { libc::syscall(SYS_pidfd_open, pid, 0) } as c_int;
    if pidfd == -1 {
        return Err(errno());
    }
    // SAFETY: numbers go in, a number comes out.
    let s = unsafe { libc::syscall(SYS_pidfd_getfd, pidfd, fd, 0) } as c_int;
    let reason = errno();
    close_fd(pidfd);
    if s == -1 {
        return Err(reason);
    }

    // 7. The number may be another file's by now.
    // SAFETY: stat is integers and arrays of them: all zeros is a value of it.
    let mut status: stat = unsafe { mem::zeroed() };
    // SAFETY: the kernel writes a stat where there is one.
    if unsafe { libc::fstat(s, &raw mut status) } == 0 && status.st_ino == inode {
        return Ok(s);
    }
    close_fd(s);
    Err(Errno(EBADF))
}

/// Whether the option is set, if that can be read.
fn read_option(s: c_int, level: c_int, name: c_int) -> Option<bool> {
    let mut value: c_int = 0;
    let mut length = size_of_val(&value) as socklen_t;

    // SAFETY: the kernel writes at most length bytes into value, and length anew.
    let z = unsafe { libc::getsockopt(s, level, name, (&raw mut value).cast(), &raw mut length) };
    (z != -1).then_some(value != 0)
}

fn by_inode(left: &Owner, right: &Owner) -> Ordering {
    let key = |owner: &Owner| (owner.inode, owner.process, owner.fd);
    key(left).cmp(&key(right))
}
