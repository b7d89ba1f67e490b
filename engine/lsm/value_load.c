/*
 * value_load: from references to values, and from SSTs to the files of values that they use. Invariant: while a struct
 * file is attached, every file of values that its entries name is in the table.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/file_names.h"
#include "engine/lsm/store.h"
#include "engine/lsm/watch.h"

/* ---- Reading one ------------------------------------------------------------------------------------------------- */

enum { VALUES_SHARE = 4 /* of open_files */ };

static enum status open_reader(struct engine *engine, struct value_file *file, struct value_reader **reader) {
    char path[IO_PATH_BYTES];
    struct error error = {.status = STATUS_OK};
    enum status status = file_path(path, engine->dir, FILE_VALUES, file->meta.number);
    if (status != STATUS_OK) return status;
    const struct sst_identity identity = {.store = file->meta.store, .file = file->meta.number};
    status = value_reader_open(&engine->environment, path, identity, file->meta.number, reader, &error);
    if (status == STATUS_OK) return STATUS_OK;
    if (status == STATUS_NOT_FOUND || status == STATUS_MISMATCH) status = STATUS_CORRUPT; /* gone, or another's */
    store_note_error(engine, status, "%s", error.text[0] ? error.text : status_text(status));
    return status;
}

/* A quarter of the files that may be open are files of values, and tables have what those leave. A reader beside a
 * writer may not close what the writer removes meanwhile. */
static void close_some(struct engine *engine) {
    struct value_reader *reader;
    if (engine->options.read_only) return;
    while ((reader = value_table_take_reader(&engine->values, (uint32_t)(engine->open_files_most / VALUES_SHARE))))
        value_reader_close(reader);
}

enum status store_open_values(struct engine *engine, struct value_file *file, unsigned flags,
                              struct value_reader **reader) {
    (void)value_table_use(&engine->values, file->meta.number, reader);
    if (*reader) return STATUS_OK;
    if (flags & SST_MEMORY_ONLY) return STATUS_WOULD_BLOCK;
    const enum status status = open_reader(engine, file, reader);
    if (engine->environment.watch) watch_values(engine->environment.watch, file->meta.number, status);
    if (status != STATUS_OK) return status;
    value_table_keep_reader(&engine->values, file, reader);
    close_some(engine);
    return STATUS_OK;
}

enum status store_use_values(struct engine *engine, uint64_t number, unsigned flags, struct value_reader **reader) {
    struct value_file *file = value_table_use(&engine->values, number, reader);
    if (*reader) return STATUS_OK;
    if (file) return store_open_values(engine, file, flags, reader);
    store_note_error(engine, STATUS_CORRUPT, "%s: an entry refers to a file of values that is not there", engine->dir);
    return STATUS_CORRUPT;
}

enum status store_load_value(struct engine *engine, struct slice reference_bytes, struct slice key, unsigned flags,
                             struct block **block, struct slice *value) {
    struct value_reference reference;
    struct value_reader *reader = NULL;
    enum status status = value_reference_decode(reference_bytes, &reference);
    if (status != STATUS_OK) {
        store_note_error(engine, status, "%s: an entry's reference to a value is malformed", engine->dir);
        return status;
    }
    status = store_use_values(engine, reference.file, flags, &reader);
    if (status == STATUS_OK) status = value_reader_get(reader, &reference, key, flags, block, value);
    value_reader_close(reader);
    return status;
}

/* ---- What an SST uses -------------------------------------------------------------------------------------------- */

static enum status attach(struct engine *engine, struct file *file, struct error *error) {
    struct decoder decoder = decoder_make(file->meta.values);
    struct value_count count;
    enum status status;
    while ((status = value_count_next(&decoder, &count)) == STATUS_OK) {
        struct value_file *used = value_table_acquire(&engine->values, count.number);
        if (!used)
            return error_set(error, STATUS_CORRUPT,
                             "file %" PRIu64 " refers to file of values %" PRIu64 ", which no edit names",
                             file->meta.number, count.number);
        file->uses[file->use_count++] = (struct value_use){used, count.records, count.bytes};
    }
    if (status == STATUS_END) return STATUS_OK;
    return error_set(error, status, "file %" PRIu64 ": what it refers to is malformed", file->meta.number);
}

enum status store_attach_values(struct engine *engine, struct file *file, struct error *error) {
    if (file->meta.values.size == 0) return STATUS_OK;
    file->uses = calloc(file->meta.values.size / 3 + 1, sizeof *file->uses); /* three varints each */
    if (!file->uses) return STATUS_NO_MEMORY;
    return attach(engine, file, error);
}

void store_detach_values(struct file *file) {
    for (size_t i = 0; i < file->use_count; i++) value_file_release(file->uses[i].file);
    free(file->uses);
    file->uses = NULL;
    file->use_count = 0;
}

/* ---- The account ------------------------------------------------------------------------------------------------- */

/* Stale: more than its share of it is garbage. */
static void judge(struct value_file *file) {
    const uint64_t live = atomic_load_explicit(&file->live_bytes, memory_order_relaxed);
    const uint64_t all = file->meta.bytes - VALUE_HEADER_BYTES - VALUE_FOOTER_BYTES;
    const bool stale = live < all && (all - live) * 100 > all * file->garbage_percent;
    atomic_store_explicit(&file->stale, stale, memory_order_relaxed);
}

void store_count_values(struct file *file, bool add) {
    for (size_t i = 0; i < file->use_count; i++) {
        struct value_use *use = &file->uses[i];
        if (add) {
            atomic_fetch_add_explicit(&use->file->live_bytes, use->bytes, memory_order_relaxed);
            atomic_fetch_add_explicit(&use->file->live_files, 1, memory_order_relaxed);
            atomic_store_explicit(&use->file->dead, false, memory_order_relaxed);
        } else {
            atomic_fetch_sub_explicit(&use->file->live_bytes, use->bytes, memory_order_relaxed);
            if (atomic_fetch_sub_explicit(&use->file->live_files, 1, memory_order_relaxed) == 1)
                atomic_store_explicit(&use->file->dead, true, memory_order_relaxed);
        }
        judge(use->file);
    }
}

uint64_t file_whole_bytes(const struct file *file) {
    uint64_t bytes = file->meta.bytes;
    for (size_t i = 0; i < file->use_count; i++) bytes += file->uses[i].bytes;
    return bytes;
}

uint64_t file_stale_bytes(const struct file *file) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < file->use_count; i++)
        if (atomic_load_explicit(&file->uses[i].file->stale, memory_order_relaxed)) bytes += file->uses[i].bytes;
    return bytes;
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static void bury(struct engine *engine, struct value_file *file) {
    char path[IO_PATH_BYTES];
    value_file_close(file);
    if (atomic_load(&file->dead) && !store_has_failed(engine) && !engine->options.read_only) {
        /* Its values in the cache are asked for no more, and leave it in their turn. */
        enum status status = file_path(path, engine->dir, FILE_VALUES, file->meta.number);
        if (status == STATUS_OK) status = io_remove(engine->io, path);
        /* What can't be removed now is an orphan that the next open removes. */
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            log_warn(engine->log, "engine %s: file of values %" PRIu64 " can't be removed: %s", engine->dir,
                     file->meta.number, status_text(status));
    }
    free(file);
}

void store_bury_values(struct engine *engine) {
    struct value_file *file;
    while ((file = value_table_take_dead(&engine->values)) != NULL) bury(engine, file);
}
