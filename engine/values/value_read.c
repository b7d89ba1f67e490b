/*
 * value_read: opening, values one by one and many at once, the walk. Invariant: a block in the cache begins with where
 * its value stands and how long it is; it was verified against its own check and the reference's when it was loaded.
 */
#include "engine/values/value_read.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/sst/sst_read.h"

enum { FRONT_BYTES = 8 /* of a block: u32 where the value stands, u32 its size */ };

struct value_reader {
    _Atomic uint32_t references;
    const struct sst_environment *environment;
    struct io_file *file;
    struct sst_identity identity;
    uint64_t cache_file;
    struct value_footer footer;
};

static enum status read_exactly(const struct value_reader *reader, uint64_t offset, uint8_t *to, size_t size) {
    size_t got = 0;
    const enum status status = io_file_read(reader->file, offset, to, size, &got);
    if (status != STATUS_OK) return status;
    return got == size ? STATUS_OK : STATUS_CORRUPT;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static enum status open_ends(struct value_reader *reader, struct error *error) {
    uint8_t header[VALUE_HEADER_BYTES], footer[VALUE_FOOTER_BYTES];
    struct sst_identity claimed;
    uint64_t size = 0;
    enum status status = io_file_size(reader->file, &size);
    if (status != STATUS_OK) return error_set(error, status, "its size can't be read");
    if (size < sizeof header + sizeof footer)
        return error_set(error, STATUS_CORRUPT, "%" PRIu64 " bytes are too few for a file of values", size);
    status = read_exactly(reader, 0, header, sizeof header);
    if (status == STATUS_OK) status = read_exactly(reader, size - sizeof footer, footer, sizeof footer);
    if (status != STATUS_OK) return error_set(error, status, "header or footer can't be read");
    status = value_header_decode(slice_make(header, sizeof header), &claimed, error);
    if (status != STATUS_OK) return error_prefix(error, status, "offset 0");
    status = value_footer_decode(slice_make(footer, sizeof footer), size, &reader->footer, error);
    if (status != STATUS_OK) return error_prefix(error, status, "offset %" PRIu64, size - sizeof footer);
    if (claimed.store != reader->footer.identity.store || claimed.file != reader->footer.identity.file)
        return error_set(error, STATUS_CORRUPT, "header (offset 0) and footer are of different files");
    if (claimed.store != reader->identity.store || claimed.file != reader->identity.file)
        return error_set(error, STATUS_MISMATCH, "offset 0: it is file %" PRIu64 " of store %016" PRIx64, claimed.file,
                         claimed.store);
    return STATUS_OK;
}

enum status value_reader_open(const struct sst_environment *environment, const char *path, struct sst_identity identity,
                              uint64_t cache_file, struct value_reader **reader, struct error *error) {
    if (error) *error = (struct error){.status = STATUS_OK};
    struct value_reader *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "%s: no memory to open it", path);
    atomic_init(&made->references, 1);
    made->environment = environment;
    made->identity = identity;
    made->cache_file = cache_file;
    enum status status = io_file_open(environment->io, path, IO_OPEN_READ, &made->file);
    if (status == STATUS_OK) status = open_ends(made, error);
    if (status == STATUS_OK) {
        *reader = made;
        return STATUS_OK;
    }
    if (error && error->text[0] == 0) error_set(error, status, "%s", status_text(status));
    value_reader_close(made);
    return error_prefix(error, status, "%s", path);
}

void value_reader_acquire(struct value_reader *reader) {
    atomic_fetch_add_explicit(&reader->references, 1, memory_order_relaxed);
}

void value_reader_close(struct value_reader *reader) {
    if (!reader || atomic_fetch_sub_explicit(&reader->references, 1, memory_order_acq_rel) > 1) return;
    io_file_close(reader->file);
    free(reader);
}

const struct value_footer *value_reader_footer(const struct value_reader *reader) {
    return &reader->footer;
}

/* ---- One value --------------------------------------------------------------------------------------------------- */

struct slice value_block_value(const struct block *block) {
    return slice_make(block->data + coding_get_u32(block->data), coding_get_u32(block->data + 4));
}

static void set_value(struct block *block, size_t at, size_t size) {
    coding_put_u32(block->data, (uint32_t)at);
    coding_put_u32(block->data + 4, (uint32_t)size);
}

/* A record that was stored as it is stays where it was read; a compressed one is unfolded into a block of its own. */
static enum status unfold(const struct value_reader *reader, const struct value_record *record, struct block **block) {
    if (record->codec == CODEC_NONE) {
        set_value(*block, (size_t)(record->payload.data - (*block)->data), record->payload.size);
        return STATUS_OK;
    }
    struct block *made = block_create(reader->environment->cache, (*block)->file, (*block)->place,
                                      FRONT_BYTES + (size_t)record->raw_bytes);
    if (!made) return STATUS_NO_MEMORY;
    const enum status status = codec_decompress(reader->environment->codec, record->codec, record->payload,
                                                made->data + FRONT_BYTES, record->raw_bytes);
    if (status != STATUS_OK) {
        block_release(made);
        return status;
    }
    set_value(made, FRONT_BYTES, record->raw_bytes);
    block_release(*block);
    *block = made;
    return STATUS_OK;
}

static enum status failed(const struct value_reader *reader, const struct value_reference *reference,
                          enum status status) {
    const struct sst_environment *environment = reader->environment;
    struct error error;
    if (!environment->on_error || status == STATUS_NO_MEMORY) return status;
    error_set(&error, status, "%s: the value at offset %" PRIu64 " (%" PRIu32 " bytes): %s", io_file_path(reader->file),
              reference->offset, reference->bytes, status_text(status));
    environment->on_error(environment->context, &error);
    return status;
}

/* Room for the record to be read into. CORRUPT: it would not lie in the file. */
static enum status record_room(const struct value_reader *reader, const struct value_reference *reference,
                               struct block **block) {
    const uint64_t end = reader->footer.file_bytes - VALUE_FOOTER_BYTES;
    if (reference->offset > end || reference->bytes > end - reference->offset) return STATUS_CORRUPT;
    *block = block_create(reader->environment->cache, reader->cache_file, reference->offset,
                          FRONT_BYTES + (size_t)reference->bytes);
    return *block ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The record that was read into *block, as a value; on failure *block is released and NULL. */
static enum status settle(const struct value_reader *reader, const struct value_reference *reference, struct slice key,
                          struct block **block) {
    struct value_record record;
    const struct slice bytes = slice_make((*block)->data + FRONT_BYTES, reference->bytes);
    enum status status = value_record_decode(bytes, &reader->identity, reference->offset, &record);
    if (status == STATUS_OK && (record.check != reference->check || !slice_equal(record.key, key)))
        status = STATUS_CORRUPT;
    if (status == STATUS_OK) status = unfold(reader, &record, block);
    if (status == STATUS_OK) return STATUS_OK;
    block_release(*block);
    *block = NULL;
    return status;
}

static enum status load(const struct value_reader *reader, const struct value_reference *reference, struct slice key,
                        struct block **block) {
    enum status status = record_room(reader, reference, block);
    if (status != STATUS_OK) return status;
    status = read_exactly(reader, reference->offset, (*block)->data + FRONT_BYTES, reference->bytes);
    if (status == STATUS_OK) return settle(reader, reference, key, block);
    block_release(*block);
    *block = NULL;
    return status;
}

static enum status get(struct value_reader *reader, const struct value_reference *reference, struct slice key,
                       unsigned flags, struct block **block, struct slice *value) {
    struct block_cache *cache = reader->environment->cache;
    *block = cache ? block_cache_get(cache, reader->cache_file, reference->offset, NULL) : NULL;
    if (!*block) {
        if (flags & SST_MEMORY_ONLY) return STATUS_WOULD_BLOCK;
        if (reader->environment->watch) reader->environment->watch->from = ENGINE_FROM_FILE;
        const enum status status = load(reader, reference, key, block);
        if (status != STATUS_OK) return failed(reader, reference, status);
        if (cache && !(flags & SST_NO_FILL)) block_cache_add(cache, block, NULL);
    }
    *value = value_block_value(*block);
    return STATUS_OK;
}

static enum status get_watched(struct value_reader *reader, const struct value_reference *reference, struct slice key,
                               unsigned flags, struct block **block, struct slice *value) {
    struct engine_watch *watch = reader->environment->watch;
    struct io *io = reader->environment->io;
    const uint64_t start = io_now_ns(io);
    watch->from = ENGINE_FROM_CACHE;
    const enum status status = get(reader, reference, key, flags, block, value);
    const struct engine_step step = {.kind = ENGINE_STEP_VALUE,
                                     .status = status,
                                     .file = reader->cache_file,
                                     .from = watch->from,
                                     .offset = reference->offset,
                                     .bytes = reference->bytes,
                                     .ns = io_now_ns(io) - start};
    watch->told(watch->context, &step);
    return status;
}

enum status value_reader_get(struct value_reader *reader, const struct value_reference *reference, struct slice key,
                             unsigned flags, struct block **block, struct slice *value) {
    if (reader->environment->watch) return get_watched(reader, reference, key, flags, block, value);
    return get(reader, reference, key, flags, block, value);
}

/* ---- Many at once ------------------------------------------------------------------------------------------------ */

static size_t ask_for(struct value_wanted *wanted, size_t count, struct io_read *reads) {
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        struct value_wanted *want = &wanted[i];
        if (record_room(want->reader, &want->reference, &want->block) != STATUS_OK) continue;
        reads[asked++] = (struct io_read){
            .file = want->reader->file,
            .offset = want->reference.offset,
            .to = want->block->data + FRONT_BYTES,
            .size = want->reference.bytes,
        };
    }
    return asked;
}

static void take_read(struct value_wanted *want, const struct io_read *read) {
    struct block_cache *cache = want->reader->environment->cache;
    if (read->status != STATUS_OK || read->got < read->size) {
        block_release(want->block);
        want->block = NULL;
    } else if (settle(want->reader, &want->reference, want->key, &want->block) == STATUS_OK && cache) {
        block_cache_add(cache, &want->block, NULL);
    }
}

void value_load_many(struct io *io, struct value_wanted *wanted, size_t count) {
    struct io_read *reads = count ? malloc(count * sizeof *reads) : NULL;
    for (size_t i = 0; i < count; i++) wanted[i].block = NULL;
    if (!reads) return;
    io_file_read_many(io, reads, ask_for(wanted, count, reads));
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        if (wanted[i].block) take_read(&wanted[i], &reads[asked++]);
    free(reads);
}

/* ---- The walk ---------------------------------------------------------------------------------------------------- */

struct walk {
    const struct value_reader *reader;
    void (*visit)(void *context, uint64_t offset, const char *text);
    void *context;
    struct buf bytes, raw;
    struct value_footer found;
    bool bad;
};

static void find(struct walk *walk, uint64_t offset, const char *text) {
    walk->bad = true;
    if (walk->visit) walk->visit(walk->context, offset, text);
}

static enum status reserve(struct buf *buf, size_t size) {
    buf_clear(buf);
    return buf_reserve(buf, size ? size : 1);
}

/* The record at `offset`, *size long; 0 = what follows can't be told. */
static enum status walk_record(struct walk *walk, uint64_t offset, uint64_t left, size_t *size) {
    uint8_t head[VALUE_RECORD_HEADER_BYTES];
    struct value_record record;
    *size = 0;
    enum status status = left < sizeof head ? STATUS_CORRUPT : read_exactly(walk->reader, offset, head, sizeof head);
    if (status == STATUS_OK) status = value_record_peek(slice_make(head, sizeof head), &record, size);
    if (status == STATUS_OK && *size > left) status = STATUS_CORRUPT;
    if (status != STATUS_OK) *size = 0;
    if (status == STATUS_OK) status = reserve(&walk->bytes, *size);
    if (status == STATUS_OK) status = read_exactly(walk->reader, offset, walk->bytes.data, *size);
    if (status == STATUS_OK)
        status = value_record_decode(slice_make(walk->bytes.data, *size), &walk->reader->identity, offset, &record);
    if (status == STATUS_OK) status = reserve(&walk->raw, record.raw_bytes);
    if (status == STATUS_OK)
        status = codec_decompress(walk->reader->environment->codec, record.codec, record.payload, walk->raw.data,
                                  record.raw_bytes);
    if (status != STATUS_OK) return status;
    walk->found.records++;
    walk->found.value_bytes += record.raw_bytes;
    return STATUS_OK;
}

static enum status walk_records(struct walk *walk) {
    const uint64_t end = walk->reader->footer.file_bytes - VALUE_FOOTER_BYTES;
    size_t size = 0;
    for (uint64_t at = VALUE_HEADER_BYTES; at < end; at += size) {
        const enum status status = walk_record(walk, at, end - at, &size);
        if (status == STATUS_NO_MEMORY || status == STATUS_IO) return status;
        if (status != STATUS_OK) find(walk, at, "a value that does not verify");
        if (size == 0) return STATUS_OK;
    }
    if (walk->bad) return STATUS_OK;
    if (walk->found.records != walk->reader->footer.records ||
        walk->found.value_bytes != walk->reader->footer.value_bytes)
        find(walk, end, "the footer counts other values than the file has");
    return STATUS_OK;
}

enum status value_reader_verify(struct value_reader *reader,
                                void (*visit)(void *context, uint64_t offset, const char *text), void *context) {
    struct walk walk = {.reader = reader, .visit = visit, .context = context};
    const enum status status = walk_records(&walk);
    buf_deinit(&walk.bytes);
    buf_deinit(&walk.raw);
    if (status != STATUS_OK) return status;
    return walk.bad ? STATUS_CORRUPT : STATUS_OK;
}
