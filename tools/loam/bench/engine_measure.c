/* engine_measure: see engine_measure.h. */
#include "tools/loam/bench/engine_measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static uint64_t nanoseconds(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

uint64_t measure_cpu_ns(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
}

/* The number behind `label` in a small file of /proc. */
static bool read_number(struct io *io, const char *path, const char *label, uint64_t *number) {
    char text[4096];
    struct io_file *file;
    size_t got = 0;
    if (io_file_open(io, path, IO_OPEN_READ, &file)) return false;
    enum status status = io_file_read(file, 0, text, sizeof text - 1, &got);
    io_file_close(file);
    text[got] = '\0';
    const char *found = status == STATUS_OK ? strstr(text, label) : NULL;
    return found && sscanf(found + strlen(label), " %" SCNu64, number) == 1;
}

bool measure_written(struct io *io, uint64_t *bytes) {
    return read_number(io, "/proc/self/io", "\nwrite_bytes:", bytes);
}

uint64_t measure_peak_bytes(struct io *io) {
    uint64_t kib = 0;
    return read_number(io, "/proc/self/status", "VmHWM:", &kib) ? kib << 10 : 0;
}

void measure_reset_peak(struct io *io) {
    struct io_file *file;
    if (io_file_open(io, "/proc/self/clear_refs", IO_OPEN_WRITE, &file)) return;
    enum status status = io_file_write(file, 0, "5", 1);
    (void)status; /* the peak is then that of all steps so far */
    io_file_close(file);
}

struct sizes {
    struct io *io;
    const char *path;
    bool (*is_log)(const char *file_name);
    uint64_t log, other;
};

static enum status add_entry(void *context, const struct io_entry *entry) {
    struct sizes *sizes = context;
    if (entry->kind == IO_ENTRY_FILE) *(sizes->is_log(entry->name) ? &sizes->log : &sizes->other) += entry->size;
    if (entry->kind != IO_ENTRY_DIR) return STATUS_OK;
    char path[IO_PATH_BYTES];
    uint64_t log = 0, other = 0;
    (void)snprintf(path, sizeof path, "%.700s/%.200s", sizes->path, entry->name);
    measure_directory(sizes->io, path, sizes->is_log, &log, &other);
    sizes->log += log;
    sizes->other += other;
    return STATUS_OK;
}

void measure_directory(struct io *io, const char *path, bool (*is_log)(const char *file_name), uint64_t *log_bytes,
                       uint64_t *other_bytes) {
    struct sizes sizes = {.io = io, .path = path, .is_log = is_log};
    enum status status = io_dir_list(io, path, add_entry, &sizes);
    (void)status; /* a file that went away while it was listed: the others count */
    *log_bytes = sizes.log;
    *other_bytes = sizes.other;
}
