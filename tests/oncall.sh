#!/bin/sh
# Reproduces on-call situations with real servers: puts a port into a state, runs explain, follows
# its advice, and restarts the server. Each situation has its own namespaces.
# shellcheck disable=SC2016,SC2086,SC2317,SC2329 # the last argument of play is evaluated
set -u
cd "$(dirname "$0")/.." || exit
trap 'exit 130' INT TERM
work=$PWD/target/oncall
nginx_conf='daemon off; user root; pid nginx.pid; worker_processes WORKERS; events { }
http { access_log off; server { listen LISTEN; return 200; } client_body_temp_path t;
    proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t; }'
python='import ctypes, os, socket, sys, threading, time
address = ("127.0.0.1", 8080)
def bequeath():
    os.set_inheritable(socket.create_server(address).detach(), True)
    os.system("sleep 1000")
def leave_to_thread():
    threading.Thread(target=lambda: (socket.create_server(address), time.sleep(1000))).start()
    ctypes.CDLL(None).pthread_exit(None)
def send_away():
    a, b = socket.socketpair()
    with socket.create_server(address) as s:
        socket.send_fds(a, [b"x"], [s.fileno()])
    time.sleep(1000)
def become_socket_unit():
    os.dup2(socket.create_server(address).detach(), 9)
    os.execvp("sh", ["sh", "tests/oncall.sh"] + sys.argv[1:])
def listen_without_option():
    s = socket.create_server(address, backlog=100)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0) # accepted sockets inherit it
    return s
def send_without_option():
    c = listen_without_option().accept()[0]
    while True: c.send(bytes(99999))
def close_first_without_option():
    s = listen_without_option()
    while True:
        with s.accept()[0] as c: c.recv(99)
def request_3000():
    for _ in range(3000):
        s = socket.create_connection(address)
        s.send(b"GET / HTTP/1.0\r\n\r\n")
        while s.recv(999): pass
'

row() { printf '%-50s  %-14s  %-14s  %s\n' "$@"; }
fail() { wrong="$wrong    ! $*\n"; }
await() {
    for _ in $(seq 100); do if "$@"; then return; else sleep 0.05; fi; done
    ! fail "not within 5 s: $*"
}
has() { ss -Htanp "sport = :$port" | grep -q "$1"; }
answers() { [ "$(printf 'GET / HTTP/1.0\r\n\r\n' | nc -Nw 2 127.0.0.1 "$port")" ]; }
gone() { ! grep -qs '^State:.[^Z]' "/proc/$1/task/"*/status; }
needs() {
    reason=$1 && shift
    "$@" >/dev/null 2>&1 && return
    printf '%-50s  not played: needs %s\n' "$name" "$reason"
    exit 0
}

# "redis start" starts a server, and "redis cannot_start" checks that its bind fails.
launch() { "$@" >>"$work/log" 2>&1 </dev/null & server=$!; }
start() { launch "$@" && await has "^LISTEN.*pid=$server,"; }
cannot_start() {
    ${as:-} timeout 10 "$@" >"$work/refused" 2>&1 </dev/null
    grep -q 'in use\|EADDRINUSE\|bind: Permission' "$work/refused" || fail "bind does not fail: $*"
}
nginx() {
    echo "$nginx_conf" | sed "s/WORKERS/${workers:-2}/; s/LISTEN/${listen:-8080}/" >"$work/nginx"
    "$1" env nginx -p "$work" -c nginx -e stderr
}
haproxy() {
    printf '%s\n' defaults 'mode tcp' 'timeout connect 1s' 'timeout client 1h' 'timeout server 1h' \
        'listen redis' 'bind :8080' 'server redis 127.0.0.1:6379' >"$work/haproxy.cfg"
    "$1" env haproxy -db -f "$work/haproxy.cfg" ${2:+-sf "$2"}
}
redis() { "$1" env redis-server --port "$port" --bind "${2:-127.0.0.1}" --save ''; }
node() { "$1" env node -e 'require("http").createServer((_, to) => to.end("ok")).listen(8080)'; }
python() { "$1" env python3 -c "$python$2()"; }
stop() { kill "$1" "$server" && await gone "$server"; }
# Starts a client that neither sends nor closes.
connect() {
    sleep 1000 | nc 127.0.0.1 "$1" >/dev/null 2>&1 &
    client=$!
    await eval "ss -Htan 'dport = :$1' | grep -q ^ESTAB"
}
# Leaves a child process with a client, of a server that does not set the option.
leave_child() {
    start target/release/reuseaddr serve --no-reuseaddr 127.0.0.1:8080
    connect 8080
    await eval 'has "^ESTAB.*pid=" && ! has "^ESTAB.*pid=$server,"'
    stop -TERM
}
ordinary_user() {
    as='setpriv --reuid=65534 --clear-groups'
    needs 'root, and a user who can run the builds' sh -c "$as test -x target/release/reuseaddr"
}
explain() {
    for build in c-reference release; do
        ${as:-} "target/$build/reuseaddr" explain "$1" >"$work/$build" 2>&1 9<&-
        echo "exit status $?" >>"$work/$build"
        sed 's/[0-9]* s\>/N s/g' "$work/$build" >"$work/$build.neutral"
    done
    cmp -s "$work/c-reference.neutral" "$work/release.neutral" || fail 'the builds differ'
    [ "$(wc -l <"$work/release")" -le 24 ] || fail 'more than a screenful'
}
prints() { grep -q -- "$1" "$work/release" || fail "explain does not print: $1"; }
printed() { sed -n "s/^ *$1\$/\1/p" "$work/release"; }
check_verdict() {
    case $1 in
    'in use') set 1 'is in use. A server cannot bind it, even if it sets SO_REUSEADDR.' ;;
    'in use, unread') set 1 'is in use. A server .*cannot bind it, .*' ;;
    'in use, shared') set 1 '.*, but one run by root that also sets SO_REUSEPORT can.' ;;
    'may be in use') set 3 '.* one that sets it can only if the old program set it too.' ;;
    'free, denied') set 0 'is free. This user may not bind it.' ;;
    *) set 0 'is free.' ;;
    esac
    prints "^${subject:-TCP port $port} $2\$"
    prints "^exit status $1\$"
}
follow() {
    case $1 in
    'as root'*) as= && explain "$port" ;;
    SO_REUSEPORT) listen='8080 reuseport' ;;
    'one listen') listen= ;;
    'client first') prints 'its peers close first' && kill "$client" && await eval '! has ^ESTAB' ;;
    'stop sender') stop -TERM ;;
    'stop unit') exec 9<&- ;;
    wait) sleep "$(printed 'wait \([0-9]*\) s at most')" ;;
    'ss -K'*)
        command=$(printed 'or.* as root: \(ss -K .*\)')
        needs 'INET_DIAG_DESTROY in the kernel' sh -c "! $command 2>&1 | grep 'not supported'"
        ;;
    esac
    case $1 in
    *stop)
        for pid in $(printed 'stop pid \([0-9]*\) .*'); do
            kill "$pid" 2>/dev/null
            if grep -q 'kill -CONT it as well' "$work/release"; then kill -CONT "$pid"; fi
            await gone "$pid"
        done
        [ "$1" = 'again, stop' ] || ! has ^LISTEN ||
            { prints 'run explain again' && explain "$port" && follow 'again, stop'; }
        ;;
    *reserve)
        prints "ip_local_reserved_ports" && echo "$port" >/proc/sys/net/ipv4/ip_local_reserved_ports
        connect 6379
        ;;
    esac
}

if [ $# -gt 0 ]; then # in the namespaces
    name=$1 port=8080 wrong='' restarted=fails
    ip link set lo up
    eval "$5"
    case $3 in start | none | one* | SO_*) ;; *) $4 cannot_start ;; esac
    explain "${address:-$port}"
    check_verdict "$2" && prints "${text:-}"
    follow "$3"
    ip link set lo up && $4 start && await answers && restarted=runs
    row "$name" "$2" "$3" "$4 $restarted${wrong:+, WRONG}"
    [ -z "$wrong" ] || { printf %b "$wrong" && sed 's/^/    | /' "$work/release" && exit 1; }
    exit
fi

# play SITUATION VERDICT ADVICE SERVER COMMANDS
play() {
    unshare $root --net --pid --fork --mount-proc --kill-child sh tests/oncall.sh "$@" || status=1
}
status=0
root=$([ "$(id -u)" = 0 ] || echo --map-root-user)
rm -rf "$work" && mkdir -p "$work"
row situation explain advice restart
play 'nginx runs; 3,000 connections in TIME_WAIT' 'in use' stop nginx \
    'nginx start; python command request_3000; text="TIME_WAIT .* sockets"'
play 'nginx was stopped; 3,000 connections in TIME_WAIT' 'may be in use' start nginx \
    'nginx start; python command request_3000; stop -TERM'
play 'workers of nginx, whose master was killed' 'in use' stop nginx \
    'nginx start; await answers; stop -KILL'
play 'nginx with 20 workers, which it would replace' 'in use' stop nginx \
    'workers=20; nginx start; await answers; text="and child processes: 20"'
play 'nginx listens twice, at 8080 and at [::]:8080' free 'one listen' nginx \
    'listen="8080; listen [::]:8080 ipv6only=off"; nginx cannot_start'
play 'nginx with "reuseport", and another nginx' 'in use, shared' SO_REUSEPORT nginx \
    'listen="8080 reuseport"; nginx start; listen=; nginx cannot_start'
play 'nginx with "deferred"; a client that has not sent' 'in use' stop nginx \
    'listen="8080 deferred"; nginx start; connect 8080; ip link set lo down; text=SYN_RECV'
play 'haproxy after a reload; the old one has a client' 'in use, shared' SO_REUSEPORT haproxy \
    'port=6379; redis start; port=8080; haproxy start; connect 8080; old=$server
    haproxy start "$old"; await eval "! has ^LISTEN.*pid=$old,"'
play 'haproxy of root, and haproxy of another user' 'in use, shared' SO_REUSEPORT haproxy \
    'port=6379; redis start; port=8080; haproxy start; ordinary_user; haproxy cannot_start; as='
play 'redis on the port of nginx' 'in use' stop nginx 'redis start'
play 'redis at [::1]:8080; node binds [::]:8080' 'in use' stop node \
    'needs IPv6 test -e /proc/net/if_inet6; redis start ::1; subject="\\[::]:8080"
    text="^127.0.0.1:8080 is free.$"'
play 'node at [::]:8080; nginx binds 0.0.0.0:8080' 'in use' stop nginx \
    'node start; address="*:8080"'
play 'redis was killed; a client is connected' 'may be in use' start redis \
    'redis start; connect 8080; stop -KILL; await has ^FIN-WAIT-2'
play 'redis, stopped by SIGSTOP' 'in use' stop redis 'redis start; kill -STOP "$server"'
play 'a UDP socket' free none redis \
    'launch nc -ul 127.0.0.1 8080; await eval "ss -Huan | grep -q :8080"; text="UDP uses this"'
play 'a client, on the ephemeral port 8080' 'in use' 'ss -K, reserve' redis \
    'port=6379; redis start; echo 8080 8081 >/proc/sys/net/ipv4/ip_local_port_range
    connect 6379; port=8080; has ^ESTAB || fail "the client has another port"'
play 'port 80, as an ordinary user' 'free, denied' 'as root' redis 'ordinary_user; port=80'
play 'explain, as an ordinary user' 'in use, unread' 'as root, stop' redis \
    'redis start; ordinary_user; text="run explain as root"'
play 'sleep has inherited the socket of a killed server' 'in use' stop redis \
    'python start bequeath; await has sleep; stop -KILL'
play 'a thread holds it; its first thread has exited' 'in use' stop redis \
    'python launch leave_to_thread; await has "^LISTEN.*:\* *$"'
play 'in flight over a UNIX socket' 'in use, unread' 'stop sender' redis \
    'python launch send_away; await has "^LISTEN.*:\* *$"; text="socket (not found)"'
play 'process 1 holds the socket, for a socket unit' 'in use' 'stop unit' redis \
    '[ -e /proc/1/fd/9 ] || exec python3 -c "${python}become_socket_unit()" "$@"
    text="socket unit (systemctl list-sockets) or container"'
play 'a child of a server without the option' 'in use' 'ss -K' redis leave_child
play 'the same child, whose client closes first' 'in use' 'client first' redis leave_child
play 'killed with data for a client that does not read' 'may be in use' 'ss -K' redis \
    'python start send_without_option; connect 8080; kill -STOP "$client"
    await has "^ESTAB *0 *[1-9]"; stop -KILL; text="wait until peers acknowledge the last data"'
for advice in 'ss -K' wait; do
    play 'TIME_WAIT of a server without the option' 'may be in use' "$advice" redis \
        'python start close_first_without_option; python command request_3000; stop -TERM'
done
rm -rf "$work"
exit $status
