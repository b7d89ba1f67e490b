/*
 * output: what a command writes: standard output, or a file that appears under its name once it is complete.
 */
#ifndef TOOLS_LOAM_OUTPUT_H
#define TOOLS_LOAM_OUTPUT_H

#include "engine/base/error.h"
#include "engine/io.h"

struct output {
    struct io *io;       /* borrowed */
    const char *path;    /* borrowed; NULL: standard output */
    const char *command; /* borrowed; "export": who says that something is left over */
    struct io_file *file;
    char part[IO_PATH_BYTES];
    uint64_t offset; /* bytes written */
};

/* Zeroed but for io, path and command. Errors name the file; EXISTS: what has the name is a directory or a device,
 * which no file is to replace. */
MUST_CHECK enum status output_open(struct output *output, struct error *error);
MUST_CHECK enum status output_write(struct output *output, struct slice bytes, struct error *error);
/* With OK: synced, and under its name; else the part that was written is removed. Returns `status`, or what went wrong
 * here. To be called whether or not it was opened. */
MUST_CHECK enum status output_close(struct output *output, enum status status, struct error *error);

#endif
