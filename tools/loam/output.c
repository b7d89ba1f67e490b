/* output: see output.h. */
#include "tools/loam/output.h"

#include <stdio.h>

#include "tools/loam/terminal.h"

static enum status fault_of(const struct output *output, enum status status, struct error *error) {
    return error_set(error, status, "%s: %s", output->path ? output->path : "standard output", status_text(status));
}

enum status output_open(struct output *output, struct error *error) {
    if (!output->path) return STATUS_OK;
    struct io_entry there;
    enum status status = io_stat(output->io, output->path, &there);
    if (status == STATUS_OK && there.kind != IO_ENTRY_FILE) /* a file would take its place: of a device, too */
        return error_set(error, STATUS_EXISTS, "%s is there and is no file; name another", output->path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return fault_of(output, status, error);
    if (snprintf(output->part, sizeof output->part, "%s.part", output->path) >= (int)sizeof output->part)
        return fault_of(output, STATUS_TOO_LARGE, error);
    const unsigned flags = IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE;
    status = io_file_open(output->io, output->part, flags, &output->file);
    return status == STATUS_OK ? STATUS_OK : fault_of(output, status, error);
}

enum status output_write(struct output *output, struct slice bytes, struct error *error) {
    enum status status = STATUS_OK;
    if (output->file) {
        status = io_file_write(output->file, output->offset, bytes.data, bytes.size);
    } else {
        terminal_print(bytes);
        if (ferror(stdout)) status = STATUS_IO;
    }
    output->offset += bytes.size;
    return status == STATUS_OK ? STATUS_OK : fault_of(output, status, error);
}

enum status output_close(struct output *output, enum status status, struct error *error) {
    if (!output->file) return status;
    enum status closing = status == STATUS_OK ? io_file_sync(output->file) : STATUS_OK;
    io_file_close(output->file);
    output->file = NULL;
    if (status == STATUS_OK && closing == STATUS_OK) closing = io_rename(output->io, output->part, output->path);
    if (status != STATUS_OK || closing != STATUS_OK) {
        enum status removing = io_remove(output->io, output->part);
        if (removing != STATUS_OK) (void)fprintf(stderr, "loam %s: %s is left over\n", output->command, output->part);
    }
    if (status != STATUS_OK || closing == STATUS_OK) return status;
    return fault_of(output, closing, error);
}
