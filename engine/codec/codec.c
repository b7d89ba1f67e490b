/*
 * codec: the choice of compressor, and the idle zstd contexts (making one costs more than a block does).
 *
 * Invariant: a context is either in an idle list or with exactly one call.
 */
#include "engine/codec/codec.h"

#include <limits.h>
#include <stdlib.h>

#include <lz4.h>

#include "engine/base/check.h"
#include "engine/base/sync.h"
#include "engine/codec/codec_internal.h"

enum { IDLE_MAX = 8 };

struct codec {
    struct mutex mutex;
    ZSTD_CCtx *compressors[IDLE_MAX];
    ZSTD_DCtx *decompressors[IDLE_MAX];
    unsigned compressor_count;
    unsigned decompressor_count;
};

struct codec *codec_create(void) {
    struct codec *codec = calloc(1, sizeof *codec);
    if (codec) mutex_init(&codec->mutex);
    return codec;
}

void codec_destroy(struct codec *codec) {
    if (!codec) return;
    for (unsigned i = 0; i < codec->compressor_count; i++) ZSTD_freeCCtx(codec->compressors[i]);
    for (unsigned i = 0; i < codec->decompressor_count; i++) ZSTD_freeDCtx(codec->decompressors[i]);
    mutex_deinit(&codec->mutex);
    free(codec);
}

size_t codec_memory_bytes(struct codec *codec) {
    size_t bytes = sizeof *codec;
    mutex_lock(&codec->mutex);
    for (unsigned i = 0; i < codec->compressor_count; i++) bytes += ZSTD_sizeof_CCtx(codec->compressors[i]);
    for (unsigned i = 0; i < codec->decompressor_count; i++) bytes += ZSTD_sizeof_DCtx(codec->decompressors[i]);
    mutex_unlock(&codec->mutex);
    return bytes;
}

const char *codec_name(enum codec_id id) {
    switch (id) {
    case CODEC_NONE: return "none";
    case CODEC_LZ4: return "lz4";
    case CODEC_ZSTD: return "zstd";
    case CODEC_COUNT: break;
    }
    return "unknown";
}

ZSTD_CCtx *codec_take_compressor(struct codec *codec) {
    ZSTD_CCtx *context = NULL;
    if (codec) {
        mutex_lock(&codec->mutex);
        if (codec->compressor_count) context = codec->compressors[--codec->compressor_count];
        mutex_unlock(&codec->mutex);
    }
    return context ? context : ZSTD_createCCtx();
}

void codec_give_compressor(struct codec *codec, ZSTD_CCtx *context) {
    if (codec) {
        mutex_lock(&codec->mutex);
        if (codec->compressor_count < IDLE_MAX) {
            codec->compressors[codec->compressor_count++] = context;
            context = NULL;
        }
        mutex_unlock(&codec->mutex);
    }
    ZSTD_freeCCtx(context);
}

ZSTD_DCtx *codec_take_decompressor(struct codec *codec) {
    ZSTD_DCtx *context = NULL;
    if (codec) {
        mutex_lock(&codec->mutex);
        if (codec->decompressor_count) context = codec->decompressors[--codec->decompressor_count];
        mutex_unlock(&codec->mutex);
    }
    return context ? context : ZSTD_createDCtx();
}

void codec_give_decompressor(struct codec *codec, ZSTD_DCtx *context) {
    if (codec) {
        mutex_lock(&codec->mutex);
        if (codec->decompressor_count < IDLE_MAX) {
            codec->decompressors[codec->decompressor_count++] = context;
            context = NULL;
        }
        mutex_unlock(&codec->mutex);
    }
    ZSTD_freeDCtx(context);
}

size_t codec_worthwhile(size_t size) {
    const size_t limit = size - size / 8;
    return limit == size || size > LZ4_MAX_INPUT_SIZE ? 0 : limit; /* under 8 bytes: nothing to save */
}

/* Compresses into [to, to + limit); *size 0 = did not fit, which means that it saves too little. */
static enum status compress_within(struct codec *codec, enum codec_id id, int level, struct slice from, uint8_t *to,
                                   size_t limit, size_t *size) {
    *size = 0;
    if (id == CODEC_LZ4) {
        int got = LZ4_compress_default((const char *)from.data, (char *)to, (int)from.size, (int)limit);
        if (got > 0) *size = (size_t)got;
        return STATUS_OK;
    }
    check(id == CODEC_ZSTD);
    ZSTD_CCtx *context = codec_take_compressor(codec);
    if (!context) return STATUS_NO_MEMORY;
    size_t got = ZSTD_compressCCtx(context, to, limit, from.data, from.size, level ? level : CODEC_ZSTD_LEVEL);
    codec_give_compressor(codec, context);
    /* Too small a target and no memory for tables look alike from here; both end in storing the block raw. */
    if (!ZSTD_isError(got)) *size = got;
    return STATUS_OK;
}

enum status codec_compress(struct codec *codec, enum codec_id id, int level, struct slice from, struct buf *to,
                           enum codec_id *used) {
    *used = CODEC_NONE;
    const size_t limit = id == CODEC_NONE ? 0 : codec_worthwhile(from.size);
    if (limit == 0) return STATUS_OK;
    enum status status = buf_reserve(to, limit);
    if (status != STATUS_OK) return status;
    size_t size = 0;
    status = compress_within(codec, id, level, from, to->data + to->size, limit, &size);
    if (status != STATUS_OK || size == 0) return status;
    to->size += size;
    *used = id;
    return STATUS_OK;
}

static enum status decompress_zstd(struct codec *codec, struct slice from, uint8_t *to, size_t size) {
    ZSTD_DCtx *context = codec_take_decompressor(codec);
    if (!context) return STATUS_NO_MEMORY;
    size_t got = ZSTD_decompressDCtx(context, to, size, from.data, from.size);
    codec_give_decompressor(codec, context);
    return got == size ? STATUS_OK : STATUS_CORRUPT; /* an error code is larger than any size */
}

enum status codec_decompress(struct codec *codec, enum codec_id id, struct slice from, uint8_t *to, size_t size) {
    if (from.size > INT_MAX || size > INT_MAX) return STATUS_CORRUPT;
    switch (id) {
    case CODEC_NONE:
        if (from.size != size) return STATUS_CORRUPT;
        if (size) memcpy(to, from.data, size);
        return STATUS_OK;
    case CODEC_LZ4: {
        int got = LZ4_decompress_safe((const char *)from.data, (char *)to, (int)from.size, (int)size);
        return got >= 0 && (size_t)got == size ? STATUS_OK : STATUS_CORRUPT;
    }
    case CODEC_ZSTD: return decompress_zstd(codec, from, to, size);
    case CODEC_COUNT: break;
    }
    return STATUS_UNSUPPORTED;
}
