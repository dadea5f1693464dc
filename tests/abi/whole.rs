//! The whole output of `abi`, on x86-64 with glibc. Elsewhere, numbers and error messages may differ.

use super::abi;
use crate::support::first_difference;

/// The lines that are not blank, with one space between words.
const OUTPUT: &str = "\
    1. Constants | AF_INET 2 | AF_INET6 10 | AF_UNIX 1 | AF_UNSPEC 0 | INADDR_ANY 0 | \
    INADDR_LOOPBACK 2130706433 | AI_PASSIVE 1 | AI_NUMERICHOST 4 | AI_NUMERICSERV 1024 | EAI_NONAME -2 | \
    EAI_SYSTEM -11 | NI_NUMERICHOST 1 | NI_NUMERICSERV 2 | SOCK_STREAM 1 | SOCK_DGRAM 2 | SOCK_NONBLOCK 2048 | \
    SOCK_CLOEXEC 524288 | IPPROTO_IP 0 | IPPROTO_TCP 6 | IPPROTO_UDP 17 | IPPROTO_IPV6 41 | SOMAXCONN 4096 | \
    SHUT_RD 0 | SHUT_WR 1 | SHUT_RDWR 2 | SOL_SOCKET 1 | SO_REUSEADDR 2 | SO_REUSEPORT 15 | SO_ERROR 4 | \
    SO_LINGER 13 | SO_RCVBUF 8 | SO_SNDBUF 7 | SO_RCVTIMEO 20 | SO_SNDTIMEO 21 | IPV6_V6ONLY 26 | \
    TCP_INFO 11 | TCP_NODELAY 1 | TCP_QUICKACK 12 | MSG_DONTWAIT 64 | MSG_NOSIGNAL 16384 | MSG_PEEK 2 | \
    MSG_TRUNC 32 | MSG_CTRUNC 8 | MSG_CMSG_CLOEXEC 1073741824 | SCM_RIGHTS 1 | POLLIN 1 | POLLOUT 4 | \
    POLLERR 8 | POLLHUP 16 | FD_SETSIZE 1024 | EPOLL_CLOEXEC 524288 | EPOLL_CTL_ADD 1 | EPOLL_CTL_MOD 3 | \
    EPOLL_CTL_DEL 2 | EPOLLIN 1 | EPOLLOUT 4 | EPOLLERR 8 | EPOLLHUP 16 | SIGCHLD 17 | SIGPIPE 13 | \
    SIGTERM 15 | SIG_DFL 0 | SIG_IGN 1 | SA_RESTART 268435456 | SA_NOCLDSTOP 1 | SA_NOCLDWAIT 2 | WNOHANG 1 | \
    CLONE_NEWUSER 268435456 | CLONE_NEWNET 1073741824 | F_GETFD 1 | F_SETFD 2 | FD_CLOEXEC 1 | F_GETFL 3 | \
    F_SETFL 4 | O_RDONLY 0 | O_RDWR 2 | O_NONBLOCK 2048 | O_CLOEXEC 524288 | SIOCSIFFLAGS 35092 | IFF_UP 1 | \
    PROT_NONE 0 | MAP_PRIVATE 2 | MAP_ANONYMOUS 32 | EINTR 4 | EAGAIN 11 | EINPROGRESS 115 | EADDRINUSE 98 | \
    ECONNREFUSED 111 | EPIPE 32 | ECHILD 10 | \
    2. Types (libc crate: sa_sigaction for sa_handler, u64 for epoll_event's data) | int size 4, alignment 4 | \
    size_t size 8, alignment 8 | ssize_t size 8, alignment 8 | pid_t size 4, alignment 4 | \
    uid_t size 4, alignment 4 | socklen_t size 4, alignment 4 | sa_family_t size 2, alignment 2 | \
    in_port_t size 2, alignment 2 | in_addr size 4, alignment 4 | s_addr offset 0 | \
    in6_addr size 16, alignment 4 | s6_addr offset 0 | sockaddr size 16, alignment 2 | sa_family offset 0 | \
    sa_data offset 2 | sockaddr_storage size 128, alignment 8 | ss_family offset 0 | \
    sockaddr_in size 16, alignment 4 | sin_family offset 0 | sin_port offset 2 | sin_addr offset 4 | \
    sin_zero offset 8 | sockaddr_in6 size 28, alignment 4 | sin6_family offset 0 | sin6_port offset 2 | \
    sin6_flowinfo offset 4 | sin6_addr offset 8 | sin6_scope_id offset 24 | \
    sockaddr_un size 110, alignment 2 | sun_family offset 0 | sun_path offset 2 | \
    addrinfo size 48, alignment 8 | ai_flags offset 0 | ai_family offset 4 | ai_socktype offset 8 | \
    ai_protocol offset 12 | ai_addrlen offset 16 | ai_addr offset 24 | ai_canonname offset 32 | \
    ai_next offset 40 | linger size 8, alignment 4 | l_onoff offset 0 | l_linger offset 4 | \
    iovec size 16, alignment 8 | iov_base offset 0 | iov_len offset 8 | timeval size 16, alignment 8 | \
    tv_sec offset 0 | tv_usec offset 8 | timespec size 16, alignment 8 | tv_sec offset 0 | tv_nsec offset 8 | \
    fd_set size 128, alignment 8 | pollfd size 8, alignment 4 | fd offset 0 | events offset 4 | \
    revents offset 6 | epoll_event size 12, alignment 1 | events offset 0 | data offset 4 | \
    sigset_t size 128, alignment 8 | sigaction size 152, alignment 8 | sa_handler offset 0 | \
    sa_sigaction offset 0 | sa_mask offset 8 | sa_flags offset 136 | sa_restorer offset 144 | \
    msghdr size 56, alignment 8 | msg_name offset 0 | msg_namelen offset 8 | msg_iov offset 16 | \
    msg_iovlen offset 24 | msg_control offset 32 | msg_controllen offset 40 | msg_flags offset 48 | \
    cmsghdr size 16, alignment 8 | cmsg_len offset 0 | cmsg_level offset 8 | cmsg_type offset 12 | \
    ifreq size 40, alignment 8 | ifr_name offset 0 | utsname size 390, alignment 1 | release offset 130 | \
    3. Bytes of a sockaddr_in for 192.168.0.1:9099 | 02 00 23 8b c0 a8 00 01 00 00 00 00 00 00 00 00 | \
    4. SO_REUSEADDR: value set, and value returned by getsockopt | 0 0 | 1 1 | 2 1 | -1 1 | 256 1 | 65536 1 | \
    The option is on. optlen passed; optlen returned, buffer (ee: not written) | \
    On a big-endian machine, lengths 1 to 3 return zeros, as if it were off. | 0 0, ee ee ee ee ee ee ee ee | \
    1 1, 01 ee ee ee ee ee ee ee | 2 2, 01 00 ee ee ee ee ee ee | 3 3, 01 00 00 ee ee ee ee ee | \
    4 4, 01 00 00 00 ee ee ee ee | 5 4, 01 00 00 00 ee ee ee ee | 6 4, 01 00 00 00 ee ee ee ee | \
    7 4, 01 00 00 00 ee ee ee ee | 8 4, 01 00 00 00 ee ee ee ee | \
    5. Calls and their results | socket TCP over IPv4 OK | socket family -1 EAFNOSUPPORT | \
    socket type -1 EINVAL | socket type 0 ESOCKTNOSUPPORT | \
    socket type SOCK_STREAM, protocol UDP EPROTONOSUPPORT | socket protocol -1 EINVAL | \
    setsockopt descriptor -1 EBADF | setsockopt not a socket ENOTSOCK | setsockopt level 99 ENOPROTOOPT | \
    setsockopt level -1 ENOPROTOOPT | setsockopt level IPPROTO_IP, 2: IP_TTL of 1 OK | \
    setsockopt level IPPROTO_TCP, 2: TCP_MAXSEG of 1 EINVAL | setsockopt option -1 ENOPROTOOPT | \
    setsockopt option 9999 ENOPROTOOPT | setsockopt length -1 EINVAL | setsockopt length 0 EINVAL | \
    setsockopt length 1, a bool EINVAL | setsockopt length 3 EINVAL | setsockopt length 4 OK | \
    setsockopt length 8 OK | setsockopt null pointer EFAULT | setsockopt null pointer, length 3 EINVAL | \
    setsockopt pointer to a PROT_NONE page EFAULT | setsockopt listening socket OK | \
    setsockopt AF_UNIX socket, which ignores it OK | getsockopt descriptor -1 EBADF | \
    getsockopt not a socket ENOTSOCK | getsockopt level 99 (ENOPROTOOPT in setsockopt) EOPNOTSUPP | \
    getsockopt option 9999 ENOPROTOOPT | getsockopt length -1 EINVAL | getsockopt length 0 OK | \
    getsockopt null pointer EFAULT | getsockopt null pointer, length 0 OK | \
    getsockopt pointer to a PROT_NONE page EFAULT | getsockopt null pointer for the length EFAULT | \
    bind descriptor -1 EBADF | bind not a socket ENOTSOCK | bind length -1 EINVAL | bind length 0 EINVAL | \
    bind length 15, one byte too short EINVAL | bind length 129, more than sockaddr_storage EINVAL | \
    bind null pointer EFAULT | bind pointer to a PROT_NONE page EFAULT | bind family AF_UNIX EAFNOSUPPORT | \
    bind family AF_UNSPEC, address not 0.0.0.0 EAFNOSUPPORT | bind address of another host EADDRNOTAVAIL | \
    bind address of a listening socket EADDRINUSE | bind length 128, sockaddr_storage OK | \
    bind already bound EINVAL | listen descriptor -1 EBADF | listen not a socket ENOTSOCK | \
    listen UDP socket EOPNOTSUPP | listen not bound: the kernel chooses a port OK | \
    listen already listening, backlog -1 OK | connect descriptor -1 EBADF | connect length 8 EINVAL | \
    connect null pointer EFAULT | connect to a listening socket OK | connect already connected EISCONN | \
    listen connected socket EINVAL | accept descriptor -1 EBADF | accept not a socket ENOTSOCK | \
    accept UDP socket EOPNOTSUPP | accept not listening EINVAL | accept empty queue, O_NONBLOCK EAGAIN | \
    accept length -1: the connection is lost EINVAL | read descriptor -1 EBADF | read not connected ENOTCONN | \
    read length 0 OK | write descriptor -1 EBADF | write not connected EPIPE | shutdown not connected ENOTCONN | \
    shutdown how 3 EINVAL | shutdown not a socket ENOTSOCK | getsockname not a socket ENOTSOCK | \
    getsockname length -1 EINVAL | getsockname null pointer for the length EFAULT | \
    waitpid not a child process ECHILD | waitpid invalid options EINVAL | close descriptor -1 EBADF | \
    close open descriptor OK | close closed descriptor EBADF | \
    6. Error messages | EACCES Permission denied | EADDRINUSE Address already in use | \
    EADDRNOTAVAIL Cannot assign requested address | EAFNOSUPPORT Address family not supported by protocol | \
    EAGAIN Resource temporarily unavailable | EBADF Bad file descriptor | ECHILD No child processes | \
    EFAULT Bad address | EINVAL Invalid argument | EISCONN Transport endpoint is already connected | \
    ENOPROTOOPT Protocol not available | ENOTCONN Transport endpoint is not connected | \
    ENOTSOCK Socket operation on non-socket | EOPNOTSUPP Operation not supported | \
    EPERM Operation not permitted | EPIPE Broken pipe | EPROTONOSUPPORT Protocol not supported | \
    ESOCKTNOSUPPORT Socket type not supported | unexpected results: 0";

#[test]
fn every_line_is_as_expected() {
    let abi = abi();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = abi.lines().map(words).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.collect();
    let expected: Vec<&str> = OUTPUT.split(" | ").collect();
    assert_eq!(first_difference(&expected, &lines), None);
}
