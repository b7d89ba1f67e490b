/*
 * io_conformance: what every struct io must do, as one table of facts. Each backend, the simulated one too, passes the
 * same table; a backend is described by a factory.
 */
#ifndef TESTS_HARNESS_IO_CONFORMANCE_H
#define TESTS_HARNESS_IO_CONFORMANCE_H

#include "engine/io.h"

struct io_factory {
    const char *name; /* stands before the name of each fact */

    /* A fresh io. NULL: this machine does not grant it, *skip says why, and each fact is skipped. */
    struct io *(*create)(const char **skip);

    /* A directory that exists; each fact works in one of its own below it. For a machine: NULL, and a temporary one is
     * made. */
    const char *directory;

    bool threads; /* jobs run in threads of their own, and other threads may call io_wake and io_job_start */

    /* A file opened for writing whose next sync fails; one whose next write finds the device full. NULL: the fact is
     * skipped. */
    enum status (*open_failing_sync)(struct io *io, const char *directory, struct io_file **file);
    enum status (*open_full)(struct io *io, const char *directory, struct io_file **file);
};

/* Runs all facts as one cmocka group; returns how many failed. */
int io_conformance_run(const struct io_factory *factory);

#endif
