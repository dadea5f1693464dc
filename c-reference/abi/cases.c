/*
 * abi/cases.c - what the calls of abi are tried on.
 *
 * Rust counterpart: src/abi/cases.rs.
 */
#include "abi/cases.h"
#include "output.h"

#include <errno.h>
#include <sys/socket.h>

int new_socket(int family, int type)
{
    int s = socket(family, type, 0);
    if (s == -1)
        exit_with_error("socket", "to try calls on");
    return s;
}

int expect(const char *call, const char *text, int expected, long result)
{
    int answer = result == -1 ? errno : 0;
    const char *name = answer == 0 ? "OK" : error_name(answer);

    if (answer == expected) {
        print("%-12s%-40s%s\n", call, text, name);
        return 0;
    }
    print("%-12s%-40s%s! expected: %s\n", call, text, name,
          expected == 0 ? "OK" : error_name(expected));
    return 1;
}
