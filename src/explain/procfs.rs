//! Finds the holders of sockets in `/proc`, and reads the sockets' options.
//!
//! getsockopt(2) needs a descriptor: pidfd_getfd(2) copies one from a process that holds
//! the socket, if ptrace(2) of that process is permitted. C counterpart: `c-reference/explain/procfs.c`.

use crate::explain::snapshot::{Holder, Process, Snapshot, SocketEntry};
use crate::sock::{checked, close_fd};
use errno::Errno;
use libc::{
    AF_INET6, EACCES, EBADF, ENOENT, EPERM, ESRCH, IPPROTO_IPV6, IPV6_V6ONLY, S_IFMT, S_IFSOCK,
    SIGKILL, SO_LINGER, SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET, SYS_pidfd_getfd, SYS_pidfd_open,
    c_int, linger, pid_t, socklen_t, stat,
};
use std::cmp::Ordering;
use std::fs;
use std::mem;
use std::path::PathBuf;
use std::ptr;
use std::str::from_utf8;

fn by_inode(left: &SocketEntry, right: &SocketEntry) -> Ordering {
    left.inode.cmp(&right.inode)
}

/// Reads `/proc/PID/status`. Returns None if the process no longer exists.
fn read_status(pid: pid_t) -> Option<Process> {
    let text = fs::read(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let mut lines = text.split(|&byte| byte == b'\n');
        lines.find_map(|line| line.strip_prefix(name.as_bytes()))
    };
    let words = |name: &str| Some(from_utf8(field(name)?).ok()?.split_whitespace());

    // A process can set its name to any bytes: replace those that are not printable.
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
        holds_port: false,
    })
}

/// Adds the descriptors of process `pid` to the sockets, which are sorted by inode.
fn find_descriptors(snapshot: &mut Snapshot, pid: pid_t) {
    let mut added = false;

    let directory = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(directory) => directory,
        Err(error) => {
            // The mount option hidepid of /proc decides which of the two errors is returned.
            match error.raw_os_error() {
                Some(EACCES | EPERM) => snapshot.hidden = true,
                Some(ENOENT | ESRCH) => {}
                other => snapshot.proc_error = other.map(Errno),
            }
            return;
        }
    };
    for file in directory.flatten() {
        let target = fs::read_link(file.path()).unwrap_or_else(|error| {
            snapshot.hidden |= error.raw_os_error() == Some(EACCES);
            PathBuf::new()
        });
        let inode = || -> Option<u64> {
            let target = target.to_str()?.strip_prefix("socket:[")?;
            target.strip_suffix(']')?.parse().ok()
        };
        let Some(inode) = inode() else { continue };
        let search = |entry: &SocketEntry| entry.inode.cmp(&inode);
        let Ok(index) = snapshot.sockets.binary_search_by(search) else {
            continue;
        };
        if !added {
            let Some(process) = read_status(pid) else {
                return;
            };
            snapshot.processes.push(process);
            added = true;
        }
        let fd = file.file_name().to_str().and_then(|name| name.parse().ok());
        snapshot.sockets[index].holders.push(Holder {
            process: snapshot.processes.len() - 1,
            fd: fd.unwrap_or(-1),
        });
    }
}

/// Closes a copied descriptor. If the holder has closed the socket, this is the last descriptor, and
/// with SO_LINGER close(2) would block until all data is acknowledged. The exit of a process does not
/// block: so a child process has it open until it is killed.
fn close_copy(fd: c_int) {
    // SAFETY: linger has integer members only, for which zero is valid.
    let mut linger: linger = unsafe { mem::zeroed() };
    let mut length = size_of_val(&linger) as socklen_t;
    let mut pid = -1;

    let value = (&raw mut linger).cast();
    // SAFETY: `length` is the size of `linger`.
    let z = unsafe { libc::getsockopt(fd, SOL_SOCKET, SO_LINGER, value, &raw mut length) };
    if z == 0 && linger.l_onoff != 0 && linger.l_linger != 0 {
        // SAFETY: the process has one thread, so no lock stays locked in the child.
        pid = unsafe { libc::fork() };
    }
    if pid == 0 {
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::sleep(1) }; // if its parent is killed first
        // SAFETY: no pointers; does not return.
        unsafe { libc::_exit(0) };
    }
    close_fd(fd);
    if pid > 0 {
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::kill(pid, SIGKILL) };
        // SAFETY: a null pointer is allowed for the status.
        unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
    }
}

/// Returns a copy of process `pid`'s descriptor `fd` for the socket `inode`. An error is the errno of
/// the call that failed.
fn copy_descriptor(pid: pid_t, fd: c_int, inode: u64) -> Result<c_int, Errno> {
    // SAFETY: no pointers; any argument value is safe.
    let pidfd = checked(unsafe { libc::syscall(SYS_pidfd_open, pid, 0) } as c_int)?;
    // SAFETY: no pointers; any argument value is safe.
    let s = checked(unsafe { libc::syscall(SYS_pidfd_getfd, pidfd, fd, 0) } as c_int);
    close_fd(pidfd);
    let s = s?;

    // The process may have reused the number for another file.
    // SAFETY: stat has integer members only, for which zero is valid.
    let mut status: stat = unsafe { mem::zeroed() };
    // SAFETY: `status` has room for the stat structure that fstat(2) writes.
    let z = unsafe { libc::fstat(s, &raw mut status) };
    if z == 0 && status.st_mode & S_IFMT == S_IFSOCK && status.st_ino == inode {
        return Ok(s);
    }
    close_copy(s);
    Err(Errno(EBADF))
}

/// Returns the value of a boolean option, or None if it cannot be read.
fn read_option(s: c_int, level: c_int, name: c_int) -> Option<bool> {
    let mut value: c_int = 0;
    let mut length = size_of_val(&value) as socklen_t;
    // SAFETY: `length` is the size of `value`.
    let z = unsafe { libc::getsockopt(s, level, name, (&raw mut value).cast(), &raw mut length) };
    (z != -1).then_some(value != 0)
}

/// Reads the options of `entry`'s socket with the first descriptor that can be copied.
fn read_options(processes: &[Process], entry: &mut SocketEntry, getfd_error: &mut Option<Errno>) {
    let mut error = None;

    for holder in &entry.holders {
        match copy_descriptor(processes[holder.process].pid, holder.fd, entry.inode) {
            Err(reason) => error = Some(reason),
            Ok(s) => {
                entry.reuseaddr = read_option(s, SOL_SOCKET, SO_REUSEADDR);
                entry.reuseport = read_option(s, SOL_SOCKET, SO_REUSEPORT);
                if entry.local.family == AF_INET6 {
                    entry.v6only = read_option(s, IPPROTO_IPV6, IPV6_V6ONLY);
                }
                close_copy(s);
            }
        }
        if entry.reuseaddr.is_some() {
            return;
        }
    }
    *getfd_error = error.or(*getfd_error);
}

/// Finds the processes that hold the sockets of the snapshot, and reads the sockets' options. Sets
/// `hidden`, `proc_error` and `getfd_error`.
pub fn find_holders(snapshot: &mut Snapshot) {
    if snapshot.sockets.iter().all(|entry| entry.inode == 0) {
        return;
    }
    snapshot.sockets.sort_by(by_inode);
    let mut mounted = false;
    let mut has_init = false;
    match fs::read_dir("/proc") {
        Err(error) => snapshot.proc_error = error.raw_os_error().map(Errno),
        Ok(directory) => {
            for file in directory.flatten() {
                let Some(pid) = file.file_name().to_str().and_then(|name| name.parse().ok()) else {
                    continue;
                };
                mounted = true;
                has_init |= pid == 1;
                find_descriptors(snapshot, pid);
            }
            if !mounted {
                snapshot.proc_error = Some(Errno(ENOENT));
            }
        }
    }
    // Process 1 always exists. If /proc does not list it, processes are hidden (hidepid=2).
    snapshot.hidden |= !has_init;
    for entry in &mut snapshot.sockets {
        if entry.relevant {
            read_options(&snapshot.processes, entry, &mut snapshot.getfd_error);
        }
    }
}

/// Reads the range of ports that the kernel assigns to clients.
pub fn read_port_range(snapshot: &mut Snapshot) {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let ports: Vec<u16> = text.split_whitespace().flat_map(str::parse).collect();

    if let [first, last] = ports[..] {
        snapshot.first_port = first;
        snapshot.last_port = last;
    }
}
