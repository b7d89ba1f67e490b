/* bench_server: a single loamd of a bench's own: started in a directory made anew, ended, its directory removed. */
#ifndef TOOLS_LOAM_BENCH_BENCH_SERVER_H
#define TOOLS_LOAM_BENCH_BENCH_SERVER_H

#include "tools/loam/client.h"

struct bench_server {
    struct io *io;
    char dir[IO_PATH_BYTES];
    char address[IO_ADDRESS_BYTES];
    long pid;              /* 0 = none */
    struct client *client; /* a connection to it; NULL = none */
};

/* Waits until it listens. EXISTS: the port is in use; what was started is to be stopped also after a failure. */
MUST_CHECK enum status bench_server_start(struct io *io, const char *dir, unsigned port, struct bench_server *server,
                                          struct error *error);
/* Ends it if it runs; `remove`: its directory, too. */
MUST_CHECK enum status bench_server_stop(struct bench_server *server, bool remove, struct error *error);

#endif
