/*
 * wal_list: see engine/wal_salvage.h. Headers alone are read, and none is judged by another.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/wal/wal_internal.h"
#include "engine/wal_salvage.h"

struct name {
    uint32_t number;
    uint64_t size;
};

static enum status note_name(void *context, const struct io_entry *entry) {
    struct buf *names = context;
    struct name name = {.size = entry->size};
    if (entry->kind != IO_ENTRY_FILE || !wal_parse_name(entry->name, ".wal", &name.number)) return STATUS_OK;
    return buf_append(names, &name, sizeof name);
}

static int by_number(const void *left, const void *right) {
    const struct name *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

/* Of its header: into *listed, words into *why. */
static void read_header(struct io *io, struct wal_listed *listed, struct error *why) {
    uint8_t page[WAL_HEADER_BYTES];
    struct io_file *file = NULL;
    size_t got = 0;
    enum status status = io_file_open(io, listed->path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_read(file, 0, page, sizeof page, &got);
    io_file_close(file);
    listed->status = status != STATUS_OK ? error_set(why, status, "%s", status_text(status))
                                         : wal_segment_header_decode(slice_make(page, got), &listed->header, why);
    listed->why = listed->status == STATUS_OK ? "" : why->text;
}

static enum status tell(struct io *io, const char *dir, const struct name *name,
                        void (*visit)(void *context, const struct wal_listed *segment), void *context) {
    char path[IO_PATH_BYTES];
    struct error why = {.status = STATUS_OK};
    struct wal_listed listed = {.path = path, .number = name->number, .size = name->size};
    if (snprintf(path, sizeof path, "%s/%08x.wal", dir, name->number) >= IO_PATH_BYTES) return STATUS_TOO_LARGE;
    read_header(io, &listed, &why);
    if (listed.status == STATUS_NO_MEMORY) return STATUS_NO_MEMORY;
    if (listed.status != STATUS_NOT_FOUND) visit(context, &listed); /* its owner drops segments meanwhile */
    return STATUS_OK;
}

enum status wal_list(struct io *io, const char *dir, void (*visit)(void *context, const struct wal_listed *segment),
                     void *context, struct error *error) {
    struct buf names = BUF_EMPTY;
    enum status status = io_dir_list(io, dir, note_name, &names);
    const size_t count = names.size / sizeof(struct name);
    struct name *list = (struct name *)(void *)names.data;
    if (count > 0) qsort(list, count, sizeof *list, by_number);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) status = tell(io, dir, &list[i], visit, context);
    buf_deinit(&names);
    return status == STATUS_OK ? status : error_set(error, status, "%s: %s", dir, status_text(status));
}
