/*
 * state_machine_test: kv as raft drives it, where the cache is smaller than what an operation reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/reply.h"
#include "engine/names/names_format.h"
#include "kv/state_machine.h"
#include "tools/sim/sim_io.h"

enum { SEED = 7, EXPIRES_MS = 1000, LATER_MS = 2000 };

struct fixture {
    struct io *io;
    struct engine *engine;
    struct kv_machine *kv;
    struct state_machine machine;
    struct engine_batch batch;
    struct buf operation, reply;
    uint64_t index;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->io = sim_io_create_alone(1);
    assert_int_equal(kv_machine_create(NULL, 0, &f->kv, &f->machine), STATUS_OK);
    struct engine_options options = {
        .kinds = f->machine.kinds, .kind_count = f->machine.kind_count, .cache_bytes = 4096, .disk_reserve_bytes = 1};
    struct error error;
    if (engine_open(f->io, "db", &options, &f->engine, &error) != STATUS_OK) fail_msg("%s", error.text);
    assert_int_equal(f->machine.after_restore(f->machine.context, f->engine, SEED), STATUS_OK);
    engine_batch_init(&f->batch);
    for (size_t i = 0; i < f->machine.tree_count; i++) {
        const struct state_machine_tree *tree = &f->machine.trees[i];
        assert_int_equal(engine_batch_create_tree(&f->batch, tree->tree, tree->kind), STATUS_OK);
    }
    assert_int_equal(engine_write(f->engine, &f->batch, NULL), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    engine_batch_deinit(&f->batch);
    buf_deinit(&f->operation);
    buf_deinit(&f->reply);
    kv_machine_destroy(f->kv);
    engine_close(f->engine);
    io_destroy(f->io);
    free(f);
    return 0;
}

static void encode(struct fixture *f, enum kv_op_kind kind, struct slice key, struct slice value) {
    struct slice arguments[] = {key, value};
    struct kv_op op = {.kind = kind, .arguments = arguments, .argument_count = 2};
    buf_clear(&f->operation);
    assert_int_equal(kv_op_encode(&f->operation, &op), STATUS_OK);
}

static enum status apply(struct fixture *f, bool may_block) {
    struct envelope envelope = {.index = f->index + 1, .term = 1, .may_block = may_block};
    engine_batch_clear(&f->batch);
    buf_clear(&f->reply);
    enum status status =
        f->machine.apply(f->machine.context, &envelope, buf_slice(&f->operation), &f->batch, &f->reply);
    if (status != STATUS_OK) return status;
    f->index++;
    return engine_write(f->engine, &f->batch, NULL);
}

static void a_row_that_the_cache_cannot_hold_is_read_by_the_call_that_may_block(void **state) {
    struct fixture *f = *state;
    static uint8_t value[100000];
    encode(f, KV_OP_SET, slice_from_text("k"), slice_make(value, sizeof value));
    assert_int_equal(apply(f, false), STATUS_OK);
    assert_int_equal(engine_flush(f->engine), STATUS_OK);
    encode(f, KV_OP_APPEND, slice_from_text("k"), slice_from_text("tail"));
    assert_int_equal(apply(f, false), STATUS_WOULD_BLOCK);
    struct engine_snapshot *snapshot = engine_snapshot_acquire(f->engine);
    assert_int_equal(f->machine.prefetch(f->machine.context, snapshot, buf_slice(&f->operation)), STATUS_OK);
    engine_snapshot_release(f->engine, snapshot);
    assert_int_equal(apply(f, false), STATUS_WOULD_BLOCK); /* it did not stay: asking again and again would not help */
    assert_int_equal(apply(f, true), STATUS_OK);
    struct decoder decoder = decoder_make(buf_slice(&f->reply));
    struct reply_value length;
    assert_int_equal(reply_decode(&decoder, &length), STATUS_OK);
    assert_int_equal(length.tag, REPLY_INTEGER);
    assert_int_equal(length.integer, sizeof value + 4);
}

static void a_probe_tells_which_rows_have_to_be_read_and_reads_none(void **state) {
    struct fixture *f = *state;
    void *kv = f->machine.context;
    encode(f, KV_OP_SET, slice_from_text("k"), slice_from_text("value"));
    assert_int_equal(apply(f, false), STATUS_OK);
    assert_int_equal(f->machine.probe(kv, buf_slice(&f->operation)), STATUS_OK); /* in the memtable */
    assert_int_equal(engine_flush(f->engine), STATUS_OK);
    struct engine_stats before, after;
    engine_get_stats(f->engine, &before);
    assert_int_equal(f->machine.probe(kv, buf_slice(&f->operation)), STATUS_WOULD_BLOCK);
    assert_int_equal(f->machine.probe(kv, buf_slice(&f->operation)), STATUS_WOULD_BLOCK);
    engine_get_stats(f->engine, &after);
    assert_int_equal(after.cache_bytes, before.cache_bytes);
    assert_int_equal(f->machine.prefetch(kv, NULL, buf_slice(&f->operation)), STATUS_OK);
    assert_int_equal(f->machine.probe(kv, buf_slice(&f->operation)), STATUS_OK);
    assert_int_equal(apply(f, false), STATUS_OK);
    assert_int_equal(f->machine.probe(kv, slice_from_text("no operation")), STATUS_UNSUPPORTED);
}

static void stage_reap(struct fixture *f) {
    const struct kv_op op = {.kind = KV_OP_REAP, .number = 10};
    const struct envelope envelope = {.index = f->index + 1, .term = 1, .time_ms = LATER_MS, .may_block = true};
    buf_clear(&f->operation);
    assert_int_equal(kv_op_encode(&f->operation, &op), STATUS_OK);
    engine_batch_clear(&f->batch);
    assert_int_equal(f->machine.apply(f->machine.context, &envelope, buf_slice(&f->operation), &f->batch, &f->reply),
                     STATUS_OK);
}

/* Compaction drops a due row on each node at a time of its own; all nodes must make the same batch of the same entry.
 */
static void a_reap_is_the_same_batch_whether_compaction_took_the_row_or_not(void **state) {
    struct fixture *f = *state;
    struct slice arguments[] = {slice_from_text("k"), slice_from_text("v")};
    const struct kv_op set = {
        .kind = KV_OP_SET, .flags = KV_EXPIRE_AT, .number = EXPIRES_MS, .arguments = arguments, .argument_count = 2};
    struct buf key = BUF_EMPTY, while_there = BUF_EMPTY;
    buf_clear(&f->operation);
    assert_int_equal(kv_op_encode(&f->operation, &set), STATUS_OK);
    assert_int_equal(apply(f, false), STATUS_OK);
    stage_reap(f);
    assert_int_equal(buf_append_slice(&while_there, buf_slice(&f->batch.operations)), STATUS_OK);

    engine_batch_clear(&f->batch);
    assert_int_equal(names_encode_key(&key, names_hash_of(SEED, arguments[0]), arguments[0]), STATUS_OK);
    assert_int_equal(engine_batch_delete(&f->batch, TREE_NAMES, buf_slice(&key)), STATUS_OK);
    assert_int_equal(engine_write(f->engine, &f->batch, NULL), STATUS_OK);
    stage_reap(f);
    assert_true(slice_equal(buf_slice(&while_there), buf_slice(&f->batch.operations)));
    buf_deinit(&key);
    buf_deinit(&while_there);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_that_the_cache_cannot_hold_is_read_by_the_call_that_may_block, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_reap_is_the_same_batch_whether_compaction_took_the_row_or_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_probe_tells_which_rows_have_to_be_read_and_reads_none, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("kv_state_machine", tests, NULL, NULL);
}
