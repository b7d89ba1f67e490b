/* touch: see touch.h. */
#include "tools/loam/explain/touch.h"

#include <string.h>

#include "kv/kv.h"
#include "tools/loam/inspect/describers.h"

enum { TYPE_ENTRY = 1, TYPE_CUT = 2, TYPE_COMMIT = 3, STORE_KV = 1, WORDS_BYTES = 200, ARGUMENT_ALL = 1 << 16 };

struct seen {
    struct touch *touch;
    struct slice name;
    char quoted[FIELD_WORDS_BYTES]; /* the name, as fields show it */
    struct buf *words;
    uint8_t store;
    struct slice operation; /* of kv: all of it */
    const uint8_t *end;     /* of the record */
    enum status status;
};

/* How many arguments from the first on are keys, and every how many one is. */
static size_t key_step(enum kv_op_kind kind, size_t *keys) {
    *keys = kind == KV_OP_MSET || kind == KV_OP_DELETE   ? ARGUMENT_ALL
            : kind == KV_OP_RENAME || kind == KV_OP_COPY ? 2
                                                         : 1;
    return kind == KV_OP_MSET ? 2 : 1;
}

static bool kv_touches(struct slice operation, struct slice name) {
    struct kv_op_reader reader;
    size_t keys = 0;
    if (kv_op_decode(operation, &reader) != STATUS_OK) return false;
    if (reader.op.kind == KV_OP_CLEAR) return true;
    const size_t step = key_step(reader.op.kind, &keys);
    for (size_t i = 0; i < reader.op.argument_count; i++) {
        const struct slice argument = kv_op_next(&reader);
        if (i < keys && i % step == 0 && slice_equal(argument, name)) return true;
    }
    return false;
}

/* "key": 12 ms, 1.5 */
static bool is_sample_of(const struct seen *seen, const char *words) {
    const size_t size = strlen(seen->quoted);
    return strncmp(words, seen->quoted, size) == 0 && words[size] == ':';
}

static void add_words(struct seen *seen, const char *name, const char *words) {
    static const char *const left_out[] = {"version", "length", "envelope version", "arguments", "flags", "origin"};
    if (seen->words->size > WORDS_BYTES || seen->status != STATUS_OK) return;
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (strcmp(name, left_out[i]) == 0) return;
    if (strcmp(name, "number") == 0 && strcmp(words, "0") == 0) return;
    const bool plain = strcmp(name, "argument") == 0 || strcmp(name, "operation") == 0;
    seen->status = buf_append_format(seen->words, "%s%s%s%s", seen->words->size ? ", " : "", plain ? "" : name,
                                     plain || !*words ? "" : " ", words);
}

static void take(void *context, struct slice bytes, const char *name, const char *words) {
    struct seen *seen = context;
    struct touch *touch = seen->touch;
    const size_t size = bytes.size;
    if (strcmp(name, "index") == 0 && size == 8) touch->index = coding_get_u64(bytes.data);
    if (strcmp(name, "term") == 0 && size == 8) touch->term = coding_get_u64(bytes.data);
    if (strcmp(name, "log time") == 0 && size == 8) touch->time_ms = (int64_t)coding_get_u64(bytes.data);
    if (strcmp(name, "store") == 0 && size == 1) {
        seen->store = bytes.data[0];
        const char *space = strchr(words, ' '); /* "1: kv" */
        seen->status = buf_append_slice(seen->words, slice_from_text(space ? space + 1 : words));
        return;
    }
    if (seen->words->size == 0) return; /* the head */
    if (strcmp(name, "serial") == 0)
        seen->operation = slice_make(bytes.data + size, (size_t)(seen->end - bytes.data) - size);
    if (strcmp(name, "session") == 0 || strcmp(name, "serial") == 0 || strcmp(name, "seed") == 0 ||
        strcmp(name, "log time") == 0)
        return;
    const bool is_name = strcmp(name, "name") == 0 || strcmp(name, "graph name") == 0;
    if (seen->store != STORE_KV && is_name && slice_equal(bytes, seen->name)) touch->touches = true;
    if (seen->store != STORE_KV && strcmp(name, "sample") == 0 && is_sample_of(seen, words)) touch->touches = true;
    add_words(seen, name, words);
}

static enum touch_kind kind_of(uint8_t type) {
    return type == TYPE_ENTRY    ? TOUCH_ENTRY
           : type == TYPE_CUT    ? TOUCH_CUT
           : type == TYPE_COMMIT ? TOUCH_COMMIT
                                 : TOUCH_STRANGE;
}

enum status touch_judge(const struct wal_record *record, struct slice name, struct touch *touch, struct buf *words) {
    struct seen seen = {
        .touch = touch, .name = name, .words = words, .end = record->payload.data + record->payload.size};
    *touch = (struct touch){.kind = kind_of(record->type)};
    buf_clear(words);
    (void)fields_quote(seen.quoted, name);
    if ((touch->kind == TOUCH_CUT || touch->kind == TOUCH_COMMIT) && record->payload.size == 8)
        touch->index = coding_get_u64(record->payload.data);
    struct fields fields = fields_make(record->payload, take, &seen);
    raft_record_describe(&fields, record->type, &store_describers);
    if (!fields_end(&fields)) touch->kind = TOUCH_STRANGE;
    if (seen.store == STORE_KV && seen.operation.data) touch->touches = kv_touches(seen.operation, name);
    return seen.status;
}
