/*
 * care_device: what the device does not give, in a repair. A read that is answered with an error says nothing of the
 * bytes that stand there: the next one may give them, or a copy of the device by a tool that is patient. So a repair
 * ends at the first one, before it has changed anything; asked to take as lost what can't be read, it goes on, but for
 * a device that has lost most of the store.
 */
#include <stdio.h>

#include "engine/lsm/care_plan.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/manifest.h"

enum { PROBE_BYTES = 64 << 10 };

enum status care_refused(struct care_plan *plan, const char *path) {
    if (plan->options->unreadable_as_lost) {
        care_say(plan, "%s: the device answers with errors; what it does not give is lost", path);
        return STATUS_OK;
    }
    snprintf(plan->refused, sizeof plan->refused, "%s", path);
    return STATUS_IO;
}

enum status care_table_refused(struct care_plan *plan, const char *path, bool most) {
    plan->dead_tables += most;
    return care_refused(plan, path);
}

/* *to: the file's bytes, zeros where there are none. */
static enum status read_what_is_there(const struct care_plan *plan, const char *path, struct buf *to) {
    struct io_file *file = NULL;
    uint64_t size = 0;
    buf_clear(to);
    enum status status = io_file_open(plan->io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_size(file, &size);
    if (status == STATUS_OK) status = buf_append_zeros(to, (size_t)size);
    for (uint64_t at = 0; at < size && status == STATUS_OK; at += IO_SECTOR_BYTES) {
        const size_t sector = size - at < IO_SECTOR_BYTES ? (size_t)(size - at) : IO_SECTOR_BYTES;
        size_t got = 0;
        status = io_file_read(file, at, to->data + at, sector, &got);
        if (status != STATUS_IO) continue;
        memset(to->data + at, 0, sector);
        status = STATUS_OK;
    }
    io_file_close(file);
    return status;
}

enum status care_read_manifest(struct care_plan *plan, uint64_t number, struct buf *to) {
    char path[IO_PATH_BYTES];
    enum status status = file_path(path, plan->dir, FILE_MANIFEST, number);
    if (status == STATUS_OK) status = file_read_all(plan->io, path, MANIFEST_MAX_BYTES, to);
    return status == STATUS_IO ? read_what_is_there(plan, path, to) : status;
}

/* ---- Small files, read once before anything is judged ------------------------------------------------------------ */

struct probing {
    struct care_plan *plan;
    const char *dir;
    bool all; /* files, not the store's alone */
};

static enum status probe_file(const struct care_plan *plan, const char *path) {
    uint8_t bytes[PROBE_BYTES];
    struct io_file *file = NULL;
    size_t got = sizeof bytes;
    enum status status = io_file_open(plan->io, path, IO_OPEN_READ, &file);
    for (uint64_t at = 0; status == STATUS_OK && got == sizeof bytes; at += got)
        status = io_file_read(file, at, bytes, sizeof bytes, &got);
    io_file_close(file);
    return status;
}

static enum status probe_entry(void *context, const struct io_entry *entry) {
    const struct probing *probing = context;
    char path[IO_PATH_BYTES];
    uint64_t number = 0;
    const enum file_class class = file_classify(entry->name, &number);
    if (entry->kind != IO_ENTRY_FILE) return STATUS_OK;
    if (!probing->all && class != FILE_SUPERBLOCK && class != FILE_MANIFEST) return STATUS_OK;
    if (snprintf(path, sizeof path, "%s/%s", probing->dir, entry->name) >= (int)sizeof path) return STATUS_TOO_LARGE;
    return probe_file(probing->plan, path) == STATUS_IO ? care_refused(probing->plan, path) : STATUS_OK;
}

enum status care_probe_device(struct care_plan *plan, const char *log_dir) {
    struct probing store = {.plan = plan, .dir = plan->dir}, log = {.plan = plan, .dir = log_dir, .all = true};
    const enum status status = io_dir_list(plan->io, plan->dir, probe_entry, &store);
    return status == STATUS_OK && log_dir ? io_dir_list(plan->io, log_dir, probe_entry, &log) : status;
}

/* ---- The verdict ------------------------------------------------------------------------------------------------- */

enum status care_judge_device(const struct care_plan *plan, enum status status, struct error *error) {
    if (status == STATUS_IO && plan->refused[0])
        return error_set(error, status,
                         "%s: the device answers reads with errors; nothing was changed. Copy the directory to a sound "
                         "device and repair the copy; or have what can't be read taken as lost (--unreadable-as-lost)",
                         plan->refused);
    if (status == STATUS_OK && plan->dead_tables * 2 > plan->count)
        return error_set(error, STATUS_IO,
                         "%s: the device does not give the most of %zu of its %zu tables; nothing was changed. That is "
                         "not for a repair: copy the directory to a sound device first",
                         plan->dir, plan->dead_tables, plan->count);
    return status;
}
