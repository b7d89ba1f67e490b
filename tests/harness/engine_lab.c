/* engine_lab: see engine_lab.h. */
#include "tests/harness/engine_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sim/sim_io.h"

static long long number_of(struct slice text) {
    char digits[32] = {0};
    memcpy(digits, text.data, text.size < sizeof digits - 1 ? text.size : sizeof digits - 1);
    return strtoll(digits, NULL, 10);
}

static enum status sum(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                       size_t count, struct buf *result) {
    (void)context;
    (void)key;
    long long total = base ? number_of(*base) : 0;
    for (size_t i = 0; i < count; i++) {
        if (operands[i].size == 0) return STATUS_CORRUPT;
        total += number_of(operands[i]);
    }
    return buf_append_format(result, "%lld", total);
}

static enum status sum_partial(void *context, struct slice key, const struct slice *operands, size_t count,
                               struct buf *result) {
    return sum(context, key, NULL, operands, count, result);
}

static enum engine_filter_decision expire(void *context, struct slice key, struct slice value, int64_t mark_time_ms) {
    (void)context;
    (void)key;
    return value.size > 0 && number_of(value) <= mark_time_ms ? ENGINE_DROP : ENGINE_KEEP;
}

static const struct engine_merge sum_merge = {.name = "lab.sum", .full = sum, .partial = sum_partial};
static const struct engine_filter expiry_filter = {.name = "lab.expiry", .decide = expire};

static const struct engine_tree_kind kinds[] = {
    {.id = LAB_PLAIN,
     .name = "lab.plain",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10},
    {.id = LAB_SUM,
     .name = "lab.sum",
     .upper = ENGINE_COMPRESSION_NONE,
     .bottom = ENGINE_COMPRESSION_ZSTD,
     .merge = &sum_merge},
    {.id = LAB_EXPIRY,
     .name = "lab.expiry",
     .upper = ENGINE_COMPRESSION_NONE,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter = &expiry_filter},
    {.id = LAB_APART,
     .name = "lab.apart",
     .merge = &sum_merge,
     .filter_bits_per_key = 10,
     .value_threshold_bytes = 256},
};

struct engine_options lab_options(void) {
    return (struct engine_options){
        .kinds = kinds,
        .kind_count = sizeof kinds / sizeof kinds[0],
        .memtable_bytes = 32 << 10,
        .cache_bytes = 256 << 10,
        .block_bytes = 1 << 10,
        .file_bytes = 16 << 10,
        .level_base_bytes = 64 << 10,
        .level_ratio = 4,
        .wal_segment_bytes = 64 << 10,
        .disk_reserve_bytes = 1,
    };
}

struct engine *lab_open(struct io *io, const char *dir, const struct engine_options *options) {
    struct engine *engine = NULL;
    struct error error;
    const enum status status = engine_open(io, dir, options, &engine, &error);
    if (status != STATUS_OK) fail_msg("open %s: %s: %s", dir, status_name(status), error.text);
    return engine;
}

enum status lab_write(struct engine *engine, struct engine_batch *batch) {
    if (batch->mark.index == 0) {
        const struct engine_mark applied = engine_applied(engine);
        const int64_t time_ms = batch->mark.time_ms ? batch->mark.time_ms : applied.time_ms;
        batch->mark = (struct engine_mark){.index = applied.index + 1, .term = 1, .time_ms = time_ms ? time_ms : 1};
    }
    const enum status status = engine_write(engine, batch, NULL);
    engine_batch_clear(batch);
    return status;
}

static void write_one(struct engine *engine, struct engine_batch *batch, enum status built) {
    assert_int_equal(built, STATUS_OK);
    const enum status status = lab_write(engine, batch);
    engine_batch_deinit(batch);
    if (status != STATUS_OK) fail_msg("write: %s", status_name(status));
}

static struct engine_batch empty(void) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    return batch;
}

void lab_store_init(struct lab_store *lab, uint64_t seed) {
    *lab = (struct lab_store){
        .seed = seed, .sim = sim_create(seed), .disk = sim_disk_create(seed), .options = lab_options()};
    lab->io = sim_io_create(lab->sim, lab->disk, NULL);
}

void lab_store_open(struct lab_store *lab) {
    lab->engine = lab_open(lab->io, "db", &lab->options);
}

void lab_store_reopen(struct lab_store *lab) {
    engine_close(lab->engine);
    lab_store_open(lab);
}

void lab_store_deinit(struct lab_store *lab) {
    engine_close(lab->engine);
    io_destroy(lab->io);
    sim_disk_destroy(lab->disk);
    sim_destroy(lab->sim);
}

void lab_create_tree(struct engine *engine, uint32_t tree, uint32_t kind) {
    struct engine_batch batch = empty();
    write_one(engine, &batch, engine_batch_create_tree(&batch, tree, kind));
}

void lab_drop_tree(struct engine *engine, uint32_t tree) {
    struct engine_batch batch = empty();
    write_one(engine, &batch, engine_batch_drop_tree(&batch, tree));
}

void lab_put(struct engine *engine, uint32_t tree, const char *key, const char *value) {
    struct engine_batch batch = empty();
    write_one(engine, &batch, engine_batch_put(&batch, tree, slice_from_text(key), slice_from_text(value)));
}

void lab_delete(struct engine *engine, uint32_t tree, const char *key) {
    struct engine_batch batch = empty();
    write_one(engine, &batch, engine_batch_delete(&batch, tree, slice_from_text(key)));
}

void lab_delete_range(struct engine *engine, uint32_t tree, const char *begin, const char *end) {
    struct engine_batch batch = empty();
    write_one(engine, &batch, engine_batch_delete_range(&batch, tree, slice_from_text(begin), slice_from_text(end)));
}

void lab_merge(struct engine *engine, uint32_t tree, const char *key, const char *operand) {
    struct engine_batch batch = empty();
    write_one(engine, &batch, engine_batch_merge(&batch, tree, slice_from_text(key), slice_from_text(operand)));
}

void lab_append(struct engine *engine, uint32_t tree, const char *key, const char *bytes) {
    struct engine_batch batch = empty();
    write_one(engine, &batch, engine_batch_append(&batch, tree, slice_from_text(key), slice_from_text(bytes)));
}

void lab_set_time(struct engine *engine, int64_t time_ms) {
    enum { CLOCK_TREE = 60000 };
    struct engine_batch batch = empty();
    batch.mark.time_ms = time_ms;
    write_one(engine, &batch, engine_batch_create_tree(&batch, CLOCK_TREE, LAB_PLAIN));
}

void lab_expect(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree, const char *key,
                const char *expected) {
    struct engine_value value;
    const enum status status = engine_get(engine, snapshot, tree, slice_from_text(key), &value);
    if (status != (expected ? STATUS_OK : STATUS_NOT_FOUND)) fail_msg("get %s: %s", key, status_name(status));
    if (!expected) return;
    if (!slice_equal(value.data, slice_from_text(expected)))
        fail_msg("get %s: \"%.*s\", expected \"%s\"", key, (int)value.data.size, (const char *)value.data.data,
                 expected);
    engine_value_release(&value);
}

static void add_pair(struct buf *to, const struct engine_iterator *iterator) {
    const struct slice key = engine_iterator_key(iterator), value = engine_iterator_value(iterator);
    if (to->size) assert_int_equal(buf_append_byte(to, ' '), STATUS_OK);
    assert_int_equal(buf_append_slice(to, key), STATUS_OK);
    assert_int_equal(buf_append_byte(to, '='), STATUS_OK);
    assert_int_equal(buf_append_slice(to, value), STATUS_OK);
}

/* Backward is put together from the end: each pair goes before what is there. */
static void add_pair_before(struct buf *to, const struct engine_iterator *iterator) {
    struct buf joined = BUF_EMPTY;
    add_pair(&joined, iterator);
    if (to->size) assert_int_equal(buf_append_byte(&joined, ' '), STATUS_OK);
    assert_int_equal(buf_append_slice(&joined, buf_slice(to)), STATUS_OK);
    buf_deinit(to);
    *to = joined;
}

void lab_dump(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree, char *to, size_t size) {
    struct engine_iterator *iterator;
    struct buf forward = BUF_EMPTY, backward = BUF_EMPTY;
    const struct engine_iterator_options options = {.snapshot = snapshot};
    assert_int_equal(engine_iterator_open(engine, tree, &options, &iterator), STATUS_OK);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator))
        add_pair(&forward, iterator);
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    for (engine_iterator_seek_last(iterator); engine_iterator_valid(iterator); engine_iterator_prev(iterator))
        add_pair_before(&backward, iterator);
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    engine_iterator_close(iterator);
    assert_true(forward.size < size);
    memcpy(to, forward.size ? (const char *)forward.data : "", forward.size);
    to[forward.size] = 0;
    if (!slice_equal(buf_slice(&forward), buf_slice(&backward)))
        fail_msg("forward \"%s\", backward \"%.*s\"", to, (int)backward.size, (const char *)backward.data);
    buf_deinit(&forward);
    buf_deinit(&backward);
}

void lab_expect_all(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                    const char *expected) {
    char found[4096];
    lab_dump(engine, snapshot, tree, found, sizeof found);
    assert_string_equal(found, expected);
}
