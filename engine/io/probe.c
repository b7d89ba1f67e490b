/*
 * probe: which backend the machine grants. Asked at run time, since a program built on one kernel runs on another, and sandboxes refuse
 * what their kernel could do.
 */
#include "engine/io/machine.h"

enum status io_create(const struct io_options *options, struct io **io, struct error *error) {
    *io = NULL;
    if (options->backend == IO_BACKEND_URING) return error_set(error, STATUS_UNSUPPORTED, "io_uring is not built in");
    enum status status = io_posix_create(options, io, error);
    if (status == STATUS_OK) log_info(options->log, "io: posix");
    return status;
}
