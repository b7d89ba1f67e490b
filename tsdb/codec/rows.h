/*
 * rows: keys of the three trees and the row of a series as bytes (FORMAT.md). Chunks' values are chunk.h's.
 */
#ifndef TSDB_CODEC_ROWS_H
#define TSDB_CODEC_ROWS_H

#include "tsdb/codec/settings.h"

enum { SERIES_KEY_BYTES = 8, CHUNK_KEY_BYTES = 16 };

struct series_key {
    uint8_t bytes[SERIES_KEY_BYTES];
};
struct chunk_key {
    uint8_t bytes[CHUNK_KEY_BYTES];
};

struct series_key series_key_make(uint64_t series);
MUST_CHECK enum status series_key_decode(struct slice key, uint64_t *series); /* CORRUPT */

/* Byte order is the order of (series, time). */
struct chunk_key chunk_key_make(uint64_t series, int64_t first_ms);
MUST_CHECK enum status chunk_key_decode(struct slice key, uint64_t *series, int64_t *first_ms); /* CORRUPT */
/* The keys of all chunks of a series lie in [begin, end); `end` is empty for the last id there is. */
struct chunk_range {
    uint8_t begin[SERIES_KEY_BYTES], end[SERIES_KEY_BYTES];
    size_t end_size;
};
struct chunk_range chunk_range_make(uint64_t series);

struct series_row {
    struct slice name;
    struct tsdb_settings settings; /* labels NULL */
    struct decoder labels;         /* settings.label_count times name, value: series_row_next_label */
};
/* Appends the row. */
MUST_CHECK enum status series_row_encode(struct buf *to, struct slice name, const struct tsdb_settings *settings);
/* Borrows from data. CORRUPT; VERSION: of a later one. */
MUST_CHECK enum status series_row_decode(struct slice data, struct series_row *row);
struct tsdb_label series_row_next_label(struct series_row *row);

/* Replaces *key. Byte order is the order of (name, value, series). */
MUST_CHECK enum status label_key_encode(struct buf *key, const struct tsdb_label *label, uint64_t series);
/* The beginning that the keys of all series with this label share. */
MUST_CHECK enum status label_prefix_encode(struct buf *prefix, struct slice name, struct slice value);
/* Takes one escaped text off a key; it replaces *to. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status label_text_decode(struct decoder *decoder, struct buf *to);
/* Name and value go into *name and *value. CORRUPT. */
MUST_CHECK enum status label_key_decode(struct slice key, struct buf *name, struct buf *value, uint64_t *series);

#endif
