/*
 * probe: which backend the machine grants. Asked at run time, since a program built on one kernel runs on another, and
 * sandboxes refuse what their kernel could do.
 */
#include "engine/io/machine.h"

static enum status create_best(const struct io_options *options, struct io **io, struct error *error) {
    struct error refusal = {0};
    enum status status = io_uring_create(options, io, &refusal);
    if (status != STATUS_UNSUPPORTED) {
        if (status != STATUS_OK && error) *error = refusal;
        return status;
    }
    log_info(options->log, "io: %s", refusal.text);
    return io_posix_create(options, io, error);
}

enum status io_create(const struct io_options *options, struct io **io, struct error *error) {
    enum status status = STATUS_INVALID;
    *io = NULL;
    switch (options->backend) {
    case IO_BACKEND_PROBE: status = create_best(options, io, error); break;
    case IO_BACKEND_URING: status = io_uring_create(options, io, error); break;
    case IO_BACKEND_POSIX: status = io_posix_create(options, io, error); break;
    default: return error_set(error, status, "no such backend");
    }
    if (status == STATUS_OK) log_info(options->log, "io: backend %s", io_backend_name(*io));
    return status;
}
