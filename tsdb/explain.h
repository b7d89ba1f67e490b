/*
 * explain: a series as it lies in the store, for tools: its settings, its chunks, and of a chunk what each sample's
 * bits say. Read by the store's own decoders. Any bytes are safe.
 */
#ifndef TSDB_EXPLAIN_H
#define TSDB_EXPLAIN_H

#include "tsdb/tsdb.h"

/* FORMAT.md, "Chunk". */
enum tsdb_encoding { TSDB_OPEN = 1, TSDB_GORILLA = 2 };
const char *tsdb_encoding_name(enum tsdb_encoding encoding); /* "OPEN" */

struct tsdb_chunk {
    uint64_t number; /* in the series, from 1 */
    int64_t first_ms, last_ms;
    bool has_next; /* another one follows: */
    int64_t next_ms;
    enum tsdb_encoding encoding;
    uint64_t samples;
    struct slice value; /* its bytes */
    enum status fault;  /* CORRUPT, VERSION: last_ms and samples may be wrong */
};

struct tsdb_explain_visitor {
    /* Once, first: labels are in settings. */
    void (*series)(void *context, const struct tsdb_settings *settings);
    /* Each chunk, oldest first. */
    void (*chunk)(void *context, const struct tsdb_chunk *chunk);
    void *context;
};

/* All that is borrowed is so for the call of the visitor. NOT_FOUND: no such series; CORRUPT, IO: what follows can't be
 * read; NO_MEMORY. Blocking. */
MUST_CHECK enum status tsdb_explain_series(struct engine *engine, uint64_t series,
                                           const struct tsdb_explain_visitor *visitor);

enum tsdb_value_form {
    TSDB_VALUE_WHOLE, /* the first sample's */
    TSDB_VALUE_SAME,  /* as the one before */
    TSDB_VALUE_OLD_WINDOW,
    TSDB_VALUE_NEW_WINDOW, /* also of OPEN: the bytes of the XOR that are not zero at its ends */
};

struct tsdb_sample_bits {
    uint64_t number; /* in the chunk, from 0 */
    uint64_t at;     /* its first bit, counted from that of the chunk's value */
    unsigned time_bits, value_bits;
    int64_t time_ms, second_difference;
    double value;
    enum tsdb_value_form form;
    unsigned leading, size; /* zero bits before what is stored of the XOR, and how many bits of it are */
    uint64_t xor_bits;
};

/* Calls visit with each sample. CORRUPT, VERSION: behind all that could be read. */
MUST_CHECK enum status tsdb_explain_samples(struct slice chunk, int64_t first_ms,
                                            void (*visit)(void *context, const struct tsdb_sample_bits *sample),
                                            void *context);
/* Where its bits go, in words: "1110 +12: D -380, 11 +5 +6 +14: 12 zeros, 14 bits, 38 zeros". Terminated. */
void tsdb_explain_bits(const struct tsdb_sample_bits *sample, enum tsdb_encoding encoding, char *to, size_t room);

#endif
