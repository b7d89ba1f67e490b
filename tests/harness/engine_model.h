/*
 * engine_model: what an engine should hold, as plain arrays: a handful of trees, each with a place for every key that
 * a workload uses. States are values: copying one is a copy of pointers, so that a run keeps the state after every
 * batch.
 *
 * Keys are numbers that stand for texts of several shapes (shorter than a head of an SST's block, longer, sharing long
 * beginnings, empty), in the order of the texts.
 */
#ifndef TESTS_HARNESS_ENGINE_MODEL_H
#define TESTS_HARNESS_ENGINE_MODEL_H

#include "engine/engine.h"

enum {
    MODEL_TREES = 6,
    MODEL_KEYS = 72, /* 0 is the empty key */
    MODEL_BULK_TREE = MODEL_TREES + 1,
    MODEL_BULK_KEYS = 1200, /* more deletes than a scan passes over without a word */
    MODEL_AGE_MS = 25,
    MODEL_CAP_BYTES = 12 << 10,
    MODEL_CAP_EACH = 700, /* more than an operation's key, head and part of a file take */
    MODEL_VALUE_MAX = 12000
};

enum model_kind {
    MODEL_NONE, /* there is no such tree */
    MODEL_PLAIN,
    MODEL_SUM,    /* merge adds 64-bit numbers */
    MODEL_JOIN,   /* merge joins with '|': tells the order of operands */
    MODEL_EXPIRY, /* a value begins with its expiry; the filter drops what is due */
    MODEL_UNTIL,  /* values that end at a time of their own, for reads too */
    MODEL_AGED,   /* FIFO: what is older than MODEL_AGE_MS may go */
    MODEL_CAPPED, /* FIFO: once more was written than MODEL_CAP_BYTES, any may go, the oldest first */
    MODEL_KINDS = MODEL_CAPPED
};

/* Immutable, owned by a model_values. */
struct model_value {
    size_t size;
    int64_t expires_ms; /* INT64_MAX = never */
    uint8_t bytes[];
};

struct model_tree {
    enum model_kind kind;
    uint64_t written;                             /* at most so many bytes of files hold the tree, whatever is merged */
    const struct model_value *values[MODEL_KEYS]; /* NULL = is not there */
};

struct model_state {
    struct model_tree trees[MODEL_TREES + 1]; /* from 1 */
    /* Of tree MODEL_BULK_TREE, which is written and deleted as a whole, key by key or by a range delete. */
    bool has_bulk;
    uint64_t bulk_seed; /* of the values; 0 = every key was deleted */
};

enum model_action {
    MODEL_PUT,
    MODEL_DELETE,
    MODEL_DELETE_RANGE,
    MODEL_MERGE,
    MODEL_APPEND,
    MODEL_CREATE,
    MODEL_DROP,
    MODEL_BULK_PUT, /* makes the tree, too */
    MODEL_BULK_DELETE,
    MODEL_BULK_CLEAR, /* by one range delete */
};

struct model_operation {
    enum model_action action;
    uint32_t tree;
    enum model_kind kind; /* to create */
    unsigned key, end;    /* end MODEL_KEYS = to the last key */
    uint64_t value_seed;
    size_t value_size;
    int64_t expires_ms;
};

/* Where values live; they end with it. */
struct model_values;
struct model_values *model_values_create(void);
void model_values_destroy(struct model_values *values);

struct slice model_key(unsigned number);
/* The number of the first key >= text; MODEL_KEYS when there is none. */
unsigned model_key_from(struct slice text);

void model_apply(struct model_state *state, const struct model_operation *operation, struct model_values *values);
/* What an operation on a row brings; end is empty where the range goes to the last key. */
struct model_row {
    struct slice key, end, value;
    uint8_t bytes[MODEL_VALUE_MAX]; /* of the value */
};
void model_row(const struct model_operation *operation, struct model_row *row);
/* Adds the operation to a batch. */
MUST_CHECK enum status model_encode(const struct model_operation *operation, struct engine_batch *batch);
/*
 * Carries the operations out as one transaction (no tree is made or dropped): with a part that is rolled back, and
 * beside a rival, begun at the same time and of the same key as the last operation, which must get CONFLICT and leave
 * nothing: MISMATCH otherwise. Else what the commit answers. time_ms: log time.
 */
MUST_CHECK enum status model_commit(struct engine *engine, const struct model_operation *operations, size_t count,
                                    int64_t time_ms, const struct engine_write_options *options);
/* Whether the bytes are what the operation, a put, writes. */
bool model_writes(const struct model_operation *operation, struct slice value);
/* Of the tree that is written as a whole. */
struct slice model_bulk_key(unsigned number, char text[16]);
struct slice model_bulk_value(uint64_t seed, unsigned number, uint8_t bytes[8]);
/* Adds a put, a delete or a range delete to a file. */
MUST_CHECK enum status model_put_row(const struct model_operation *operation, struct engine_sst_writer *writer);
/* The kinds of trees that the model knows, for engine_options; compression and filters are the
 * caller's to change in a copy. */
extern const struct engine_tree_kind model_kinds[MODEL_KINDS];

/* What a read at log time `now_ms` may answer for a key: a value that is due may be seen or not. */
enum model_answer { MODEL_ABSENT, MODEL_PRESENT, MODEL_EITHER };
enum model_answer model_expect(const struct model_state *state, uint32_t tree, unsigned key, int64_t now_ms);

/*
 * Compares all that an engine shows (at a snapshot, or now) with a state: which trees there are, each of them forward,
 * backward, by get, by one get of many keys, and the keys that begin alike by an iterator with a prefix. OK; MISMATCH
 * with words; else what the engine answered.
 */
MUST_CHECK enum status model_compare_engine(const struct model_state *state, int64_t now_ms, struct engine *engine,
                                            const struct engine_snapshot *snapshot, struct error *error);

#endif
