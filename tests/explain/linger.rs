//! Sockets with SO_LINGER: a close(2) of the last descriptor blocks.

use super::*;
use libc::{SO_LINGER, SOL_SOCKET, linger};

/// Longer than every deadline.
const LINGER: linger = linger {
    l_onoff: 1,
    l_linger: 60,
};

#[test]
fn explain_does_not_linger_if_the_owner_closes_a_copied_descriptor() -> Result<()> {
    let _alone = alone();
    for build in builds() {
        let (mut holder, address) = held("ESTABLISHED", true);
        let accepted = TcpStream::from(holder.fds.remove(0));
        set_option(&accepted, SOL_SOCKET, SO_LINGER, LINGER).unwrap();
        fill(&accepted).unwrap();

        // With -D, strace becomes the build. The first option of the copied descriptor is read late.
        let mut line = injecting(&["getsockopt:delay_enter=3s:when=1"]);
        line.insert(1, "-D".into());
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).arg(&build.path);
        command.args(["explain", &address.to_string()]);
        let mut explain = Program::start(command)?;
        let pid = explain.process.id() as i32;
        wait_for("copied descriptor", || {
            let mut copied = sockets_of(pid).into_iter();
            copied.find(|socket| address == socket.local.into())
        })?;
        drop(accepted);
        let end = "end of explain, which does not linger";
        let status = wait_for(end, || explain.process.try_wait().unwrap())?;
        assert_eq!(status.code(), Some(0));
    }
    Ok(())
}

#[test]
fn explain_does_not_list_its_own_copies() {
    let _alone = alone();
    let (holder, address) = held("LISTEN", true);
    set_option(&holder.fds[0], SOL_SOCKET, SO_LINGER, LINGER).unwrap();
    // A result that contradicts the prediction: it looks again.
    let report = injected(&["bind:retval=0:when=1"], address);
    assert_eq!(report.text, explain(address).text);
}
