//! Pairs that pass a descriptor, and that set the options of a socket: handover and options.

use crate::pairs::*;
use crate::support::*;
use std::os::unix::net::UnixDatagram;

#[test]
fn handover_passes_a_descriptor_to_another_process() {
    let license = project("LICENSE");
    let (file, length) = (license.to_str().unwrap(), fs::read(&license).unwrap().len());
    let path = scratch("handover");
    let address = format!("../{}", path.file_name().unwrap().to_str().unwrap());
    let stdout = format!("read {length} bytes\n");
    let outcome = run_pair("", "handover", &[&address], |run| {
        run.makes(1, "recvmsg(")?;
        let mut client = Command::new(&programs("handover")[0]);
        let client = client
            .args([&*address, file])
            .current_dir(&run.trace.folder.path);
        client.status().map(|_| ()).map_err(text)
    });
    let message = r#"msg_iov=[{iov_base="\0", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4]}], msg_controllen=24"#;
    outcome.prints(&stdout, "", "exit status: 0").calls(&format!(
        "socket(AF_UNIX, SOCK_DGRAM, 0) = 3
        bind(3, {{sa_family=AF_UNIX, sun_path=\"{address}\"}}, 110) = 0
        recvmsg(3, {{msg_name=POINTER, msg_namelen=110 => 0, {message}, msg_flags=MSG_CMSG_CLOEXEC}}, MSG_CMSG_CLOEXEC) = 1
        unlink(\"{address}\") = 0
        read(4, "
    ));
    let _peer = UnixDatagram::bind(&path).unwrap();
    let outcome = run_pair("", "handover", &[&address, file], |_| Ok(()));
    fs::remove_file(&path).unwrap();
    let outcome = outcome.prints("", "", "exit status: 0");
    outcome.calls(&format!(
        "openat(AT_FDCWD, {file:?}, O_RDONLY) = 4
        sendmsg(3, {{msg_name={{sa_family=AF_UNIX, sun_path=\"{address}\"}}, msg_namelen=110, {message}, msg_flags=0}}, 0) = 1"
    ));
    let outcome = run_pair("", "handover", &["s", "none"], |_| Ok(()));
    outcome.fails("handover: open none: No such file or directory");
}

#[test]
fn a_path_must_fit_and_so_reuseaddr_does_not_free_one_that_exists() {
    let [empty, longest, too_long] = [0, 107, 108].map(|length| "s".repeat(length));
    for path in [empty, too_long] {
        let outcome = run_pair("", "handover", &[&path], |_| Ok(()));
        outcome.fails("handover: usage: handover PATH [FILE]");
    }
    let bound = format!("bind(3, {{sa_family=AF_UNIX, sun_path=\"{longest}\"}}, 110) = 0");
    let session = |run: &mut Run| run.makes(1, "recvmsg(").and_then(|()| run.stop());
    run_pair("", "handover", &[&longest], session).calls(&bound);

    let error = "handover: bind stderr: Address already in use";
    run_pair("", "handover", &["stderr"], |_| Ok(())).fails(error);
    let option = "setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));\nif (bind";
    let wrong = [("if (bind", option)];
    run_wrong_form("", "handover", &wrong, &["stderr"], |_| Ok(())).fails(error);
}

#[test]
fn options_reads_back_each_option_that_it_sets() {
    let printed = "reuse 1, nodelay 1, linger 5 s, timeout 1.100000 s\n";
    let outcome = run_pair("", "options", &["\u{b} 1100"], |_| Ok(()));
    outcome.prints(printed, "", "exit status: 0").calls(
        r#"socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
        setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
        getsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], [4]) = 0
        setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, "\1\0\0\0\0\0\0\0\240\206\1\0\0\0\0\0", 16) = 0
        getsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, "\1\0\0\0\0\0\0\0\240\206\1\0\0\0\0\0", [16]) = 0
        setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0
        getsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, [8]) = 0
        setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0
        getsockopt(3, SOL_TCP, TCP_NODELAY, [1], [4]) = 0"#,
    );
    for number in ["0", "-1", "5x", "", "\u{a0}5", "9223372036854775808"] {
        let outcome = run_pair("", "options", &[number], |_| Ok(()));
        outcome.fails("options: usage: options MILLISECONDS");
    }
    // A timeout is EAGAIN, and not ETIMEDOUT.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tv_sec, tv_usec) = (0, 1);
    let timeout = libc::timeval { tv_sec, tv_usec };
    set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVTIMEO, timeout).unwrap();
    let error = socket.recv(&mut [0]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
}
