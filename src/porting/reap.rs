//! Starts three child processes, and counts how they end. Usage: `reap`.
//! C counterpart: `c-reference/porting/reap.c`.

use errno::{errno, set_errno};
use libc::{SA_RESTART, SIG_BLOCK, SIGCHLD, SIGKILL, c_int, sigaction};
use libc::{WEXITSTATUS, WIFEXITED, WIFSIGNALED, WNOHANG};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::{mem, process, ptr};

static PIDS: [AtomicI32; 3] = [const { AtomicI32::new(0) }; 3];
static REAPED: AtomicI32 = AtomicI32::new(0);
static FAILED: AtomicI32 = AtomicI32::new(0);
static KILLED: AtomicI32 = AtomicI32::new(0);

extern "C" fn on_sigchld(_signal: c_int) {
    // 1. Reap each child process that has ended: one SIGCHLD may stand for several.
    let (mut status, saved) = (0, errno()); // the interrupted code may read errno
    // SAFETY: `status` is an int.
    while let pid @ 1.. = unsafe { libc::waitpid(-1, &raw mut status, WNOHANG) } {
        let ours = PIDS.iter().any(|ours| ours.load(Relaxed) == pid); // forked after exec
        REAPED.fetch_add(ours.into(), Relaxed);
        let failed = ours && WIFEXITED(status) && WEXITSTATUS(status) != 0;
        FAILED.fetch_add(failed.into(), Relaxed);
        KILLED.fetch_add((ours && WIFSIGNALED(status)).into(), Relaxed);
    }
    set_errno(saved);
}

fn main() {
    // 2. Install the handler. Block SIGCHLD, which could come just before sigsuspend.
    // SAFETY: sigaction is integers and an optional function, for which zero is valid.
    let mut action: sigaction = unsafe { mem::zeroed() };
    let handler: extern "C" fn(c_int) = on_sigchld;
    (action.sa_sigaction, action.sa_flags) = (handler as usize, SA_RESTART);
    // SAFETY: `sa_mask` is a sigset_t.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    // SAFETY: `sa_mask` is a sigset_t.
    unsafe { libc::sigaddset(&raw mut action.sa_mask, SIGCHLD) };
    // SAFETY: the handler is async-signal-safe; without SA_SIGINFO, it gets one int.
    unsafe { libc::sigaction(SIGCHLD, &raw const action, ptr::null_mut()) };
    let mut before = action.sa_mask;
    // SAFETY: both are a sigset_t.
    unsafe { libc::sigprocmask(SIG_BLOCK, &raw const action.sa_mask, &raw mut before) };
    // SAFETY: `before` is a sigset_t. SIGCHLD may have been blocked before exec.
    unsafe { libc::sigdelset(&raw mut before, SIGCHLD) };

    // 3. Fork.
    for child in 0..3 {
        // SAFETY: the process has one thread, so no lock stays locked in the child.
        let pid = unsafe { libc::fork() };
        if pid == -1 {
            eprintln!("reap: fork: {}", errno());
            process::exit(1)
        }
        PIDS[child as usize].store(pid, Relaxed);
        if pid == 0 && child == 2 {
            // SAFETY: no pointers; any argument value is safe.
            unsafe { libc::raise(SIGKILL) };
        }
        if pid == 0 {
            // SAFETY: no pointers; does not return.
            unsafe { libc::_exit(3 * child) };
        }
    }

    // 4. Wait. The handler runs only while sigsuspend has SIGCHLD unblocked.
    while REAPED.load(Relaxed) < 3 {
        // SAFETY: `before` is a sigset_t.
        unsafe { libc::sigsuspend(&raw const before) };
    }
    let [reaped, failed, killed] = [&REAPED, &FAILED, &KILLED].map(|count| count.load(Relaxed));
    println!("{reaped} reaped, {failed} failed, {killed} killed");
}
