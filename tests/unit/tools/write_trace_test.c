/* Write traces: what is written comes back, and what is damaged costs no more than its own frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/engine.h"
#include "tools/loam/simulate/write_trace.h"
#include "tools/sim/sim_io.h"

enum { WRITES = 2000, KEY_MAX = 40, FRAMES = 8 };
static const char path[] = "/t.writes";

struct made {
    struct write_op op;
    uint8_t key[KEY_MAX], end[KEY_MAX];
};

struct fixture {
    struct io *io;
    struct made writes[WRITES];
};

static struct slice draw_key(struct prng *prng, uint8_t to[KEY_MAX]) {
    const size_t size = (size_t)prng_below(prng, KEY_MAX + 1);
    for (size_t i = 0; i < size; i++) to[i] = (uint8_t)('a' + prng_below(prng, i < 3 ? 2 : 26));
    return slice_make(to, size);
}

static void draw(struct fixture *fixture, uint64_t seed) {
    struct prng prng;
    int64_t time_ms = 1000000;
    prng_init(&prng, seed);
    for (size_t i = 0; i < WRITES; i++) {
        struct made *made = &fixture->writes[i];
        const enum write_kind kind = (enum write_kind)prng_between(&prng, WRITE_PUT, WRITE_DROP_TREE);
        time_ms += (int64_t)prng_below(&prng, 3);
        made->op = (struct write_op){.kind = kind, .tree = (uint32_t)prng_next(&prng), .time_ms = time_ms};
        if (kind != WRITE_DROP_TREE) made->op.key = draw_key(&prng, made->key);
        if (kind == WRITE_DELETE_RANGE) made->op.end = draw_key(&prng, made->end);
        if (kind == WRITE_PUT || kind == WRITE_MERGE || kind == WRITE_APPEND)
            made->op.value_bytes = (uint32_t)prng_below(&prng, ENGINE_VALUE_MAX_BYTES + 1);
    }
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->io = sim_io_create_alone(1);
    draw(fixture, 1);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

/* In FRAMES frames of as many writes each. */
static void write_all(struct fixture *fixture, bool ends) {
    struct trace_writer *writer;
    struct error error;
    const enum status removed = io_remove(fixture->io, path);
    assert_true(removed == STATUS_OK || removed == STATUS_NOT_FOUND);
    assert_int_equal(trace_writer_open(fixture->io, path, &writer, &error), STATUS_OK);
    for (size_t i = 0; i < WRITES; i++) {
        assert_int_equal(trace_writer_add(writer, &fixture->writes[i].op), STATUS_OK);
        if ((i + 1) % (WRITES / FRAMES) == 0) assert_int_equal(trace_writer_push(writer), STATUS_OK);
    }
    if (ends) assert_int_equal(trace_writer_finish(writer), STATUS_OK);
    assert_int_equal(trace_writer_operations(writer), WRITES);
    trace_writer_close(writer);
}

static bool same(const struct write_op *a, const struct write_op *b) {
    return a->kind == b->kind && a->tree == b->tree && a->time_ms == b->time_ms && slice_equal(a->key, b->key) &&
           slice_equal(a->end, b->end) && a->value_bytes == b->value_bytes;
}

/* Every write that is read is one of those written, in their order; returns how many, and the damage. */
static size_t read_all(const struct fixture *fixture, struct trace_damage *damage) {
    struct trace_reader *reader;
    struct error error;
    struct write_op op;
    size_t count = 0, at = 0;
    enum status status;
    assert_int_equal(trace_reader_open(fixture->io, path, NULL, NULL, &reader, &error), STATUS_OK);
    for (int pass = 0; pass < 2; pass++) {
        trace_reader_rewind(reader);
        count = at = 0;
        while ((status = trace_reader_next(reader, &op)) == STATUS_OK) {
            while (at < WRITES && !same(&fixture->writes[at].op, &op)) at++;
            assert_true(at < WRITES);
            at++;
            count++;
        }
        assert_int_equal(status, STATUS_END);
    }
    trace_reader_get_damage(reader, damage);
    trace_reader_close(reader);
    return count;
}

static uint64_t size_of(struct io *io) {
    struct io_entry entry;
    assert_int_equal(io_stat(io, path, &entry), STATUS_OK);
    return entry.size;
}

static void what_is_recorded_comes_back(void **state) {
    struct fixture *fixture = *state;
    struct trace_damage damage;
    write_all(fixture, true);
    assert_int_equal(read_all(fixture, &damage), WRITES);
    assert_int_equal(damage.places, 0);
    assert_int_equal(damage.lost_operations, 0);
    assert_false(damage.torn || damage.lost_unknown);
}

static void a_flipped_bit_costs_the_writes_of_its_frame_and_is_told(void **state) {
    struct fixture *fixture = *state;
    struct sim_disk *disk = sim_io_disk(fixture->io);
    write_all(fixture, true);
    const uint64_t size = size_of(fixture->io), step = 509;
    for (uint64_t at = 0; at < size; at += step) {
        struct trace_damage damage;
        assert_int_equal(sim_disk_damage(disk, path, at, SIM_DAMAGE_FLIP), STATUS_OK);
        const size_t count = read_all(fixture, &damage);
        assert_int_equal(damage.places, 1);
        assert_true(count == WRITES || count == WRITES - WRITES / FRAMES);
        if (!damage.lost_unknown) assert_int_equal(count + damage.lost_operations, WRITES);
        /* It is all there but where the end itself is hit. */
        if (damage.lost_unknown || damage.lost_operations == 0) assert_true(at >= size - TRACE_PAGE_BYTES);
        assert_false(damage.torn);
        write_all(fixture, true);
    }
}

static void a_recording_that_was_cut_short_is_torn_and_no_damage(void **state) {
    struct fixture *fixture = *state;
    struct trace_damage damage;
    write_all(fixture, false);
    assert_int_equal(read_all(fixture, &damage), WRITES);
    assert_true(damage.torn && damage.places == 0);
    for (uint64_t size = size_of(fixture->io) - 1; size > TRACE_PAGE_BYTES; size = size * 3 / 4) {
        struct io_file *file;
        assert_int_equal(io_file_open(fixture->io, path, IO_OPEN_WRITE, &file), STATUS_OK);
        assert_int_equal(io_file_truncate(file, size), STATUS_OK);
        io_file_close(file);
        const size_t count = read_all(fixture, &damage);
        assert_true(count < WRITES && count % (WRITES / FRAMES) == 0);
        assert_true(damage.torn && damage.places == 0);
    }
}

static void a_file_that_is_no_trace_is_refused_with_words(void **state) {
    struct fixture *fixture = *state;
    struct trace_reader *reader;
    struct error error;
    struct io_file *file;
    static const char strange[] = "a text, and no trace";
    assert_int_equal(trace_reader_open(fixture->io, path, NULL, NULL, &reader, &error), STATUS_NOT_FOUND);
    assert_int_equal(io_file_open(fixture->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    assert_int_equal(trace_reader_open(fixture->io, path, NULL, NULL, &reader, &error), STATUS_SYNTAX);
    assert_non_null(strstr(error.text, "empty"));
    assert_int_equal(io_file_write(file, 0, strange, sizeof strange), STATUS_OK);
    io_file_close(file);
    assert_int_equal(trace_reader_open(fixture->io, path, NULL, NULL, &reader, &error), STATUS_SYNTAX);
    assert_non_null(strstr(error.text, "no write trace"));
    struct trace_writer *writer;
    assert_int_equal(trace_writer_open(fixture->io, path, &writer, &error), STATUS_EXISTS);
}

static enum status decode_one(const uint8_t *bytes, size_t size) {
    struct trace_decoder decoder = {.left = 0};
    struct write_op op;
    trace_decoder_begin(&decoder, slice_make(bytes, size), 1);
    enum status status = trace_decoder_next(&decoder, &op);
    if (status == STATUS_OK) status = trace_decoder_next(&decoder, &op);
    trace_decoder_deinit(&decoder);
    return status;
}

static void writes_that_no_encoder_makes_are_refused(void **state) {
    (void)state;
    static const uint8_t good[] = {1, 1, 0, 0, 1, 'k', 5}, more[] = {1, 1, 0, 0, 1, 'k', 5, 0},
                         kind[] = {7, 1, 0, 0, 1, 'k', 5}, none[] = {0, 1, 0, 0, 1, 'k', 5},
                         shared[] = {1, 1, 0, 1, 1, 'k', 5}, cut[] = {1, 1, 0, 0, 2, 'k'},
                         large[] = {1, 1, 0, 0, 1, 'k', 0xff, 0xff, 0xff, 0xff, 1},
                         tree[] = {2, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 1, 'k'};
    assert_int_equal(decode_one(good, sizeof good), STATUS_END);
    assert_int_equal(decode_one(more, sizeof more), STATUS_CORRUPT);
    assert_int_equal(decode_one(kind, sizeof kind), STATUS_CORRUPT);
    assert_int_equal(decode_one(none, sizeof none), STATUS_CORRUPT);
    assert_int_equal(decode_one(shared, sizeof shared), STATUS_CORRUPT);
    assert_int_equal(decode_one(cut, sizeof cut), STATUS_CORRUPT);
    assert_int_equal(decode_one(large, sizeof large), STATUS_CORRUPT);
    assert_int_equal(decode_one(tree, sizeof tree), STATUS_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_recorded_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flipped_bit_costs_the_writes_of_its_frame_and_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_recording_that_was_cut_short_is_torn_and_no_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_trace_is_refused_with_words, set_up, tear_down),
        cmocka_unit_test(writes_that_no_encoder_makes_are_refused),
    };
    return cmocka_run_group_tests_name("write_trace", tests, NULL, NULL);
}
