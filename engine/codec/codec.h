/*
 * codec: compression of blocks, one interface over lz4 and zstd; the only place that includes them (DESIGN R2).
 *
 * A struct codec keeps contexts for reuse; it is thread-safe, one per engine is enough.
 */
#ifndef ENGINE_CODEC_CODEC_H
#define ENGINE_CODEC_CODEC_H

#include "engine/base/buf.h"

/* Stored on disk: never renumber. Equal to enum engine_compression. */
enum codec_id { CODEC_NONE = 0, CODEC_LZ4 = 1, CODEC_ZSTD = 2, CODEC_COUNT };

struct codec;

struct codec *codec_create(void); /* NULL when out of memory */
void codec_destroy(struct codec *codec);

/* What it keeps for reuse. */
size_t codec_memory_bytes(struct codec *codec);

const char *codec_name(enum codec_id id); /* "none", "lz4", "zstd"; "unknown" */

/*
 * Appends the compressed form of `from` to *to if that saves at least an eighth, and sets *used = id; otherwise appends
 * nothing and sets *used = CODEC_NONE (store it raw). level: zstd's, 0 = 3; lz4 takes no notice. NO_MEMORY.
 */
MUST_CHECK enum status codec_compress(struct codec *codec, enum codec_id id, int level, struct slice from,
                                      struct buf *to, enum codec_id *used);

/*
 * Decompresses untrusted bytes into exactly `size` bytes at `to`: never writes more, and anything but that size is
 * CORRUPT. UNSUPPORTED: unknown id. NO_MEMORY. codec may be NULL (a context is then made for the call).
 */
MUST_CHECK enum status codec_decompress(struct codec *codec, enum codec_id id, struct slice from, uint8_t *to,
                                        size_t size);

#endif
