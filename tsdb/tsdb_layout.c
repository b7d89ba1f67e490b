/* tsdb_layout: see tsdb_layout.h. Names, and the meanings that FORMAT.md prints. */
#include "tsdb/tsdb_layout.h"

#include <inttypes.h>
#include <stdio.h>

#include "tsdb/codec/chunk.h"
#include "tsdb/tsdb.h"

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static const struct layout_row series_key_rows[] = {
    {"series", LAYOUT_KEY_U64, .meaning = "series id"},
    {.name = NULL},
};
const struct layout series_key_layout = {.name = "key of a series", .rows = series_key_rows};

static void say_first_time(uint64_t time, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "%" PRId64 " ms", (int64_t)(time ^ (uint64_t)1 << 63));
}
static const struct layout_row chunk_key_rows[] = {
    {"series", LAYOUT_KEY_U64, .meaning = "series id"},
    {"first time", LAYOUT_KEY_U64, .say = say_first_time, .meaning = "time of the first sample, sign bit turned over"},
    {.name = NULL},
};
const struct layout chunk_key_layout = {.name = "key of a chunk", .rows = chunk_key_rows};

static const struct layout_row label_key_rows[] = {
    {"label name", LAYOUT_CODE, .text = "escaped text", .meaning = "1 to `TSDB_LABEL_MAX_BYTES` bytes"},
    {"label value", LAYOUT_CODE, .text = "escaped text", .meaning = "likewise"},
    {"series", LAYOUT_KEY_U64, .meaning = "series id"},
    {.name = NULL},
};
const struct layout label_key_layout = {.name = "key of a label", .rows = label_key_rows};

/* ---- Series ------------------------------------------------------------------------------------------------------ */

static const char *policy_name(uint64_t policy) {
    return policy ? tsdb_policy_name((enum tsdb_policy)policy) : "not given";
}

static const struct layout_name given[] = {
    {TSDB_RETENTION, "retention", NULL},
    {TSDB_CHUNK_SIZE, "chunk size", NULL},
    {TSDB_DUPLICATE_POLICY, "policy", NULL},
    {TSDB_LABELS, "labels", NULL},
    {.name = NULL},
};
static const struct layout_row settings_rows[] = {
    {"given", LAYOUT_U8, LAYOUT_AS_FLAGS, .names = given, .meaning = "others must be 0"},
    {"retention ms", LAYOUT_VARINT, .when = TSDB_RETENTION, .meaning = "0 = for ever; at most 2^63 - 1"},
    {"chunk bytes", LAYOUT_VARINT, .when = TSDB_CHUNK_SIZE,
     .meaning = "48 .. 1048576, a multiple of 8; 4096 where it is not given"},
    {"duplicate policy", LAYOUT_U8, LAYOUT_AS_NAMED, .when = TSDB_DUPLICATE_POLICY, .name_of = policy_name,
     .names_last = TSDB_POLICY_SUM, .other = "unknown", .meaning = "what becomes of a second sample of one time"},
    {"labels", LAYOUT_VARINT, .when = TSDB_LABELS, .meaning = "how many, at most `TSDB_LABELS_MAX`"},
    {"label name", LAYOUT_CODE, .when = TSDB_LABELS, .text = "string",
     .meaning = "1 .. `TSDB_LABEL_MAX_BYTES` bytes; of the first label"},
    {"label value", LAYOUT_CODE, .when = TSDB_LABELS, .text = "string",
     .meaning = "1 .. `TSDB_LABEL_MAX_BYTES` bytes; and again for each label"},
    {.name = NULL},
};
const struct layout settings_layout = {.name = "settings", .rows = settings_rows};

static const struct layout_row series_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"name", LAYOUT_STRING, .meaning = "as in the name space"},
    {"settings", LAYOUT_CODE, .text = "settings", .meaning = "as above"},
    {.name = NULL},
};
const struct layout series_row_layout = {.name = "row of a series", .rows = series_rows};

/* ---- Chunks ------------------------------------------------------------------------------------------------------ */

static const struct layout_name encodings[] = {
    {CHUNK_OPEN, "open", NULL},
    {CHUNK_GORILLA, "Gorilla", NULL},
    {.name = NULL},
};
static const struct layout_row chunk_rows[] = {
    {"encoding", LAYOUT_U8, LAYOUT_AS_NAMED, .names = encodings, .meaning = "a higher one is a later version's"},
    {"samples", LAYOUT_CODE, .text = "", .meaning = "by the encoding"},
    {.name = NULL},
};
const struct layout chunk_layout = {.name = "chunk", .rows = chunk_rows};

static const struct layout_row open_rows[] = {
    {"sample", LAYOUT_CODE, .text = "1 to 19 bytes", .meaning = "again and again to the end"},
    {.name = NULL},
};
const struct layout chunk_open_layout = {.name = "open chunk", .rows = open_rows};

static void say_span(uint64_t span, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "%" PRIu64 " ms", span);
}
static const struct layout_row gorilla_rows[] = {
    {"count", LAYOUT_VARINT, .meaning = "number of samples"},
    {"span", LAYOUT_VARINT, .say = say_span, .meaning = "last time - first time"},
    {"Gorilla stream", LAYOUT_CODE, .text = "the rest", .meaning = "of count samples"},
    {.name = NULL},
};
const struct layout chunk_gorilla_layout = {.name = "Gorilla chunk", .rows = gorilla_rows};

/* ---- Operations -------------------------------------------------------------------------------------------------- */

static const char *kind_name(uint64_t kind) {
    return tsdb_op_kind_name((enum tsdb_op_kind)kind);
}
static const struct layout_row operation_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"operation", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = kind_name, .names_last = TSDB_OP_DELETE_RANGE,
     .other = "unknown", .meaning = "the kind"},
    {"body", LAYOUT_CODE, .text = "", .meaning = "by the kind"},
    {.name = NULL},
};
const struct layout tsdb_operation_layout = {.name = "operation of tsdb", .rows = operation_rows};

static const struct layout_row named_rows[] = {
    {"name", LAYOUT_STRING, .meaning = "of the series"},
    {"settings", LAYOUT_CODE, .text = "settings", .meaning = "as above"},
    {.name = NULL},
};
static const struct layout_row add_rows[] = {
    {"settings", LAYOUT_CODE, .text = "settings", .meaning = "of a series that is made by it"},
    {"on duplicate", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = policy_name, .names_last = TSDB_POLICY_SUM,
     .other = "unknown", .meaning = "a policy for this sample; 0 = the series'"},
    {"samples", LAYOUT_CODE, .text = "samples", .meaning = "1"},
    {.name = NULL},
};
static const struct layout_row madd_rows[] = {
    {"samples", LAYOUT_CODE, .text = "samples", .meaning = "as below"},
    {.name = NULL},
};
static const struct layout_row delete_rows[] = {
    {"name", LAYOUT_STRING, .meaning = "of the series"},
    {"from ms", LAYOUT_ZIGZAG, .meaning = "the first time"},
    {"to ms", LAYOUT_ZIGZAG, .meaning = "the last time, inclusive, too"},
    {.name = NULL},
};
static const struct layout_case bodies[] = {
    {TSDB_OP_CREATE, "create", .rows = named_rows},
    {TSDB_OP_ALTER, "alter", .rows = named_rows},
    {TSDB_OP_ADD, "add", .rows = add_rows},
    {TSDB_OP_MADD, "madd", .rows = madd_rows},
    {TSDB_OP_DELETE_RANGE, "delete_range", .rows = delete_rows},
    {.name = NULL},
};
const struct layout tsdb_body_layout = {.name = "body of an operation of tsdb", .cases = bodies, .chosen_by = "kind"};

static const struct layout_row sample_rows[] = {
    {"samples", LAYOUT_VARINT, .meaning = "how many, at most `TSDB_SAMPLES_MAX`"},
    {"sample", LAYOUT_CODE, .text = "as below, each", .meaning = "told as a whole: name, time, value"},
    {.name = NULL},
};
const struct layout tsdb_sample_layout = {.name = "samples of an operation", .rows = sample_rows};
