/*
 * sst_load: units of the file as blocks in memory.
 *
 * Invariant: a data block is verified against its own check and the index's when it is loaded, never again on a cache
 * hit. What is stored as it is stays where it was read: its block holds the whole unit, and the view points behind the
 * unit's header.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/sst/sst_file.h"

enum {
    STACK_UNIT_BYTES = 8 << 10,
    UNIT_PAD_BYTES = 4, /* before a unit in its block: what follows its header is aligned to 8 */
    UNIT_AT = sizeof(struct sst_block_view) + UNIT_PAD_BYTES,
};
_Static_assert((UNIT_AT + SST_UNIT_HEADER_BYTES) % 8 == 0, "columns are read in words");

/* ---- Units ------------------------------------------------------------------------------------------------------- */

enum status sst_file_read(const struct sst *sst, uint64_t offset, uint8_t *to, size_t size) {
    size_t got = 0;
    enum status status = io_file_read(sst->file, offset, to, size, &got);
    if (status != STATUS_OK) return status;
    return got == size ? STATUS_OK : STATUS_CORRUPT;
}

/* The unit that the handle means, checked; its payload borrowed from bytes. */
static enum status unit_open(const struct sst *sst, struct slice bytes, const struct sst_handle *handle,
                             unsigned section, struct sst_unit *unit) {
    const enum status status = sst_unit_decode(bytes, &sst->identity, handle->offset, unit);
    if (status != STATUS_OK) return status;
    return unit->check == handle->check && unit->section == section ? STATUS_OK : STATUS_CORRUPT;
}

/* Its raw bytes to `to`, which has room for all. */
static enum status unit_unpack(const struct sst *sst, const struct sst_unit *unit, uint8_t *to) {
    return sst_unit_unpack(unit, sst->environment->codec, sst->unpacker, to);
}

enum status sst_section_load(struct sst *sst, struct slice bytes, const struct sst_handle *handle, unsigned section,
                             size_t front, struct block **block) {
    struct sst_unit unit;
    enum status status = unit_open(sst, bytes, handle, section, &unit);
    if (status != STATUS_OK) return status;
    struct block *made = block_create_lasting(sst->environment->cache, front + unit.raw_size);
    if (!made) return STATUS_NO_MEMORY;
    status = unit_unpack(sst, &unit, made->data + front);
    if (status == STATUS_OK)
        *block = made;
    else
        block_release(made);
    return status;
}

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

/* Printable form of a key for an error line: at most 24 bytes of it. */
static const char *key_text(struct slice key, char *text, size_t size) {
    size_t at = 0;
    for (size_t i = 0; i < key.size && i < 24 && at + 5 < size; i++) {
        uint8_t byte = key.data[i];
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\';
        at += (size_t)snprintf(text + at, size - at, plain ? "%c" : "\\x%02x", byte);
    }
    snprintf(text + at, size - at, "%s", key.size > 24 ? ".." : "");
    return text;
}

/* The key of an index entry as text; "?" when there is no memory for it. */
static const char *index_key_text(const struct sst *sst, uint32_t at, char *text, size_t size) {
    uint8_t *room = malloc(block_view_key_room(&sst->index));
    snprintf(text, size, "?");
    if (room) key_text(block_view_key(&sst->index, at, room), text, size);
    free(room);
    return text;
}

enum status sst_block_failed(struct sst *sst, uint32_t at, enum status status, const char *what) {
    const struct sst_environment *environment = sst->environment;
    if (!environment->on_error || status == STATUS_NO_MEMORY || status == STATUS_WOULD_BLOCK) return status;
    struct sst_handle handle = sst_index_handle(sst, at);
    char from[128];
    char to[128];
    if (at == 0) key_text(sst->properties.first, from, sizeof from);
    if (at > 0) index_key_text(sst, at - 1, from, sizeof from);
    index_key_text(sst, at, to, sizeof to);
    struct error error;
    error_set(&error, status, "%s: data block %u at offset %" PRIu64 " (%u bytes), keys from \"%s\" up to \"%s\": %s",
              sst_path(sst), at, handle.offset, handle.size, from, to, what);
    environment->on_error(environment->context, &error);
    return status;
}

/* ---- Data blocks ------------------------------------------------------------------------------------------------- */

/* An adopted block's sequences are all 0: no column for them, and the base is ours to set. */
static enum status adopt_block(const struct sst *sst, struct sst_block_view *view) {
    if (view->sequence_width || view->sequence_base) return STATUS_CORRUPT;
    view->sequence_base = sst->sequence;
    return STATUS_OK;
}

/* The raw bytes of data block `at` as something to read. */
static enum status data_block_parse(struct sst *sst, uint32_t at, struct slice raw, struct sst_block_view *view) {
    enum status status = block_view_parse(raw, view);
    if (status == STATUS_OK && view->count == 0) status = STATUS_CORRUPT;
    if (status == STATUS_OK && sst->sequence) status = adopt_block(sst, view);
    return status == STATUS_OK ? status : sst_block_failed(sst, at, status, "its columns do not fit");
}

static enum status unit_failed(struct sst *sst, uint32_t at, enum status status) {
    return sst_block_failed(sst, at, status, "its check or its compressed form is wrong");
}

/* A verified unit unpacked into a block of its own, behind the view. */
static enum status unpack_block(struct sst *sst, uint32_t at, const struct sst_unit *unit, struct block **block) {
    const size_t front = sizeof(struct sst_block_view);
    struct block *made = block_create(sst->environment->cache, sst->cache_file, at, front + unit->raw_size);
    if (!made) return STATUS_NO_MEMORY;
    enum status status = unit_unpack(sst, unit, made->data + front);
    if (status != STATUS_OK)
        status = unit_failed(sst, at, status);
    else
        status = data_block_parse(sst, at, slice_from(block_slice(made), front), sst_block_view_of(made));
    if (status == STATUS_OK)
        *block = made;
    else
        block_release(made);
    return status;
}

enum status sst_block_decode(struct sst *sst, uint32_t at, struct slice bytes, struct block **block) {
    const struct sst_handle handle = sst_index_handle(sst, at);
    struct sst_unit unit;
    const enum status status = unit_open(sst, bytes, &handle, SST_SECTION_DATA, &unit);
    return status == STATUS_OK ? unpack_block(sst, at, &unit, block) : unit_failed(sst, at, status);
}

enum status sst_block_look(struct sst *sst, uint32_t at, struct slice bytes, struct buf *room,
                           struct sst_block_view *view) {
    const struct sst_handle handle = sst_index_handle(sst, at);
    struct sst_unit unit;
    enum status status = unit_open(sst, bytes, &handle, SST_SECTION_DATA, &unit);
    struct slice raw = unit.payload;
    if (status == STATUS_OK && unit.codec != CODEC_NONE) {
        buf_clear(room);
        status = buf_reserve(room, (size_t)unit.raw_size + BLOCK_SLACK_BYTES);
        if (status == STATUS_OK) status = unit_unpack(sst, &unit, room->data);
        raw = slice_make(room->data, unit.raw_size);
    } else if (status == STATUS_OK && raw.size != unit.raw_size) {
        status = STATUS_CORRUPT;
    }
    return status == STATUS_OK ? data_block_parse(sst, at, raw, view) : unit_failed(sst, at, status);
}

/* Room for unit `at` to be read into: what is stored as it is then stays there. */
static struct block *unit_room(struct sst *sst, uint32_t at, uint32_t size) {
    struct block_cache *cache = sst->properties.codec == CODEC_NONE ? sst->environment->cache : NULL;
    return block_create(cache, sst->cache_file, at, UNIT_AT + (size_t)size);
}

/* The unit that was read into *block, as a data block; on failure *block is NULL. */
static enum status settle(struct sst *sst, uint32_t at, struct block **block) {
    const struct sst_handle handle = sst_index_handle(sst, at);
    struct block *read = *block;
    struct sst_unit unit;
    *block = NULL;
    enum status status = unit_open(sst, slice_from(block_slice(read), UNIT_AT), &handle, SST_SECTION_DATA, &unit);
    if (status != STATUS_OK) {
        status = unit_failed(sst, at, status);
    } else if (unit.codec != CODEC_NONE || read->cache != sst->environment->cache) {
        status = unpack_block(sst, at, &unit, block);
    } else {
        status = data_block_parse(sst, at, unit.payload, sst_block_view_of(read));
        if (status == STATUS_OK) {
            *block = read;
            return STATUS_OK;
        }
    }
    block_release(read);
    return status;
}

static enum status read_failed(struct sst *sst, uint32_t at, enum status status) {
    return sst_block_failed(sst, at, status, status == STATUS_CORRUPT ? "the file ends before it" : "it can't be read");
}

/* Compressed: through the stack to its block. */
static enum status read_packed(struct sst *sst, uint32_t at, const struct sst_handle *handle, struct block **block) {
    uint8_t stack[STACK_UNIT_BYTES];
    const enum status status = sst_file_read(sst, handle->offset, stack, handle->size);
    if (status != STATUS_OK) return read_failed(sst, at, status);
    return sst_block_decode(sst, at, slice_make(stack, handle->size), block);
}

/* Mapped: checked where it lies; the block is no more than the view of it. */
static enum status read_mapped(struct sst *sst, uint32_t at, const struct sst_handle *handle, struct block **block) {
    struct sst_unit unit;
    enum status status = unit_open(sst, sst_map_slice(sst->map, handle), handle, SST_SECTION_DATA, &unit);
    if (status != STATUS_OK) return unit_failed(sst, at, status);
    if (unit.codec != CODEC_NONE) return unpack_block(sst, at, &unit, block);
    struct block *made = block_create_backed(sst->environment->cache, sst->cache_file, at,
                                             sizeof(struct sst_block_view), &sst->map->backing);
    if (!made) return STATUS_NO_MEMORY;
    status = data_block_parse(sst, at, unit.payload, sst_block_view_of(made));
    if (status == STATUS_OK)
        *block = made;
    else
        block_release(made);
    return status;
}

static enum status block_read(struct sst *sst, uint32_t at, struct block **block) {
    const struct sst_handle handle = sst_index_handle(sst, at);
    if (sst->environment->watch) sst->environment->watch->from = ENGINE_FROM_FILE;
    if (sst->map) return read_mapped(sst, at, &handle, block);
    if (sst->properties.codec != CODEC_NONE && handle.size <= STACK_UNIT_BYTES)
        return read_packed(sst, at, &handle, block);
    struct block *made = unit_room(sst, at, handle.size);
    if (!made) return STATUS_NO_MEMORY;
    enum status status = sst_file_read(sst, handle.offset, made->data + UNIT_AT, handle.size);
    if (status == STATUS_OK) {
        status = settle(sst, at, &made);
        *block = made;
    } else {
        block_release(made);
        status = read_failed(sst, at, status);
    }
    return status;
}

struct block *sst_block_cached(struct sst *sst, uint32_t at) {
    if (!sst->slots) return NULL;
    struct block *block = block_cache_get(sst->environment->cache, sst->cache_file, at, &sst->slots[at]);
    /* The cache has fetched the lines of the block itself, which are the first ones of its columns, if they are in it.
     */
    if (block && sst->map) block_view_touch(sst_block_view_of(block));
    return block;
}

void sst_block_cache(struct sst *sst, struct block **block) {
    if (sst->slots) block_cache_add(sst->environment->cache, block, &sst->slots[(*block)->place]);
}

enum status sst_block_load(struct sst *sst, uint32_t at, unsigned flags, struct block **block) {
    *block = sst_block_cached(sst, at);
    if (*block) return STATUS_OK;
    if (flags & SST_MEMORY_ONLY) return STATUS_WOULD_BLOCK;
    enum status status = block_read(sst, at, block);
    if (status == STATUS_OK && !(flags & SST_NO_FILL)) sst_block_cache(sst, block);
    return status;
}

/* ---- Explanations ------------------------------------------------------------------------------------------------ */

uint64_t sst_watch_start(const struct sst *sst) {
    sst->environment->watch->from = ENGINE_FROM_CACHE;
    return io_now_ns(sst->environment->io);
}

void sst_watch_block(const struct sst *sst, uint32_t at, enum status status, uint64_t start_ns) {
    struct engine_watch *watch = sst->environment->watch;
    const struct sst_handle handle = sst_index_handle(sst, at);
    const struct engine_step step = {.kind = ENGINE_STEP_BLOCK,
                                     .status = status,
                                     .file = sst->cache_file,
                                     .from = watch->from,
                                     .at = at,
                                     .count = sst->index.count,
                                     .offset = handle.offset,
                                     .bytes = handle.size,
                                     .ns = io_now_ns(sst->environment->io) - start_ns};
    watch->told(watch->context, &step);
}

void sst_watch_stretch(const struct sst *sst, uint64_t offset, uint64_t bytes, enum status status, uint64_t start_ns) {
    struct engine_watch *watch = sst->environment->watch;
    const struct engine_step step = {.kind = ENGINE_STEP_STRETCH,
                                     .status = status,
                                     .file = sst->cache_file,
                                     .offset = offset,
                                     .bytes = bytes,
                                     .ns = io_now_ns(sst->environment->io) - start_ns};
    watch->told(watch->context, &step);
}

void sst_block_place(const struct sst *sst, uint32_t at, uint64_t *offset, uint64_t *bytes) {
    const struct sst_handle handle = sst_index_handle(sst, at);
    *offset = handle.offset;
    *bytes = handle.size;
}

static enum status index_key(const struct sst *sst, uint32_t at, struct buf *key) {
    buf_clear(key);
    const enum status status = buf_reserve(key, block_view_key_room(&sst->index));
    if (status == STATUS_OK) key->size = block_view_key(&sst->index, at, key->data).size;
    return status;
}

enum status sst_block_keys(const struct sst *sst, uint32_t at, struct buf *first, struct buf *last) {
    buf_clear(first);
    const enum status status = at ? index_key(sst, at - 1, first) : STATUS_OK;
    return status == STATUS_OK ? index_key(sst, at, last) : status;
}

uint64_t sst_number(const struct sst *sst) {
    return sst->cache_file;
}

uint32_t sst_block_count(const struct sst *sst) {
    return sst->index.count;
}

/* ---- Many at once ------------------------------------------------------------------------------------------------ */

/* Has them read; *reads in the order of those that have room. */
static size_t ask_for(struct sst_wanted *wanted, size_t count, struct io_read *reads) {
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        struct sst_wanted *want = &wanted[i];
        const struct sst_handle handle = sst_index_handle(want->sst, want->at);
        if (want->sst->map) {
            sst_map_ask(want->sst->map, &handle);
            continue;
        }
        want->block = unit_room(want->sst, want->at, handle.size);
        if (!want->block) continue;
        reads[asked++] = (struct io_read){
            .file = want->sst->file,
            .offset = handle.offset,
            .to = want->block->data + UNIT_AT,
            .size = handle.size,
        };
    }
    return asked;
}

static void take_read(struct sst_wanted *want, const struct io_read *read) {
    if (read->status != STATUS_OK || read->got < read->size) {
        block_release(want->block);
        want->block = NULL;
    } else if (settle(want->sst, want->at, &want->block) == STATUS_OK) {
        sst_block_cache(want->sst, &want->block);
    }
}

void sst_load_many(struct io *io, struct sst_wanted *wanted, size_t count) {
    struct io_read *reads = count ? malloc(count * sizeof *reads) : NULL;
    for (size_t i = 0; i < count; i++) wanted[i].block = NULL;
    if (!reads) return;
    io_file_read_many(io, reads, ask_for(wanted, count, reads));
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        if (wanted[i].block)
            take_read(&wanted[i], &reads[asked++]);
        else if (wanted[i].sst->map && sst_block_load(wanted[i].sst, wanted[i].at, 0, &wanted[i].block) != STATUS_OK)
            wanted[i].block = NULL;
    }
    free(reads);
}
