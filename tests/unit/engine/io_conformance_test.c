/*
 * io_conformance: the machine's backends against the one table of facts.
 */
#include <stdio.h>

#include "tests/harness/io_conformance.h"

static struct error refusal;

static struct io *create(enum io_backend_choice backend, const char **skip) {
    const struct io_options options = {.backend = backend};
    struct io *io = NULL;
    if (io_create(&options, &io, &refusal) != STATUS_OK) *skip = refusal.text;
    return io;
}

static struct io *create_posix(const char **skip) {
    return create(IO_BACKEND_POSIX, skip);
}

static struct io *create_uring(const char **skip) {
    return create(IO_BACKEND_URING, skip);
}

/* Devices that fail for real: one accepts writes and has no sync, the other is always full. */
static enum status open_failing_sync(struct io *io, const char *directory, struct io_file **file) {
    (void)directory;
    return io_file_open(io, "/dev/null", IO_OPEN_READ | IO_OPEN_WRITE, file);
}

static enum status open_full(struct io *io, const char *directory, struct io_file **file) {
    (void)directory;
    return io_file_open(io, "/dev/full", IO_OPEN_WRITE, file);
}

static const struct io_factory factories[] = {
    {.name = "posix",
     .create = create_posix,
     .threads = true,
     .open_failing_sync = open_failing_sync,
     .open_full = open_full},
    {.name = "io_uring",
     .create = create_uring,
     .threads = true,
     .open_failing_sync = open_failing_sync,
     .open_full = open_full},
};

int main(void) {
    int failed = 0;
    for (size_t i = 0; i < sizeof factories / sizeof *factories; i++) failed += io_conformance_run(&factories[i]);
    return failed ? 1 : 0;
}
