/* batch: what is put in is read back; limits are kept; bytes that no encoder writes are refused. And the same calls on
 * the same machine give the same bytes on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/explain.h"
#include "engine/lsm/batch.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

static void a_batch_reads_back_in_order(void **state) {
    (void)state;
    struct engine_batch batch;
    struct batch_reader reader;
    struct batch_operation operation;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, 1, slice_from_text("k"), slice_from_text("v")), STATUS_OK);
    assert_int_equal(engine_batch_delete_range(&batch, 2, slice_from_text("a"), slice_make(NULL, 0)), STATUS_OK);
    assert_int_equal(engine_batch_create_tree(&batch, UINT32_MAX, 9), STATUS_OK);
    assert_int_equal(batch.count, 3);
    batch_reader_init(&reader, buf_slice(&batch.operations), batch.count);
    assert_int_equal(batch_reader_next(&reader, &operation), STATUS_OK);
    assert_true(operation.kind == BATCH_PUT && operation.tree == 1 &&
                slice_equal(operation.value, slice_from_text("v")));
    assert_int_equal(batch_reader_next(&reader, &operation), STATUS_OK);
    assert_true(operation.kind == BATCH_DELETE_RANGE && operation.value.size == 0);
    assert_int_equal(batch_reader_next(&reader, &operation), STATUS_OK);
    assert_true(operation.kind == BATCH_CREATE_TREE && operation.tree == UINT32_MAX && operation.tree_kind == 9);
    assert_int_equal(batch_reader_next(&reader, &operation), STATUS_END);
    engine_batch_clear(&batch);
    assert_int_equal(batch.count, 0);
    engine_batch_deinit(&batch);
}

static void limits_and_failures_leave_a_batch_as_it_was(void **state) {
    (void)state;
    struct engine_batch batch;
    const struct slice k = slice_from_text("k");
    const struct slice long_key = slice_make("", ENGINE_KEY_MAX_BYTES + 1),
                       long_value = slice_make("", ENGINE_VALUE_MAX_BYTES + 1);
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, 1, k, k), STATUS_OK);
    const size_t size = batch.operations.size;
    assert_int_equal(engine_batch_put(&batch, 1, long_key, k), STATUS_TOO_LARGE);
    assert_int_equal(engine_batch_put(&batch, 1, k, long_value), STATUS_TOO_LARGE);
    assert_int_equal(engine_batch_delete(&batch, 1, long_key), STATUS_TOO_LARGE);
    assert_int_equal(engine_batch_delete_range(&batch, 1, k, long_key), STATUS_TOO_LARGE);
    uint8_t *bytes = calloc(1, 1 << 20);
    alloc_fault_at(1);
    assert_int_equal(engine_batch_append(&batch, 1, k, slice_make(bytes, 1 << 20)), STATUS_NO_MEMORY);
    assert_true(alloc_fault_clear());
    free(bytes);
    assert_int_equal(batch.operations.size, size);
    assert_int_equal(batch.count, 1);
    engine_batch_deinit(&batch);
}

static enum status read_all(const char *bytes, size_t size, uint32_t count) {
    struct batch_reader reader;
    struct batch_operation operation;
    enum status status;
    batch_reader_init(&reader, slice_make(bytes, size), count);
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) continue;
    return status;
}

static void malformed_operations_are_refused(void **state) {
    (void)state;
    assert_int_equal(read_all("\x02\x01\x01k", 4, 1), STATUS_END);
    assert_int_equal(read_all("\x02\x01\x01k", 4, 2), STATUS_CORRUPT);            /* one is missing */
    assert_int_equal(read_all("\x02\x01\x01k!", 5, 1), STATUS_CORRUPT);           /* bytes are left */
    assert_int_equal(read_all("\x02\x01\x02k", 4, 1), STATUS_CORRUPT);            /* cut */
    assert_int_equal(read_all("\x63\x01\x01k", 4, 1), STATUS_CORRUPT);            /* no such kind */
    assert_int_equal(read_all("\x07\xff\xff\xff\xff\x1f", 6, 1), STATUS_CORRUPT); /* a tree above 32 bits */
    assert_int_equal(read_all("\x06\x01\x02\x01\x01", 5, 1), STATUS_CORRUPT);     /* two kinds for one tree */
    assert_int_equal(read_all("", 0, 0), STATUS_END);
}

static void a_log_record_has_a_version(void **state) {
    (void)state;
    uint8_t bytes[BATCH_HEADER_MAX_BYTES];
    struct batch_header header = {.first_sequence = UINT64_MAX,
                                  .count = UINT32_MAX,
                                  .mark = {UINT64_MAX, UINT64_MAX, INT64_MIN}},
                        back;
    struct slice operations;
    const size_t size = batch_header_encode(&header, true, bytes);
    assert_true(size <= sizeof bytes);
    assert_int_equal(batch_header_decode(slice_make(bytes, size), &back, &operations), STATUS_OK);
    assert_true(back.first_sequence == header.first_sequence && back.count == header.count &&
                back.mark.time_ms == INT64_MIN);
    assert_int_equal(operations.size, 0);
    assert_int_equal(batch_header_decode(slice_make(bytes, size - 1), &back, &operations), STATUS_CORRUPT);
    bytes[0] = 3;
    assert_int_equal(batch_header_decode(slice_make(bytes, size), &back, &operations), STATUS_VERSION);
}

static void a_log_record_of_one_operation_is_compact(void **state) {
    (void)state;
    static const struct batch_header headers[] = {
        {1000000, 1, {999990, 0, 1790000000000}},
        {5, 1, {UINT64_MAX, 0, -1}},
        {UINT64_MAX, 1, {1, 0, INT64_MIN}},
        {0, 1, {0, 0, INT64_MAX}},
        {1, 1, {1, 7, 0}},
        {1, 2, {1, 0, 0}},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        uint8_t bytes[BATCH_HEADER_MAX_BYTES], plain[BATCH_HEADER_MAX_BYTES];
        struct batch_header back;
        struct slice operations;
        const size_t size = batch_header_encode(&headers[i], true, bytes);
        assert_int_equal(bytes[0], i < 4 ? 2 : 1);
        assert_true(size <= batch_header_encode(&headers[i], false, plain));
        assert_int_equal(plain[0], 1);
        assert_int_equal(batch_header_decode(slice_make(bytes, size), &back, &operations), STATUS_OK);
        assert_true(back.first_sequence == headers[i].first_sequence && back.count == headers[i].count);
        assert_true(back.mark.index == headers[i].mark.index && back.mark.term == headers[i].mark.term &&
                    back.mark.time_ms == headers[i].mark.time_ms);
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(batch_header_decode(slice_make(bytes, cut), &back, &operations), STATUS_CORRUPT);
    }
}

/* ---- Determinism
 * -------------------------------------------------------------------------------------------------------------- */

static uint64_t live(uint64_t seed) {
    enum { TREE = 1 };
    struct sim *sim = sim_create(seed);
    struct sim_disk *disk = sim_disk_create(seed);
    struct io *io = sim_io_create(sim, disk, NULL);
    const struct engine_options options = lab_options();
    struct engine *engine = lab_open(io, "db", &options);
    char key[8], value[300];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    lab_create_tree(engine, TREE, LAB_PLAIN);
    for (int i = 0; i < 1500; i++) {
        key[0] = (char)('a' + i * 7 % 26);
        key[1] = (char)('a' + i * 11 % 25);
        key[2] = 0;
        value[0] = key[1];
        if (i % 10 == 0)
            lab_append(engine, TREE, key, "+");
        else
            lab_put(engine, TREE, key, value);
        if (i % 400 == 399) lab_delete_range(engine, TREE, "c", "m");
    }
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    engine_close(engine);
    const uint64_t hash = sim_disk_hash(disk);
    io_destroy(io);
    sim_disk_destroy(disk);
    sim_destroy(sim);
    return hash;
}

static void the_same_life_leaves_the_same_bytes(void **state) {
    (void)state;
    const uint64_t first = live(11);
    void *elsewhere = malloc(12345); /* addresses are no input */
    assert_true(live(11) == first);
    assert_true(live(12) != first);
    free(elsewhere);
}

struct walked {
    enum engine_operation_kind kinds[8];
    uint32_t trees[8];
    size_t sizes[8];
    unsigned count, most;
};

static enum status note_operation(void *context, const struct engine_operation *operation) {
    struct walked *walked = context;
    if (walked->count == walked->most) return STATUS_TOO_LARGE;
    walked->kinds[walked->count] = operation->kind;
    walked->trees[walked->count] = operation->tree;
    walked->sizes[walked->count++] = operation->value.size;
    return STATUS_OK;
}

static void a_batch_and_its_record_are_walked_as_they_were_asked_for(void **state) {
    (void)state;
    static const enum engine_operation_kind kinds[] = {
        ENGINE_OPERATION_CREATE_TREE, ENGINE_OPERATION_PUT,    ENGINE_OPERATION_MERGE,    ENGINE_OPERATION_DELETE_RANGE,
        ENGINE_OPERATION_APPEND,      ENGINE_OPERATION_DELETE, ENGINE_OPERATION_DROP_TREE};
    const struct slice k = slice_from_text("k"), value = slice_from_text("value");
    struct engine_batch batch;
    struct walked batch_walk = {.most = 8}, record_walk = {.most = 8}, short_walk = {.most = 2};
    struct buf record = BUF_EMPTY;
    struct engine_mark mark;
    uint8_t header_bytes[BATCH_HEADER_MAX_BYTES];
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_create_tree(&batch, 3, 1), STATUS_OK);
    assert_int_equal(engine_batch_put(&batch, 3, k, value), STATUS_OK);
    assert_int_equal(engine_batch_merge(&batch, 3, k, value), STATUS_OK);
    assert_int_equal(engine_batch_delete_range(&batch, 3, k, value), STATUS_OK);
    assert_int_equal(engine_batch_append(&batch, 3, k, value), STATUS_OK);
    assert_int_equal(engine_batch_delete(&batch, 3, k), STATUS_OK);
    assert_int_equal(engine_batch_drop_tree(&batch, 4), STATUS_OK);
    const struct batch_header header = {
        .first_sequence = 5, .count = batch.count, .mark = {.index = 7, .term = 2, .time_ms = 9}};
    const size_t size = batch_header_encode(&header, false, header_bytes);
    assert_int_equal(buf_append(&record, header_bytes, size), STATUS_OK);
    assert_int_equal(buf_append_slice(&record, buf_slice(&batch.operations)), STATUS_OK);
    assert_int_equal(engine_walk_batch(&batch, note_operation, &batch_walk), STATUS_OK);
    assert_int_equal(engine_walk_record(buf_slice(&record), &mark, note_operation, &record_walk), STATUS_OK);
    assert_true(mark.index == 7 && mark.term == 2 && mark.time_ms == 9);
    assert_int_equal(batch_walk.count, 7);
    assert_memory_equal(&batch_walk, &record_walk, sizeof batch_walk);
    assert_memory_equal(batch_walk.kinds, kinds, sizeof kinds);
    assert_true(batch_walk.trees[6] == 4 && batch_walk.sizes[1] == value.size && batch_walk.sizes[5] == 0);
    assert_int_equal(engine_walk_batch(&batch, note_operation, &short_walk), STATUS_TOO_LARGE);
    record_walk.count = 0;
    record.size--;
    assert_int_equal(engine_walk_record(buf_slice(&record), &mark, note_operation, &record_walk), STATUS_CORRUPT);
    buf_deinit(&record);
    engine_batch_deinit(&batch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_reads_back_in_order),
        cmocka_unit_test(limits_and_failures_leave_a_batch_as_it_was),
        cmocka_unit_test(malformed_operations_are_refused),
        cmocka_unit_test(a_log_record_has_a_version),
        cmocka_unit_test(a_batch_and_its_record_are_walked_as_they_were_asked_for),
        cmocka_unit_test(a_log_record_of_one_operation_is_compact),
        cmocka_unit_test(the_same_life_leaves_the_same_bytes),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
