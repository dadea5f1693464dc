/*
 * abi/cases.c - the objects that calls are made on, and the check of a result.
 * Rust counterpart: src/abi/cases.rs.
 */
#include "abi/cases.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

int new_socket(int family, int type)
{
    int s = socket(family, type, 0);
    if (s == -1)
        exit_with_error("socket", "for the calls of abi");
    return s;
}

struct objects make_objects(void)
{
    struct objects objects = {.bad = -1};
    socklen_t length = sizeof objects.address;

    objects.udp = new_socket(AF_INET, SOCK_DGRAM);
    objects.local = new_socket(AF_UNIX, SOCK_STREAM);
    objects.listening = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    objects.file = open("/dev/null", O_RDWR);
    if (objects.file == -1)
        exit_with_error("open", "/dev/null");
    listen_on(objects.listening); /* not bound: the kernel chooses a port */
    if (getsockname(objects.listening, (struct sockaddr *)&objects.address, &length) == -1)
        exit_with_error("getsockname", "TCP socket");
    objects.forbidden = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (objects.forbidden == MAP_FAILED)
        exit_with_error("mmap", "PROT_NONE page");
    return objects;
}

int check_result(const char *call, const char *text, int expected, long result)
{
    int error = result == -1 ? errno : 0;
    const char *found = error == 0 ? "OK" : error_name(error);
    const char *wanted = expected == 0 ? "OK" : error_name(expected);
    int length = (int)strcspn(call, "(");

    if (error == expected) {
        print("%-12.*s%-40s%s\n", length, call, text, found);
        return 0;
    }
    print("%-12.*s%-40s%s! expected: %s\n", length, call, text, found, wanted);
    return 1;
}
