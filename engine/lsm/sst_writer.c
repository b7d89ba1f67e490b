/*
 * sst_writer: an SST built outside any store, from rows in ascending order. Invariant: every sequence in it is 0, and
 * its identity is its own (a random store, file 1): whoever ingests it adopts it under a sequence and a number of his.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/codec/dictionary.h"
#include "engine/engine.h"
#include "engine/lsm/ingest.h"
#include "engine/sst/sst_build.h"

struct engine_sst_writer {
    struct sst_environment environment;
    const struct engine_tree_kind *kind; /* borrowed */
    struct sst_build *build;
    struct buf last; /* the key before */
    bool any;
    bool finished;
    char path[IO_PATH_BYTES];
};

static enum status begin(struct engine_sst_writer *writer) {
    struct sst_build_options options = {
        .identity = {.file = INGEST_FILE_NUMBER},
        .origin = {.kind = writer->kind->id,
                   .cause = SST_CAUSE_OUTSIDE,
                   .level = ENGINE_LEVELS - 1,
                   .created_ms = io_clock_ms(writer->environment.io),
                   .oldest_time_ms = io_clock_ms(writer->environment.io)},
        .codec = (enum codec_id)writer->kind->bottom,
        .filter_bits_per_key = writer->kind->filter_bits_per_key,
        .filter_prefix_bytes = writer->kind->filter_prefix_bytes,
        .dictionary_bytes = writer->kind->dictionary_bytes,
    };
    io_entropy(writer->environment.io, &options.identity.store, sizeof options.identity.store);
    return sst_build_create(&writer->environment, writer->path, &options, &writer->build);
}

/* The name is taken here, so that nobody's file is emptied. */
static enum status reserve_path(struct io *io, const char *path) {
    struct io_file *file;
    const enum status status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_EXCLUSIVE, &file);
    if (status == STATUS_OK) io_file_close(file);
    return status;
}

enum status engine_sst_writer_open(struct io *io, const char *path, const struct engine_tree_kind *kind,
                                   struct engine_sst_writer **writer) {
    const size_t length = strlen(path);
    if (length >= IO_PATH_BYTES) return STATUS_TOO_LARGE;
    if (kind->dictionary_bytes && !dictionary_fits(kind->dictionary_bytes)) return STATUS_INVALID;
    struct engine_sst_writer *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    memcpy(made->path, path, length + 1);
    made->kind = kind;
    made->environment.io = io;
    made->environment.codec = codec_create();
    made->finished = true; /* nothing to remove yet */
    enum status status = made->environment.codec ? reserve_path(io, path) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        made->finished = false;
        status = begin(made);
    }
    if (status == STATUS_OK)
        *writer = made;
    else
        engine_sst_writer_close(made);
    return status;
}

void engine_sst_writer_close(struct engine_sst_writer *writer) {
    if (!writer) return;
    sst_build_destroy(writer->build);
    if (!writer->finished) {
        const enum status removed = io_remove(writer->environment.io, writer->path);
        (void)removed; /* what stays has no footer: nobody takes it for a file */
    }
    codec_destroy(writer->environment.codec);
    buf_deinit(&writer->last);
    free(writer);
}

static enum status add(struct engine_sst_writer *writer, enum entry_kind kind, struct slice key, struct slice value) {
    if (writer->finished) return STATUS_INVALID;
    if (key.size > ENGINE_KEY_MAX_BYTES || value.size > ENGINE_VALUE_MAX_BYTES) return STATUS_TOO_LARGE;
    const bool first = !writer->any;
    if (!first && slice_compare(buf_slice(&writer->last), key) >= 0) return STATUS_INVALID;
    enum status status = buf_assign(&writer->last, key);
    writer->any = true;
    return status == STATUS_OK ? sst_build_add(writer->build, key, entry_trailer(0, kind), value) : status;
}

enum status engine_sst_writer_put(struct engine_sst_writer *writer, struct slice key, struct slice value) {
    return add(writer, ENTRY_PUT, key, value);
}

enum status engine_sst_writer_delete(struct engine_sst_writer *writer, struct slice key) {
    return add(writer, ENTRY_DELETE, key, slice_make(NULL, 0));
}

enum status engine_sst_writer_merge(struct engine_sst_writer *writer, struct slice key, struct slice operand) {
    return writer->kind->merge ? add(writer, ENTRY_MERGE, key, operand) : STATUS_INVALID;
}

enum status engine_sst_writer_delete_range(struct engine_sst_writer *writer, struct slice begin, struct slice end) {
    if (writer->finished || (end.size && slice_compare(begin, end) >= 0)) return STATUS_INVALID;
    if (begin.size > ENGINE_KEY_MAX_BYTES || end.size > ENGINE_KEY_MAX_BYTES) return STATUS_TOO_LARGE;
    return sst_build_range_delete(writer->build, begin, end, 0);
}

uint64_t engine_sst_writer_bytes(const struct engine_sst_writer *writer) {
    return sst_build_size(writer->build);
}

enum status engine_sst_writer_finish(struct engine_sst_writer *writer) {
    if (writer->finished || sst_build_entries(writer->build) == 0) return STATUS_INVALID;
    enum status status = sst_build_finish(writer->build);
    if (status == STATUS_OK) status = sst_build_sync(writer->build);
    writer->finished = status == STATUS_OK;
    return status;
}
