/*
 * dictionary: made by ZDICT_finalizeDictionary: content is ours to choose, its entropy tables are counted over the
 * samples. Content is whole samples at even distances. ZDICT_trainFromBuffer, which searches for the best pieces, finds
 * 2 % more in rows of JSON, and takes forty times as long and megabytes of memory (engine/README.md, "Dictionaries").
 */
#include "engine/codec/dictionary.h"

#include <limits.h>
#include <stdlib.h>

#include <zdict.h>

#include "engine/codec/codec_internal.h"

enum {
    TABLES_BYTES = 128, /* about, of magic, number and entropy tables, at least; content that finds no room is cut */
    HEAD_BYTES = 8,     /* magic and number */
};

struct dictionary_packer {
    ZSTD_CDict *digested;
};
struct dictionary_unpacker {
    ZSTD_DDict *digested;
};

/* ---- Training ---------------------------------------------------------------------------------------------------- */

/* Copies samples at even distances, none of an odd number, until `room` is full; the bytes copied. */
static size_t choose_content(struct slice samples, const size_t *sizes, size_t count, uint8_t *to, size_t room) {
    const size_t wanted = room / (samples.size / count + 1) + 1; /* about so many fit */
    const size_t step = count / wanted < 2 ? 2 : count / wanted & ~(size_t)1;
    size_t size = 0, at = 0;
    for (size_t i = 0; i < count && size < room; at += sizes[i++]) {
        if (i % step != 0) continue;
        const size_t part = sizes[i] < room - size ? sizes[i] : room - size;
        memcpy(to + size, samples.data + at, part);
        size += part;
    }
    return size;
}

enum status dictionary_train(struct slice samples, const size_t *sizes, size_t count, size_t limit, int level,
                             struct buf *to) {
    if (limit > DICTIONARY_MOST_BYTES) limit = DICTIONARY_MOST_BYTES;
    if (limit > samples.size / DICTIONARY_SHARE) limit = samples.size / DICTIONARY_SHARE;
    if (limit < DICTIONARY_LEAST_BYTES || count < DICTIONARY_LEAST_SAMPLES || count > UINT_MAX) return STATUS_OK;
    uint8_t *content = malloc(limit);
    enum status status = content ? buf_reserve(to, limit) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        const size_t size = choose_content(samples, sizes, count, content, limit - TABLES_BYTES);
        const ZDICT_params_t params = {.compressionLevel = level ? level : CODEC_ZSTD_LEVEL};
        const size_t got = ZDICT_finalizeDictionary(to->data + to->size, limit, content, size, samples.data, sizes,
                                                    (unsigned)count, params);
        /* What fails here are samples without anything in common, or memory for a table: do without. */
        if (!ZDICT_isError(got)) to->size += got;
    }
    free(content);
    return status;
}

enum status dictionary_describe(struct slice bytes, struct dictionary_parts *parts) {
    const size_t head = ZDICT_getDictHeaderSize(bytes.data, bytes.size);
    if (ZDICT_isError(head) || head < HEAD_BYTES || head > bytes.size) return STATUS_CORRUPT;
    *parts = (struct dictionary_parts){.number = ZDICT_getDictID(bytes.data, bytes.size),
                                       .tables_bytes = head - HEAD_BYTES,
                                       .content_bytes = bytes.size - head};
    return STATUS_OK;
}

/* ---- Digested ---------------------------------------------------------------------------------------------------- */

/* NULL of zstd means that the bytes are no dictionary, or that memory ended: the first is asked for apart. */
static enum status check_bytes(struct slice bytes) {
    struct dictionary_parts parts;
    return dictionary_describe(bytes, &parts);
}

enum status dictionary_packer_create(struct slice bytes, int level, struct dictionary_packer **packer) {
    enum status status = check_bytes(bytes);
    if (status != STATUS_OK) return status;
    struct dictionary_packer *made = calloc(1, sizeof *made);
    if (made) made->digested = ZSTD_createCDict(bytes.data, bytes.size, level ? level : CODEC_ZSTD_LEVEL);
    if (!made || !made->digested) {
        dictionary_packer_destroy(made);
        return STATUS_NO_MEMORY;
    }
    *packer = made;
    return STATUS_OK;
}

void dictionary_packer_destroy(struct dictionary_packer *packer) {
    if (packer) ZSTD_freeCDict(packer->digested);
    free(packer);
}

size_t dictionary_packer_bytes(const struct dictionary_packer *packer) {
    return sizeof *packer + ZSTD_sizeof_CDict(packer->digested);
}

enum status dictionary_unpacker_create(struct slice bytes, struct dictionary_unpacker **unpacker) {
    enum status status = check_bytes(bytes);
    if (status != STATUS_OK) return status;
    struct dictionary_unpacker *made = calloc(1, sizeof *made);
    if (made) made->digested = ZSTD_createDDict(bytes.data, bytes.size);
    if (!made || !made->digested) {
        dictionary_unpacker_destroy(made);
        return STATUS_NO_MEMORY;
    }
    *unpacker = made;
    return STATUS_OK;
}

void dictionary_unpacker_destroy(struct dictionary_unpacker *unpacker) {
    if (unpacker) ZSTD_freeDDict(unpacker->digested);
    free(unpacker);
}

size_t dictionary_unpacker_bytes(const struct dictionary_unpacker *unpacker) {
    return sizeof *unpacker + ZSTD_sizeof_DDict(unpacker->digested);
}

/* ---- Use --------------------------------------------------------------------------------------------------------- */

/* *size 0: it does not fit. The dictionary's number would be four bytes in each block, which says no more than where
 * the block stands. */
static enum status compress_within(struct codec *codec, const struct dictionary_packer *packer, struct slice from,
                                   uint8_t *to, size_t limit, size_t *size) {
    ZSTD_CCtx *context = codec_take_compressor(codec);
    if (!context) return STATUS_NO_MEMORY;
    size_t got = ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
    if (!ZSTD_isError(got)) got = ZSTD_CCtx_refCDict(context, packer->digested);
    if (!ZSTD_isError(got)) got = ZSTD_compress2(context, to, limit, from.data, from.size);
    *size = ZSTD_isError(got) ? 0 : got;
    /* The context outlives the dictionary. */
    got = ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
    if (ZSTD_isError(got))
        ZSTD_freeCCtx(context);
    else
        codec_give_compressor(codec, context);
    return STATUS_OK;
}

enum status dictionary_compress(struct codec *codec, const struct dictionary_packer *packer, struct slice from,
                                struct buf *to, bool *used) {
    *used = false;
    const size_t limit = codec_worthwhile(from.size);
    if (limit == 0) return STATUS_OK;
    enum status status = buf_reserve(to, limit);
    size_t size = 0;
    if (status == STATUS_OK) status = compress_within(codec, packer, from, to->data + to->size, limit, &size);
    if (status != STATUS_OK || size == 0) return status;
    to->size += size;
    *used = true;
    return STATUS_OK;
}

enum status dictionary_decompress(struct codec *codec, const struct dictionary_unpacker *unpacker, struct slice from,
                                  uint8_t *to, size_t size) {
    if (from.size > INT_MAX || size > INT_MAX) return STATUS_CORRUPT;
    ZSTD_DCtx *context = codec_take_decompressor(codec);
    if (!context) return STATUS_NO_MEMORY;
    const size_t got = ZSTD_decompress_usingDDict(context, to, size, from.data, from.size, unpacker->digested);
    codec_give_decompressor(codec, context);
    return got == size ? STATUS_OK : STATUS_CORRUPT; /* an error code is larger than any size */
}
