//! The sockets and processes that the kernel lists in /proc.

use super::*;

/// The TCP states by number, from 1 on; the kernel's include/net/tcp_states.h.
const TCP_STATES: &str = "- ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE \
    CLOSE_WAIT LAST_ACK LISTEN CLOSING NEW_SYN_RECV";

/// A TCP socket over IPv4.
#[derive(Clone, Debug, PartialEq)]
pub struct Socket {
    pub local: SocketAddrV4,
    pub peer: SocketAddrV4,
    pub state: &'static str,
    pub inode: u64,
    /// Seconds until its timer expires; 0 if none is running.
    pub timer: u32,
}

/// All TCP sockets over IPv4, from /proc/net/tcp.
pub fn sockets() -> Vec<Socket> {
    let table = fs::read_to_string("/proc/net/tcp").expect("/proc is mounted");
    table.lines().skip(1).filter_map(parse_socket).collect()
}

/// The TCP socket over IPv4 that connects `local` to `peer`. The kernel does not write /proc/net/tcp in one piece:
/// a socket can be missing while others are created or closed. The table is therefore read up to five times.
pub fn find_socket(local: SocketAddrV4, peer: SocketAddrV4) -> Option<Socket> {
    let mut all = (0..5).flat_map(|_| sockets());
    all.find(|socket| (socket.local, socket.peer) == (local, peer))
}

/// Fails if a socket uses `port` on a wildcard address, IPv4 or IPv6.
pub fn port_is_free(port: u16) -> Result<()> {
    let wildcard = |width| is_in_a_table(&format!(" {:0width$}:{port:04X} ", 0));
    let reason = format!("port {port} is in use on all addresses; ss -tlnp shows the process");
    (!wildcard(8) && !wildcard(32)).then_some(()).ok_or(reason)
}

/// Whether a socket, IPv4 or IPv6, has `port` as its local or remote port.
pub fn is_listed(port: u16) -> bool {
    is_in_a_table(&format!(":{port:04X} "))
}

/// Whether /proc/net/tcp or tcp6 contains `text`. Without IPv6 there is no tcp6.
fn is_in_a_table(text: &str) -> bool {
    let contains = |file| fs::read_to_string(file).is_ok_and(|table| table.contains(text));
    contains("/proc/net/tcp") || contains("/proc/net/tcp6")
}

fn parse_socket(line: &str) -> Option<Socket> {
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let address = |field: &str| {
        let (ip, port) = field.split_once(':')?;
        // The address is printed as an integer whose bytes in memory are the address.
        let ip = hex(ip)?.to_ne_bytes();
        Some(SocketAddrV4::new(ip.into(), hex(port)? as u16))
    };
    let fields: Vec<&str> = line.split_whitespace().collect();
    Some(Socket {
        local: address(fields.get(1)?)?,
        peer: address(fields.get(2)?)?,
        state: TCP_STATES.split(' ').nth(hex(fields.get(3)?)? as usize)?,
        inode: fields.get(9)?.parse().ok()?,
        // "03:00001770" is a timer that expires in 6,000 hundredths of a second.
        timer: hex(fields.get(5)?.split_once(':')?.1)?.div_ceil(100),
    })
}

/// The TCP sockets that process `pid` holds, from /proc/PID/fd. As a socket can be missing, see [`find_socket`],
/// the table is read again, at most ten times, until it has each socket of the process.
pub fn sockets_of(pid: i32) -> Vec<Socket> {
    let mut found = Vec::new();
    for _ in 0..10 {
        let folder = fs::read_dir(format!("/proc/{pid}/fd"));
        let entries = folder.into_iter().flatten().flatten();
        let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        let links = links.map(|link| link.to_string_lossy().into_owned());
        let held: Vec<String> = links.filter(|link| link.starts_with("socket:")).collect();
        found = sockets();
        found.retain(|socket| held.contains(&format!("socket:[{}]", socket.inode)));
        if found.len() == held.len() {
            break;
        }
    }
    found
}

/// Waits until process `pid` has one socket only, the `expected` one. Just after fork, a process has two.
pub fn only_socket(pid: i32, expected: impl Fn(&Socket) -> bool) -> Result<Socket> {
    let mut held = Vec::new();
    let what = format!("single socket, as expected, in process {pid}");
    let found = wait_for(what, || {
        held = sockets_of(pid);
        let only = held.first().filter(|_| held.len() == 1);
        only.filter(|socket| expected(socket)).cloned()
    });
    found.map_err(|reason| format!("{reason}; it has {held:?}"))
}

/// SO_REUSEADDR of the socket that is descriptor `fd` of process `pid`, if the kernel permits to copy the
/// descriptor.
pub fn reuseaddr_of(pid: i32, fd: i32) -> Option<i32> {
    let copy = copy_of(pid, fd).ok()?;
    let (s, name) = (copy.as_raw_fd(), libc::SO_REUSEADDR);
    let (mut value, mut length) = (0_i32, 4);
    let optval = (&raw mut value).cast();
    // SAFETY: `length` is the size of `value`.
    let z = unsafe { libc::getsockopt(s, libc::SOL_SOCKET, name, optval, &raw mut length) };
    (z != -1).then_some(value)
}

/// The number in `field` of /proc/PID/status.
pub fn process_status(pid: i32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let mut words = line.trim_start_matches(':').split_whitespace();
    words.next()?.parse().ok()
}

/// The state letter and the parent of process `pid`, from /proc/PID/stat.
pub fn process(pid: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The child processes of process `pid`, with zombies.
pub fn children(pid: i32) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(move |&child| process(child).is_some_and(|(_, parent)| parent == pid))
}

pub fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Whether process `pid` is blocked in `call`, a SYS_ number.
pub fn is_in_call(pid: i32, call: libc::c_long) -> bool {
    let current = fs::read_to_string(format!("/proc/{pid}/syscall"));
    let is_current = current.is_ok_and(|current| current.starts_with(&format!("{call} ")));
    // strace stops a process at the start of a call.
    is_current && matches!(process(pid), Some(('S', _)))
}

/// Waits until process `pid` is blocked in `call`, a SYS_ number.
pub fn wait_for_call(pid: i32, call: libc::c_long) -> Result<()> {
    let what = format!("system call {call} in process {pid}");
    wait_until(what, || is_in_call(pid, call))
}

/// Waits until process `pid` is stopped, by SIGSTOP or by its tracer.
pub fn wait_for_stop(pid: i32) -> Result<()> {
    wait_until("stop", || matches!(process(pid), Some(('T' | 't', _))))
}

/// Waits until process `pid` has exited and been reaped.
pub fn wait_for_reaping(pid: i32) -> Result<()> {
    let what = format!("exit of process {pid}, reaped");
    wait_until(what, || process(pid).is_none())
}

/// The release of the running kernel, as uname -r prints it.
pub fn release() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc is mounted");
    text.trim().into()
}

/// Whether the running kernel is older than Linux `major`.`minor`.
pub fn is_before(major: u32, minor: u32) -> bool {
    let release = release();
    let parts = release.split(['.', '-']);
    let mut numbers = parts.map_while(|part| part.parse().ok());
    (numbers.next(), numbers.next()) < (Some(major), Some(minor))
}
