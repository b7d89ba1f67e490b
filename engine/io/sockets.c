/*
 * sockets: addresses and options. Every descriptor is close-on-exec; TCP_NODELAY is set before listen and connect
 * (accepted sockets inherit it on Linux), so that a small reply never waits for an acknowledgement.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/io/machine.h"

enum { LISTEN_BACKLOG = 1024 };

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_storage storage;
};

static bool parse_port(const char *text, in_port_t *port) {
    unsigned long value = 0;
    if (*text == '\0') return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        value = value * 10 + (unsigned long)(*text - '0');
        if (value > 65535) return false;
    }
    *port = htons((uint16_t)value);
    return true;
}

/* "127.0.0.1:7001" or "[::1]:7001". */
static bool parse_address(const char *text, union address *address, socklen_t *bytes) {
    const char *colon = strrchr(text, ':');
    char host[IO_ADDRESS_BYTES];
    if (!colon || (size_t)(colon - text) >= sizeof host) return false;
    size_t size = (size_t)(colon - text);
    const bool six = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (six) {
        text++;
        size -= 2;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    *address = (union address){0};
    if (six) {
        address->six.sin6_family = AF_INET6;
        *bytes = sizeof address->six;
        return inet_pton(AF_INET6, host, &address->six.sin6_addr) == 1 &&
               parse_port(colon + 1, &address->six.sin6_port);
    }
    address->four.sin_family = AF_INET;
    *bytes = sizeof address->four;
    return inet_pton(AF_INET, host, &address->four.sin_addr) == 1 && parse_port(colon + 1, &address->four.sin_port);
}

bool io_address_is_valid(const char *text) {
    union address address;
    socklen_t bytes;
    return parse_address(text, &address, &bytes);
}

static void print_address(const union address *address, char text[IO_ADDRESS_BYTES]) {
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->six.sin6_addr, host, sizeof host);
        snprintf(text, IO_ADDRESS_BYTES, "[%s]:%u", host, (unsigned)ntohs(address->six.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->four.sin_addr, host, sizeof host);
        snprintf(text, IO_ADDRESS_BYTES, "%s:%u", host, (unsigned)ntohs(address->four.sin_port));
    }
}

enum status socket_create(struct machine *machine, int fd, struct machine_socket **socket) {
    struct machine_socket *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->base.io = &machine->base;
    made->fd = fd;
    made->readable = made->writable = true;
    list_init(&made->receives);
    list_init(&made->sends);
    list_init(&made->accepts);
    *socket = made;
    return STATUS_OK;
}

void socket_destroy(struct machine_socket *socket) {
    close(socket->fd);
    free(socket);
}

bool socket_accept_again(int number) {
    switch (number) { /* accept(2) lists them */
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP: return true;
    default: return false;
    }
}

static enum status set_option(int fd, int level, int option) {
    const int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0 ? STATUS_OK : status_from_errno(errno);
}

enum status socket_open_for(struct machine *machine, const char *address, int type_flags,
                            struct machine_socket **socket_out) {
    union address target;
    socklen_t bytes;
    if (!parse_address(address, &target, &bytes)) return STATUS_INVALID;
    const int fd = socket(target.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0);
    if (fd < 0) return status_from_errno(errno);
    enum status status = set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    if (status == STATUS_OK) status = socket_create(machine, fd, socket_out);
    if (status != STATUS_OK) {
        close(fd);
        return status;
    }
    (*socket_out)->peer = target.storage;
    (*socket_out)->peer_bytes = bytes;
    return STATUS_OK;
}

enum status socket_listen(struct machine *machine, const char *address, int type_flags,
                          struct machine_socket **socket_out, struct error *error) {
    struct machine_socket *made;
    enum status status = socket_open_for(machine, address, type_flags, &made);
    if (status != STATUS_OK)
        return error_set(error, status, "cannot listen on \"%s\": %s", address,
                         status == STATUS_INVALID ? "not a numeric host:port" : status_text(status));
    status = set_option(made->fd, SOL_SOCKET, SO_REUSEADDR);
    if (status == STATUS_OK && (bind(made->fd, (const struct sockaddr *)&made->peer, made->peer_bytes) != 0 ||
                                listen(made->fd, LISTEN_BACKLOG) != 0)) {
        status = error_set(error, status_from_errno(errno), "cannot listen on %s: %s", address, strerror(errno));
    }
    if (status != STATUS_OK) {
        socket_destroy(made);
        return status;
    }
    *socket_out = made;
    return STATUS_OK;
}

void machine_socket_local(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]) {
    union address ours = {0};
    socklen_t bytes = sizeof ours;
    const int fd = ((const struct machine_socket *)(const void *)socket)->fd;
    if (getsockname(fd, &ours.any, &bytes) == 0)
        print_address(&ours, address);
    else
        snprintf(address, IO_ADDRESS_BYTES, "?");
}

void machine_socket_remote(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]) {
    union address theirs = {0};
    socklen_t bytes = sizeof theirs;
    const int fd = ((const struct machine_socket *)(const void *)socket)->fd;
    if (getpeername(fd, &theirs.any, &bytes) == 0)
        print_address(&theirs, address);
    else
        snprintf(address, IO_ADDRESS_BYTES, "?");
}
