/*
 * tsdb: time series as RedisTimeSeries' users know them, as a deterministic library on the engine.
 *
 * A series has a name, labels and samples (time, value); times are int64 milliseconds, one value per time. Writes: a
 * command becomes a tsdb_op, is encoded, goes through whatever log the owner keeps, and tsdb_apply turns it into
 * changes of a batch and a reply. Reads: functions on a names_view. Both answer with engine/base/reply.h; user errors
 * are replies with RedisTimeSeries' texts, the status is for what is not the user's.
 *
 * Values are kept bit for bit: NaN payloads, -0.0, infinities. Times may be any int64; who serves RESP refuses negative
 * ones, as RedisTimeSeries does (tsdb_parse_time).
 *
 * Runs alone (embedded, see tsdb_apply's caller duties) or replicated (tsdb/state_machine.h). Threads: apply from one;
 * reads from any. Bytes: tsdb/FORMAT.md.
 */
#ifndef TSDB_TSDB_H
#define TSDB_TSDB_H

#include "engine/base/arena.h"
#include "engine/base/reply.h"
#include "engine/names.h"

#pragma GCC visibility push(default)

enum {
    TREE_SERIES = 16, /* series id -> row */
    TREE_CHUNKS = 17, /* series id, first time -> chunk */
    TREE_LABELS = 18, /* label name, value, series id -> nothing */
    KIND_SERIES = 16,
    KIND_CHUNKS = 17,
    KIND_LABELS = 18,
};
extern const struct engine_tree_kind tsdb_kinds[];
extern const size_t tsdb_kind_count;

enum {
    TSDB_SAMPLES_MAX = 1 << 20,      /* of one operation, with those of the chunks that it changes inside */
    TSDB_LABELS_MAX = 256,           /* of a series */
    TSDB_LABEL_MAX_BYTES = 16 << 10, /* a label's name; a label's value */
    TSDB_FILTERS_MAX = 256,
    TSDB_CHUNK_MIN_BYTES = 48,
    TSDB_CHUNK_MAX_BYTES = 1 << 20,
    TSDB_CHUNK_DEFAULT_BYTES = 4096,
    TSDB_CHUNK_SAMPLES_MAX = 1 << 16,
    TSDB_REPLY_MAX_BYTES = 64 << 20, /* a larger answer is an error that says so */
    TSDB_QUERY_MAX_BYTES = 64 << 20, /* rows of series that one query holds in memory */
};

/* ---- Operations: a format; numbers never change ------------------------------------------------------------------ */

enum tsdb_op_kind {
    TSDB_OP_CREATE = 1,       /* name, settings. Replies OK */
    TSDB_OP_ALTER = 2,        /* name, settings: those given. Replies OK */
    TSDB_OP_ADD = 3,          /* one sample; settings of a series that is made by it; on_duplicate. Replies the time */
    TSDB_OP_MADD = 4,         /* samples of any series, in any order. Replies an array: time or error, each */
    TSDB_OP_DELETE_RANGE = 5, /* name, from_ms, to_ms, both inclusive. Replies how many samples went */
};

enum tsdb_policy {
    TSDB_POLICY_NONE = 0, /* not given: the series'; for a series: BLOCK */
    TSDB_POLICY_BLOCK = 1,
    TSDB_POLICY_FIRST = 2,
    TSDB_POLICY_LAST = 3,
    TSDB_POLICY_MIN = 4,
    TSDB_POLICY_MAX = 5,
    TSDB_POLICY_SUM = 6,
};
/* "block" .. "sum"; from text in any case. */
const char *tsdb_policy_name(enum tsdb_policy policy);
bool tsdb_policy_parse(struct slice text, enum tsdb_policy *policy);

struct tsdb_label {
    struct slice name, value; /* 1..TSDB_LABEL_MAX_BYTES */
};

enum tsdb_given {
    TSDB_RETENTION = 1 << 0,
    TSDB_CHUNK_SIZE = 1 << 1,
    TSDB_DUPLICATE_POLICY = 1 << 2,
    TSDB_LABELS = 1 << 3, /* with ALTER: replaces all; a count of 0 removes them */
};

struct tsdb_settings {
    uint32_t given;        /* enum tsdb_given; what is not given has its default */
    uint64_t retention_ms; /* 0 = for ever */
    uint32_t chunk_bytes;  /* MIN..MAX, a multiple of 8 */
    enum tsdb_policy policy;
    const struct tsdb_label *labels;
    size_t label_count;
};

/* What a client sent in the place of a sample. MADD answers each of its items, and a wrong one stops none of the
 * others: so its error travels with the operation, and is replied where the time would stand. */
enum tsdb_sample_fault {
    TSDB_SAMPLE_SOUND = 0,
    TSDB_SAMPLE_BAD_VALUE = 1,     /* "ERR TSDB: invalid value" */
    TSDB_SAMPLE_BAD_TIME = 2,      /* "ERR TSDB: invalid timestamp" */
    TSDB_SAMPLE_NEGATIVE_TIME = 3, /* "ERR TSDB: invalid timestamp, must be a nonnegative integer" */
};

struct tsdb_add {
    struct slice name;
    int64_t time_ms;
    bool now; /* "*": the entry's log time instead of time_ms */
    double value;
    enum tsdb_sample_fault fault; /* MADD: not SOUND: time and value don't count */
};

struct tsdb_op {
    enum tsdb_op_kind kind;
    struct slice name;              /* CREATE, ALTER, DELETE_RANGE */
    struct tsdb_settings settings;  /* CREATE, ALTER, ADD */
    enum tsdb_policy on_duplicate;  /* ADD: instead of the series' policy */
    const struct tsdb_add *samples; /* ADD (one), MADD */
    size_t sample_count;
    int64_t from_ms, to_ms; /* DELETE_RANGE */
};

/* Appends the encoded operation; everything is borrowed for the call. NO_MEMORY; TOO_LARGE: more samples or labels, or
 * longer ones, than the limits above; INVALID: a setting outside its range, an empty label. */
MUST_CHECK enum status tsdb_op_encode(struct buf *to, const struct tsdb_op *op);

/* Decoding gives all but labels and samples, which are read one after another: first all labels, then the samples. */
struct tsdb_op_reader {
    struct tsdb_op op; /* labels and samples NULL, their counts set */
    struct decoder labels, samples;
    struct slice last_name; /* of the sample before */
    int64_t last_time_ms;
};
/* SYNTAX if the bytes are no operation (labels and samples are checked to be there), UNSUPPORTED for a later version or
 * kind. Names are borrowed from the operation. */
MUST_CHECK enum status tsdb_op_decode(struct slice operation, struct tsdb_op_reader *reader);
struct tsdb_label tsdb_op_next_label(struct tsdb_op_reader *reader); /* at most settings.label_count times */
struct tsdb_add tsdb_op_next_sample(struct tsdb_op_reader *reader);  /* at most sample_count times */
const char *tsdb_op_kind_name(enum tsdb_op_kind kind);               /* "madd"; for tools */

/* ---- Apply ------------------------------------------------------------------------------------------------------- */

struct tsdb;

/* `owners`: every store's types, for the rows behind a name that goes; borrowed. Read at apply, so that this store's
 * own row (tsdb_owner) may be filled in after this call. */
MUST_CHECK enum status tsdb_create(const struct name_owner *owners, size_t owner_count, struct tsdb **tsdb);
void tsdb_destroy(struct tsdb *tsdb); /* NULL is allowed */
/* This store's row of owners: TYPE answers "TSDB-TYPE"; deletes, renames. Lives as long as tsdb. */
struct name_owner tsdb_owner(struct tsdb *tsdb);
/* Forgets what apply keeps in memory. Needed when the engine is another one, or a batch of apply was not written. */
void tsdb_forget(struct tsdb *tsdb);

/*
 * Applies one operation: view is the latest state (snapshot NULL) with the entry's log time; object_id is the id of a
 * series that it may make: the entry's index, never used before. Changes go to *batch, which the caller writes before
 * the next operation (or calls tsdb_forget), the answer to *reply. OK also for user errors. WOULD_BLOCK
 * (view->memory_only): bring in the rows by tsdb_prefetch, clear batch and reply, call again. CORRUPT, IO, NO_MEMORY,
 * SYNTAX, UNSUPPORTED.
 */
MUST_CHECK enum status tsdb_apply(struct tsdb *tsdb, const struct names_view *view, uint64_t object_id,
                                  struct slice operation, struct engine_batch *batch, struct buf *reply);
/* Reads, blocking, what tsdb_apply would read. Any thread. */
MUST_CHECK enum status tsdb_prefetch(const struct tsdb *tsdb, const struct names_view *view, struct slice operation);

/* ---- Reads: each appends one reply; WOULD_BLOCK leaves the reply cut at where it was -----------------------------
 *
 * `protocol` is 2 or 3: RedisTimeSeries' replies differ in shape. In RESP2 a value is a simple string with the shortest
 * decimal digits that give it back; in RESP3 a double. */

enum tsdb_aggregator {
    TSDB_NO_AGGREGATION = 0,
    TSDB_AVG,
    TSDB_SUM,
    TSDB_MIN,
    TSDB_MAX,
    TSDB_RANGE, /* max - min */
    TSDB_COUNT,
    TSDB_FIRST,
    TSDB_LAST,
    TSDB_STD_P,
    TSDB_STD_S,
    TSDB_VAR_P,
    TSDB_VAR_S,
};
/* "avg" .. "var.s"; from text in any case; "twa" is not there. */
const char *tsdb_aggregator_name(enum tsdb_aggregator aggregator);
bool tsdb_aggregator_parse(struct slice text, enum tsdb_aggregator *aggregator);

enum tsdb_align { TSDB_ALIGN_ZERO, TSDB_ALIGN_START, TSDB_ALIGN_END, TSDB_ALIGN_TIME };
enum tsdb_bucket_time { TSDB_BUCKET_START, TSDB_BUCKET_END, TSDB_BUCKET_MIDDLE };

/* What a range asks for; zeroed and from/to set = all samples between, oldest first. */
struct tsdb_range {
    int64_t from_ms, to_ms; /* inclusive; INT64_MIN and INT64_MAX for "-" and "+" */
    bool reverse;
    bool has_count;
    uint64_t count; /* at most so many samples, or buckets */

    bool filter_by_value; /* min <= value <= max */
    double value_min, value_max;
    const int64_t *times_ms; /* FILTER_BY_TS: only these; sorted or not; borrowed */
    size_t time_count;       /* 0 = no such filter */

    enum tsdb_aggregator aggregator;
    int64_t bucket_ms; /* > 0 */
    enum tsdb_align align;
    int64_t align_ms; /* TSDB_ALIGN_TIME */
    enum tsdb_bucket_time bucket_time;
    bool empty; /* EMPTY: buckets without a sample, between the first and the last with one, too */
};

/* TS.GET: [time, value]; an empty array for a series without samples. */
MUST_CHECK enum status tsdb_get(const struct names_view *view, struct slice name, unsigned protocol, struct buf *reply);
/* TS.RANGE, TS.REVRANGE. */
MUST_CHECK enum status tsdb_range(const struct names_view *view, struct slice name, const struct tsdb_range *range,
                                  unsigned protocol, struct buf *reply);
/* TS.INFO. with_chunks: DEBUG. */
MUST_CHECK enum status tsdb_info(const struct names_view *view, struct slice name, bool with_chunks, unsigned protocol,
                                 struct buf *reply);

/* label=value, label!=value, label=(a,b), label!=(a,b); no value: label= is "has no such label", label!= "has it". */
struct tsdb_filter {
    struct slice label;
    bool negated;
    const struct slice *values;
    size_t value_count;
};
/* One FILTER argument: a value, or each of a list, may stand in double quotes. Borrows from text and arena. SYNTAX
 * (RedisTimeSeries: "TSDB: failed parsing labels"), NO_MEMORY. */
MUST_CHECK enum status tsdb_filter_parse(struct slice text, struct arena *arena, struct tsdb_filter *filter);

/* Of series that match every filter. At least one must be label=value or label=(list), else the reply is
 * RedisTimeSeries' error ("please provide at least one matcher"). */
struct tsdb_query {
    const struct tsdb_filter *filters;
    size_t filter_count;
    bool with_labels;             /* WITHLABELS */
    const struct slice *selected; /* SELECTED_LABELS; not together with WITHLABELS */
    size_t selected_count;
};

/* All four answer in the order of names. */
MUST_CHECK enum status tsdb_query_index(const struct names_view *view, const struct tsdb_query *query,
                                        unsigned protocol, struct buf *reply);
MUST_CHECK enum status tsdb_mget(const struct names_view *view, const struct tsdb_query *query, unsigned protocol,
                                 struct buf *reply);
/* TS.MRANGE, TS.MREVRANGE. */
MUST_CHECK enum status tsdb_mrange(const struct names_view *view, const struct tsdb_query *query,
                                   const struct tsdb_range *range, unsigned protocol, struct buf *reply);

/* ---- For embedded users and tools -------------------------------------------------------------------------------- */

/*
 * Visits the samples of a series in [from_ms, to_ms], oldest first, a chunk's worth at a time; retention applies.
 * visit's arrays are borrowed for the call; another status than OK from it ends the scan and is returned. NOT_FOUND,
 * WRONG_TYPE, WOULD_BLOCK, CORRUPT, IO, NO_MEMORY.
 */
MUST_CHECK enum status tsdb_scan(const struct names_view *view, struct slice name, int64_t from_ms, int64_t to_ms,
                                 enum status (*visit)(void *context, const int64_t *times_ms, const double *values,
                                                      size_t count),
                                 void *context);

/* What a series was made with: visit is called once; labels included, all borrowed for the call. Its status, or
 * NOT_FOUND, WRONG_TYPE, WOULD_BLOCK, CORRUPT, IO. */
MUST_CHECK enum status tsdb_read_settings(const struct names_view *view, struct slice name,
                                          enum status (*visit)(void *context, const struct tsdb_settings *settings),
                                          void *context);

/* Chained hash over every row of the three trees: equal on replicas at the same index. Reads all. */
MUST_CHECK enum status tsdb_hash(const struct names_view *view, uint64_t *hash);

enum { TSDB_VALUE_TEXT_BYTES = 32 };
/* The shortest decimal digits that read back as the same double, laid out as Redis lays numbers out; "nan", "inf",
 * "-inf". Returns the length. */
size_t tsdb_format_value(double value, char text[TSDB_VALUE_TEXT_BYTES]);
/* A number as RFC 8259 (JSON) writes it, as RedisTimeSeries takes it: no NaN, no infinity, nothing that overflows. */
bool tsdb_parse_value(struct slice text, double *value);
/* A time as RedisTimeSeries takes it: a decimal number >= 0. */
bool tsdb_parse_time(struct slice text, int64_t *time_ms);

#pragma GCC visibility pop

#endif
