/*
 * codec_internal: the idle contexts of a codec, for the files of engine/codec alone. A context that was taken belongs
 * to one call until it is given back.
 */
#ifndef ENGINE_CODEC_CODEC_INTERNAL_H
#define ENGINE_CODEC_CODEC_INTERNAL_H

#include <zstd.h>

#include "engine/codec/codec.h"

enum { CODEC_ZSTD_LEVEL = 3 }; /* where none is asked for */

/* NULL when out of memory. codec may be NULL: the context is then made for the call, and freed when it is given. */
ZSTD_CCtx *codec_take_compressor(struct codec *codec);
void codec_give_compressor(struct codec *codec, ZSTD_CCtx *context);
ZSTD_DCtx *codec_take_decompressor(struct codec *codec);
void codec_give_decompressor(struct codec *codec, ZSTD_DCtx *context);

/* The most bytes that the compressed form of so many may have to be worth it; 0: none is. */
size_t codec_worthwhile(size_t size);

#endif
