//! Finds the holders of sockets in `/proc`, and reads the sockets' options.
//!
//! getsockopt(2) needs a descriptor. pidfd_getfd(2) copies one from a holder of the socket, if it
//! may be traced with ptrace(2). C counterpart: `c-reference/explain/procfs.c`.

use crate::explain::snapshot::*;
use crate::sock::{checked, close_fd};
use errno::Errno;
use libc::{
    EACCES, EBADF, ENOENT, EPERM, ESRCH, IPPROTO_IPV6, IPV6_V6ONLY, O_EXCL, S_IFMT, S_IFSOCK,
    SIGKILL, SO_LINGER, SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET, SYS_pidfd_getfd, SYS_pidfd_open,
    c_int, linger, pid_t, socklen_t, stat,
};
use std::fs::{self, File};
use std::io::{self, Read};
use std::mem;
use std::path::Path;
use std::process;
use std::str::from_utf8;

/// Number of bytes of a command line that are kept.
const COMMAND_SIZE: u64 = 511;

/// From <linux/pidfd.h>, since Linux 6.9.
const PIDFD_THREAD: c_int = O_EXCL;

/// Reads `/proc/PID/status` and `/proc/PID/cmdline`. Returns None if the process no longer exists.
fn read_process(pid: pid_t, thread: pid_t) -> Option<Process> {
    let text = fs::read(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let mut lines = text.split(|&byte| byte == b'\n');
        lines.find_map(|line| line.strip_prefix(name.as_bytes()))
    };
    let words = |name: &str| Some(from_utf8(field(name)?).ok()?.split_whitespace());
    let mut command = Vec::new();

    if let Ok(file) = File::open(format!("/proc/{pid}/cmdline")) {
        let _ = file.take(COMMAND_SIZE).read_to_end(&mut command);
    }
    while command.last() == Some(&0) {
        command.pop();
    }
    if command.is_empty() {
        command = [b"[", field("Name:\t")?, b"]"].concat(); // a zombie, for example
    }
    Some(Process {
        pid,
        thread,
        parent: words("PPid:")?.next()?.parse().ok()?,
        uid: words("Uid:")?.nth(1)?.parse().ok()?,
        suspended: matches!(field("State:\t")?.first()?, b'T' | b't'),
        command: printable(&command), // a process can set it to any bytes
    })
}

/// Adds the descriptors in directory `path`, which are those of `thread` of process `pid`, to the
/// sockets. These are sorted by inode.
fn find_descriptors(snapshot: &mut Snapshot, path: &str, pid: pid_t, thread: pid_t) {
    let directory = fs::read_dir(path).map_err(|error| error.raw_os_error().unwrap_or(0));
    let directory = match directory {
        Ok(directory) => directory,
        // The mount option hidepid of /proc decides which of the two errors is returned.
        Err(EACCES | EPERM) => return snapshot.hidden = true,
        Err(ENOENT | ESRCH) => return,
        Err(error) => return snapshot.proc_error = Some(Errno(error)),
    };
    for file in directory.flatten() {
        let target = fs::read_link(file.path());
        // EACCES is also the error for a process that no longer exists.
        let denied = |error: &io::Error| error.raw_os_error() == Some(EACCES);
        snapshot.hidden |= target.as_ref().is_err_and(denied) && Path::new(path).exists();
        let target = target.unwrap_or_default().into_os_string();
        let target = target.to_str().unwrap_or_default();
        let inode = target.strip_prefix("socket:[").unwrap_or_default();
        let Ok(inode) = inode.trim_end_matches(']').parse() else {
            continue;
        };
        let sockets = &mut snapshot.sockets;
        let index = sockets.binary_search_by_key(&inode, |entry| entry.inode);
        let Ok(index) = index else { continue };
        let entry = &mut sockets[index];
        let last = entry.holders.last();
        let last = last.map(|holder| &snapshot.processes[holder.process]);
        // One descriptor of each process is enough, and of a thread only if no process has one.
        if last.is_some_and(|last| last.pid == pid || (thread != pid && last.thread == last.pid)) {
            continue;
        }
        let last = snapshot.processes.last();
        if last.is_none_or(|last| (last.pid, last.thread) != (pid, thread)) {
            let Some(process) = read_process(pid, thread) else {
                return;
            };
            snapshot.processes.push(process);
        }
        let process = snapshot.processes.len() - 1;
        let name = file.file_name();
        let fd = name.to_str().map_or(0, |name| name.parse().unwrap_or(0));
        entry.holders.push(Holder { process, fd });
    }
}

/// Returns the numbers that are names in directory `path`. Rust only: C has next_number().
fn list_numbers(path: &str) -> Result<Vec<pid_t>, Errno> {
    let directory = fs::read_dir(path);
    let directory = directory.map_err(|error| Errno(error.raw_os_error().unwrap_or(0)))?;
    let number = |file: fs::DirEntry| file.file_name().to_str()?.parse().ok();
    Ok(directory.flatten().filter_map(number).collect())
}

/// Finds the processes that hold the sockets of the snapshot. If `threads`, it reads the threads,
/// for sockets that no process holds: a thread can have its own descriptor table, or outlive the
/// first thread of its process. Sets `hidden`, `foreign` and `proc_error`.
pub fn find_holders(snapshot: &mut Snapshot, threads: bool) {
    if snapshot.sockets.iter().all(|entry| entry.inode == 0) {
        return;
    }
    snapshot.sockets.sort_by_key(|entry| entry.inode);
    let pids = list_numbers("/proc");
    snapshot.proc_error = snapshot.proc_error.or(pids.as_ref().err().copied());
    let pids = pids.unwrap_or_default();
    if pids.is_empty() && snapshot.proc_error.is_none() {
        snapshot.proc_error = Some(Errno(ENOENT)); // not mounted
    }
    for &pid in &pids {
        if !threads {
            find_descriptors(snapshot, &format!("/proc/{pid}/fd"), pid, pid);
            continue;
        }
        let tids = list_numbers(&format!("/proc/{pid}/task")).unwrap_or_default();
        for tid in tids.into_iter().filter(|&tid| tid != pid) {
            find_descriptors(snapshot, &format!("/proc/{pid}/task/{tid}/fd"), pid, tid);
        }
    }
    // Process 1 always exists. If /proc does not list it, processes are hidden (hidepid=2).
    snapshot.hidden |= !pids.contains(&1);
    let own = fs::read_link("/proc/self").unwrap_or_default();
    snapshot.foreign = own.to_str() != Some(&process::id().to_string());
}

/// Closes a copied descriptor. If the holder has closed the socket, this is the last descriptor,
/// and with SO_LINGER close(2) would block until all data is acknowledged. The exit of a process
/// does not block, so a child process keeps the descriptor open until it is killed.
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
        unsafe { libc::sleep(1) }; // in case its parent is killed first
        // SAFETY: no pointers; does not return.
        unsafe { libc::_exit(0) };
    }
    close_fd(fd);
    if pid > 0 {
        // SAFETY: no pointers; any argument value is safe.
        unsafe { libc::kill(pid, SIGKILL) }; // the kernel reaps it: SIGCHLD is ignored
    }
}

/// Returns a copy of `process`'s descriptor `fd` for the socket `inode`. An error is the errno of
/// the call that failed.
fn copy_descriptor(process: &Process, fd: c_int, inode: u64) -> Result<c_int, Errno> {
    let flags = [PIDFD_THREAD, 0][usize::from(process.thread == process.pid)];

    // SAFETY: no pointers; any argument value is safe.
    let pidfd = unsafe { libc::syscall(SYS_pidfd_open, process.thread, flags) };
    let pidfd = checked(pidfd as c_int)?;
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

/// Reads the options of the sockets on the port that were not read before. Sets `getfd_error`.
pub fn read_options(snapshot: &mut Snapshot) {
    // Process ids of another namespace name other processes here.
    let foreign = snapshot.foreign;

    for entry in snapshot
        .sockets
        .iter_mut()
        .filter(|entry| !entry.udp && !foreign)
    {
        for holder in &entry.holders {
            if entry.reuseaddr.is_some() {
                break;
            }
            let process = &snapshot.processes[holder.process];
            match copy_descriptor(process, holder.fd, entry.inode) {
                Err(reason) => snapshot.getfd_error = Some(reason),
                Ok(s) => {
                    entry.reuseaddr = read_option(s, SOL_SOCKET, SO_REUSEADDR);
                    entry.reuseport = read_option(s, SOL_SOCKET, SO_REUSEPORT);
                    let v6only = || read_option(s, IPPROTO_IPV6, IPV6_V6ONLY);
                    entry.v6only = entry.v6only.or_else(v6only);
                    close_copy(s);
                }
            }
        }
    }
}

/// Returns the first two numbers in a file of `/proc/sys/net/ipv4`, or zeros.
pub fn read_numbers(name: &str) -> [u16; 2] {
    let text = fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default();
    let mut numbers = text.split_whitespace().flat_map(str::parse);
    [(); 2].map(|()| numbers.next().unwrap_or(0))
}

/// Returns whether this process has CAP_NET_BIND_SERVICE, which is bit 10.
pub fn may_bind_every_port() -> bool {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = text.lines().find_map(|line| line.strip_prefix("CapEff:\t"));
    mask.is_some_and(|mask| u64::from_str_radix(mask, 16).unwrap_or(0) & 1 << 10 != 0)
}
