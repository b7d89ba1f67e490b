/*
 * io_conformance: the simulator's struct io against the same table of facts as the machine's.
 */
#include "tests/harness/io_conformance.h"
#include "tools/sim/sim_io.h"

static struct io *create(const char **skip) {
    (void)skip;
    return sim_io_create_alone(20240101);
}

static enum status open_file(struct io *io, const char *directory, const char *name, struct io_file **file) {
    char path[IO_PATH_BYTES];
    struct slice parts[2] = {slice_from_text(directory), slice_from_text(name)};
    size_t size = 0;
    for (int i = 0; i < 2; i++) {
        memcpy(path + size, parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    path[size] = '\0';
    return io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE, file);
}

static enum status open_failing_sync(struct io *io, const char *directory, struct io_file **file) {
    struct sim_disk_faults faults = {.sync_error_ppm = 1000000};
    sim_disk_set_faults(sim_io_disk(io), &faults);
    return open_file(io, directory, "/fails", file);
}

static enum status open_full(struct io *io, const char *directory, struct io_file **file) {
    struct sim_disk_faults faults = {.capacity_bytes = 1};
    sim_disk_set_faults(sim_io_disk(io), &faults);
    return open_file(io, directory, "/full", file);
}

int main(void) {
    const struct io_factory factory = {
        .name = "sim",
        .create = create,
        .directory = "",
        .open_failing_sync = open_failing_sync,
        .open_full = open_full,
    };
    return io_conformance_run(&factory) ? 1 : 0;
}
