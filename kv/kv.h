/*
 * kv: Redis strings and the commands on names, as a deterministic library on the engine.
 *
 * Writes: a command becomes a kv_op, is encoded, goes through whatever log the owner keeps, and kv_apply turns it into
 * changes of a batch and a reply, from the envelope and the ordered state alone. Reads: functions on a names_view. Both
 * answer with engine/base/reply.h; user errors are replies with Redis 7's texts.
 *
 * Runs alone (embedded, see kv_apply's caller duties) or replicated (kv/state_machine.c). Threads: apply from one;
 * reads from any. Bytes: kv/FORMAT.md.
 */
#ifndef KV_KV_H
#define KV_KV_H

#include "engine/base/reply.h"
#include "engine/names.h"

#pragma GCC visibility push(default)

enum {
    KV_ARGUMENTS_MAX = 1 << 20,
    KV_VALUE_MAX_BYTES = 32 << 20, /* a string may not grow over it; the same on every node, for apply depends on it */
};

/* ---- Operations: a format; numbers never change ------------------------------------------------------------------ */

enum kv_op_kind {
    KV_OP_SET = 1,             /* key, value; flags; number = expiry */
    KV_OP_MSET = 2,            /* key, value, ... ; KV_NX: all or none */
    KV_OP_APPEND = 3,          /* key, value */
    KV_OP_SETRANGE = 4,        /* key, value; number = offset */
    KV_OP_INCREMENT = 5,       /* key; number = increment */
    KV_OP_INCREMENT_FLOAT = 6, /* key, increment as text */
    KV_OP_GETDEL = 7,          /* key */
    KV_OP_GETEX = 8,  /* key, expiry as text if KV_EXPIRE_*; or KV_PERSIST. Redis looks for the key before it judges the
                         number, so apply judges it */
    KV_OP_DELETE = 9, /* key, ... */
    KV_OP_EXPIRE = 10,  /* key; flags, number = expiry */
    KV_OP_PERSIST = 11, /* key */
    KV_OP_RENAME = 12,  /* from, to; KV_NX */
    KV_OP_COPY = 13,    /* from, to; KV_REPLACE */
    KV_OP_CLEAR = 14,   /* no arguments */
    KV_OP_REAP = 15,    /* number = limit */
};

enum kv_flag {
    KV_NX = 1 << 0,
    KV_XX = 1 << 1,
    KV_GET = 1 << 2,
    KV_KEEP_TTL = 1 << 3,
    KV_GT = 1 << 4,
    KV_LT = 1 << 5,
    KV_REPLACE = 1 << 6,
    KV_PERSIST = 1 << 7,
    KV_EXPIRE_IN = 1 << 8,      /* number: milliseconds from the entry's log time */
    KV_EXPIRE_AT = 1 << 9,      /* number: milliseconds since 1970 */
    KV_REPLY_INTEGER = 1 << 10, /* 1 or 0 instead of OK or null (SETNX) */
    KV_SECONDS = 1 << 11,       /* KV_OP_GETEX: the text counts seconds */
};

/* Whose name stands in "invalid expire time in '%s' command". */
enum kv_origin {
    KV_ORIGIN_SET = 1,
    KV_ORIGIN_SETEX,
    KV_ORIGIN_PSETEX,
    KV_ORIGIN_GETEX,
    KV_ORIGIN_EXPIRE,
    KV_ORIGIN_PEXPIRE,
    KV_ORIGIN_EXPIREAT,
    KV_ORIGIN_PEXPIREAT
};
const char *kv_origin_name(enum kv_origin origin);

struct kv_op {
    enum kv_op_kind kind;
    uint32_t flags;
    uint8_t origin;
    int64_t number;
    const struct slice *arguments; /* encode: borrowed for the call */
    size_t argument_count;
};

/* Appends the encoded operation. NO_MEMORY only. */
MUST_CHECK enum status kv_op_encode(struct buf *to, const struct kv_op *op);

/* Decoding gives the head; the arguments are read one after another. */
struct kv_op_reader {
    struct kv_op op; /* arguments NULL */
    struct decoder rest;
};
/* SYNTAX if the bytes are no operation (all arguments are checked to be there), UNSUPPORTED for a kind of a later
 * version. */
MUST_CHECK enum status kv_op_decode(struct slice operation, struct kv_op_reader *reader);
struct slice kv_op_next(struct kv_op_reader *reader); /* at most argument_count times; borrowed from the operation */
const char *kv_op_kind_name(enum kv_op_kind kind);    /* "set"; for tools */

/* ---- Apply ------------------------------------------------------------------------------------------------------- */

struct kv;

/* `owners`: every store's types, for the rows behind a name that goes; borrowed. Read at apply, so that a row may be
 * filled in after this call. */
MUST_CHECK enum status kv_create(const struct name_owner *owners, size_t owner_count, struct kv **kv);
void kv_destroy(struct kv *kv); /* NULL is allowed */

/*
 * Applies one operation: view is the latest state (snapshot NULL) with the entry's log time; changes go to *batch,
 * which the caller writes before the next operation, the answer to *reply. OK also for user errors. WOULD_BLOCK
 * (view->memory_only): bring in the rows by kv_prefetch, clear batch and reply, call again. CORRUPT, IO, NO_MEMORY,
 * SYNTAX, UNSUPPORTED.
 */
MUST_CHECK enum status kv_apply(struct kv *kv, const struct names_view *view, struct slice operation,
                                struct engine_batch *batch, struct buf *reply);
/* A hint: these operations are applied next, in this order; at most NAMES_TOUCH_MAX. */
void kv_touch(const struct names_view *view, const struct slice *operations, size_t count);
/* Reads, blocking, what kv_apply would read. Any thread. */
MUST_CHECK enum status kv_prefetch(const struct kv *kv, const struct names_view *view, struct slice operation);
/* Whether the rows of the operation's names are in memory: OK, or WOULD_BLOCK: kv_prefetch is worth its while. What
 * lies behind the names, and what a reap would take, is not looked at. */
MUST_CHECK enum status kv_probe(const struct names_view *view, struct slice operation);

/* ---- Reads: each appends one reply; WOULD_BLOCK leaves the reply cut at where it was ----------------------------- */

MUST_CHECK enum status kv_get(const struct names_view *view, struct slice key, struct buf *reply);
MUST_CHECK enum status kv_mget(const struct names_view *view, const struct slice *keys, size_t count,
                               struct buf *reply);
MUST_CHECK enum status kv_strlen(const struct names_view *view, struct slice key, struct buf *reply);
MUST_CHECK enum status kv_getrange(const struct names_view *view, struct slice key, int64_t start, int64_t end,
                                   struct buf *reply);
MUST_CHECK enum status kv_exists(const struct names_view *view, const struct slice *keys, size_t count,
                                 struct buf *reply);
MUST_CHECK enum status kv_type(const struct names_view *view, struct slice key, const struct name_owner *owners,
                               size_t owner_count, struct buf *reply);
enum kv_ttl { KV_TTL_SECONDS, KV_TTL_MILLISECONDS, KV_EXPIRETIME_SECONDS, KV_EXPIRETIME_MILLISECONDS };
MUST_CHECK enum status kv_ttl(const struct names_view *view, struct slice key, enum kv_ttl what, struct buf *reply);
MUST_CHECK enum status kv_dbsize(const struct names_view *view, struct buf *reply);
/* `random`: 64 random bits; every name can be met, about equally often. Null when there is none. */
MUST_CHECK enum status kv_randomkey(const struct names_view *view, uint64_t random, struct buf *reply);
/* Reads the whole name space; from a job. */
MUST_CHECK enum status kv_keys(const struct names_view *view, struct slice pattern, struct buf *reply);
struct kv_scan_options {
    uint64_t cursor;
    uint64_t count; /* rows looked at; 0 = 10 */
    bool has_pattern;
    struct slice pattern;
    uint8_t type; /* 0 = every */
};
MUST_CHECK enum status kv_scan(const struct names_view *view, const struct kv_scan_options *options, struct buf *reply);

/*
 * Redis' glob: * ? [a-z] [^a] \x. No recursion beyond a fixed bound: linear in pattern * text at worst. As there, the
 * empty text matches the empty pattern only; who takes "*" for "all" asks before.
 */
bool kv_glob_match(struct slice pattern, struct slice text);

/*
 * The number of EX, PX, EXAT, PXAT as milliseconds: OK; SYNTAX = "value is not an integer or out of range"; INVALID =
 * "invalid expire time in '%s' command".
 */
MUST_CHECK enum status kv_parse_expiry(struct slice text, bool seconds, int64_t *milliseconds);
/* The text of kv's own name_owner row: TYPE's answer for strings. */
extern const struct name_owner kv_string_owner;

#pragma GCC visibility pop

#endif
