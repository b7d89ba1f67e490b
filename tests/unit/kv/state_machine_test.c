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
#include "kv/state_machine.h"
#include "tools/sim/sim_io.h"

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
    assert_int_equal(f->machine.after_restore(f->machine.context, f->engine, 7), STATUS_OK);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_that_the_cache_cannot_hold_is_read_by_the_call_that_may_block, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_probe_tells_which_rows_have_to_be_read_and_reads_none, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("kv_state_machine", tests, NULL, NULL);
}
