/*
 * raft_log_test: the log's entries, the node's superblock and envelopes, on a simulated machine: what is put, written,
 * cut, read back and recovered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/base/prng.h"
#include "raft/log/envelope.h"
#include "raft/log/node_state.h"
#include "raft/log/raft_log.h"
#include "tests/harness/test_env.h"
#include "tests/harness/wal_model.h"

enum { SEGMENT = 64 << 10, MODEL_MAX = 4096 };

/* What the log must hold: terms by index; an entry's bytes follow from index and term. */
struct model {
    uint64_t terms[MODEL_MAX];
    uint64_t start, last;
};

struct fixture {
    struct wal_machine machine;
    struct raft_log_options options;
    struct raft_log *log;
    struct error error;
    struct model model;
    uint64_t settled, settled_term;
    enum status commit_status;
    unsigned commits, reads;
    uint64_t commit_note;
};

static void on_commit(void *context, enum status status) {
    struct fixture *f = context;
    f->commits++;
    f->commit_status = status;
}

static void on_read(void *context) {
    struct fixture *f = context;
    f->reads++;
}

static void fixture_init(struct fixture *f, uint64_t seed) {
    *f = (struct fixture){.options = {.owner = 5, .segment_bytes = SEGMENT, .cache_bytes = 20000}};
    wal_machine_init(&f->machine, seed);
    f->options.on_commit = on_commit;
    f->options.on_read = on_read;
    f->options.context = f;
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL) return -1;
    fixture_init(f, 3);
    f->options.context = f;
    *state = f;
    return 0;
}

static void fixture_deinit(struct fixture *f) {
    raft_log_close(f->log);
    wal_machine_deinit(&f->machine);
}

static int tear_down(void **state) {
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static enum status try_open(struct fixture *f) {
    enum status status = raft_log_open(f->machine.io, "/log", &f->options, &f->log, &f->error);
    if (status == STATUS_OK) status = raft_log_settle_start(f->log, f->settled, f->settled_term, &f->error);
    return status;
}

static void open_log(struct fixture *f) {
    enum status status = try_open(f);
    if (status != STATUS_OK) fail_msg("open: %s: %s", status_name(status), f->error.text);
}

static void close_log(struct fixture *f) {
    raft_log_close(f->log);
    f->log = NULL;
}

static struct slice entry_bytes(uint64_t index, uint64_t term, uint8_t *to) {
    struct prng prng;
    prng_init(&prng, index * 1000 + term);
    size_t size = prng_below(&prng, 300);
    prng_fill(&prng, to, size);
    return slice_make(to, size);
}

/* As the core would: entries of one event share a chunk. */
static void put(struct fixture *f, uint64_t first, unsigned count, uint64_t term) {
    static uint8_t bytes[512];
    struct raft_entry entries[64];
    struct raft_log_chunk *chunk;
    assert_true(count <= 64);
    assert_int_equal(raft_log_chunk_create((size_t)count * 512, &chunk), STATUS_OK);
    for (unsigned i = 0; i < count; i++) {
        struct slice made = entry_bytes(first + i, term, bytes);
        if (made.size > 0) memcpy(chunk->data + i * 512, made.data, made.size);
        entries[i] = (struct raft_entry){
            .term = term, .kind = RAFT_ENTRY_COMMAND, .bytes = slice_make(chunk->data + i * 512, made.size)};
        f->model.terms[first + i] = term;
    }
    f->model.last = first + count - 1;
    assert_int_equal(raft_log_reserve(f->log, count), STATUS_OK);
    raft_log_put(f->log, first, entries, count, chunk);
    raft_log_chunk_release(chunk);
}

static enum status persist(struct fixture *f) {
    uint64_t end_lsn;
    enum status status = raft_log_write(f->log, raft_log_last(f->log), f->commit_note, &end_lsn);
    while (status == STATUS_OK && raft_log_durable_lsn(f->log) < end_lsn) {
        unsigned before = f->commits;
        raft_log_commit_start(f->log);
        while (f->commits == before) io_run(f->machine.io, io_now_ns(f->machine.io) + 1000000);
        status = f->commit_status;
    }
    return status;
}

static void must_persist(struct fixture *f) {
    assert_int_equal(persist(f), STATUS_OK);
    assert_int_equal(raft_log_durable(f->log), raft_log_last(f->log));
}

static void check_entry(struct fixture *f, uint64_t index) {
    struct raft_entry entry;
    for (unsigned i = 0; !raft_log_get(f->log, index, &entry); i++) {
        assert_true(i < 100000);
        io_run(f->machine.io, io_now_ns(f->machine.io) + 1000000);
        assert_int_equal(raft_log_read_status(f->log), STATUS_OK);
    }
    static uint8_t bytes[512];
    struct slice expected = entry_bytes(index, f->model.terms[index], bytes);
    assert_int_equal(entry.term, f->model.terms[index]);
    assert_true(slice_equal(entry.bytes, expected));
}

static void check_all(struct fixture *f) {
    assert_int_equal(raft_log_last(f->log), f->model.last);
    for (uint64_t index = raft_log_start(f->log) + 1; index <= f->model.last; index++) {
        assert_int_equal(raft_log_term(f->log, index), f->model.terms[index]);
        check_entry(f, index);
    }
}

static void what_is_durable_comes_back(void **state) {
    struct fixture *f = *state;
    open_log(f);
    put(f, 1, 10, 1);
    must_persist(f);
    put(f, 11, 5, 2);
    must_persist(f);
    check_all(f);
    close_log(f);
    open_log(f);
    assert_int_equal(raft_log_start(f->log), 0);
    check_all(f);
}

static void the_greatest_commit_note_comes_back(void **state) {
    struct fixture *f = *state;
    open_log(f);
    assert_int_equal(raft_log_recovered_commit(f->log), 0);
    put(f, 1, 10, 1);
    f->commit_note = 7;
    must_persist(f);
    f->commit_note = 0;
    put(f, 11, 2, 1);
    must_persist(f);
    close_log(f);
    open_log(f);
    assert_int_equal(raft_log_recovered_commit(f->log), 7);
    check_all(f);
}

static void a_cut_replaces_what_was_written(void **state) {
    struct fixture *f = *state;
    open_log(f);
    put(f, 1, 20, 1);
    must_persist(f);
    put(f, 8, 3, 2);
    assert_int_equal(raft_log_durable(f->log), 7);
    must_persist(f);
    check_all(f);
    close_log(f);
    open_log(f);
    check_all(f);
    put(f, 8, 1, 3);
    put(f, 9, 4, 3);
    must_persist(f);
    close_log(f);
    open_log(f);
    check_all(f);
}

static void a_write_under_way_confirms_nothing_that_was_cut(void **state) {
    struct fixture *f = *state;
    uint64_t end_lsn;
    open_log(f);
    put(f, 1, 10, 1);
    assert_int_equal(raft_log_write(f->log, 10, 0, &end_lsn), STATUS_OK);
    raft_log_commit_start(f->log);
    put(f, 5, 2, 2); /* while it is on its way */
    while (f->commits == 0) io_run(f->machine.io, io_now_ns(f->machine.io) + 1000000);
    assert_int_equal(raft_log_durable(f->log), 4);
    must_persist(f);
    assert_int_equal(raft_log_durable(f->log), 6);
    close_log(f);
    open_log(f);
    check_all(f);
}

static void older_entries_are_read_back_by_a_job(void **state) {
    struct fixture *f = *state;
    open_log(f);
    for (uint64_t first = 1; first < 2000; first += 50) {
        put(f, first, 50, 1 + first / 300);
        must_persist(f);
        raft_log_applied(f->log, raft_log_last(f->log));
    }
    assert_int_equal(f->reads, 0);
    check_all(f);
    assert_true(f->reads > 0);
    size_t bytes;
    for (unsigned i = 0; raft_log_measure(f->log, 3, 90, 1 << 20, &bytes) == 0; i++)
        io_run(f->machine.io, io_now_ns(f->machine.io) + 1000000);
    assert_int_equal(raft_log_measure(f->log, 3, 90, 1 << 20, &bytes), 88);
    assert_int_equal(raft_log_measure(f->log, 3, 90, 1, &bytes), 1);
}

static void the_prefix_goes_in_whole_segments(void **state) {
    struct fixture *f = *state;
    open_log(f);
    for (uint64_t first = 1; first < 3000; first += 50) {
        put(f, first, 50, 1);
        must_persist(f);
    }
    raft_log_applied(f->log, 3000);
    uint64_t before = raft_log_live_bytes(f->log);
    uint64_t start = raft_log_compact(f->log, 2500);
    assert_true(start > 1000 && start <= 2500);
    assert_true(raft_log_live_bytes(f->log) < before / 2);
    check_all(f);
    close_log(f);
    f->settled = 2500;
    f->settled_term = 1;
    open_log(f);
    assert_true(raft_log_start(f->log) > 0 && raft_log_start(f->log) <= 2500);
    assert_int_equal(raft_log_start_term(f->log), 1);
    check_all(f);
}

static void a_log_that_does_not_reach_the_store_is_refused(void **state) {
    struct fixture *f = *state;
    open_log(f);
    put(f, 1, 10, 1);
    must_persist(f);
    close_log(f);
    f->settled = 11;
    f->settled_term = 1;
    assert_int_equal(try_open(f), STATUS_CORRUPT);
    close_log(f);
    f->settled = 10;
    f->settled_term = 2;
    assert_int_equal(try_open(f), STATUS_CORRUPT);
    assert_non_null(strstr(f->error.text, "another term"));
}

static void a_restarted_log_begins_behind_the_snapshot(void **state) {
    struct fixture *f = *state;
    open_log(f);
    put(f, 1, 30, 1);
    must_persist(f);
    raft_log_restart(f->log, 100, 3);
    put(f, 101, 5, 4);
    uint64_t place = raft_log_place(f->log);
    close_log(f); /* before the superblock says so: the old one is there */
    f->model.last = 30;
    open_log(f);
    check_all(f);

    raft_log_restart(f->log, 100, 3);
    place = raft_log_place(f->log);
    raft_log_forget(f->log, place);
    put(f, 101, 5, 4);
    must_persist(f);
    close_log(f);
    f->options.from = place;
    f->options.start = f->settled = 100;
    f->options.start_term = f->settled_term = 3;
    open_log(f);
    assert_int_equal(raft_log_start(f->log), 100);
    check_all(f);
    f->settled = 99;
    close_log(f);
    assert_int_equal(try_open(f), STATUS_CORRUPT);
}

/* ---- Power ---- */

/* A seeded life; the power goes in the midst of I/O number `at`. False: it ended before. */
static bool life(uint64_t seed, uint64_t at) {
    struct fixture fixture, *f = &fixture;
    struct prng prng;
    fixture_init(f, seed);
    f->options.context = f;
    prng_init(&prng, seed);
    uint64_t durable = 0, term = 1, steps = 0;
    struct model written = {0}; /* what the last durable state was */
    open_log(f);
    sim_disk_cut_at(f->machine.disk, at, SIM_CUT_RANDOM);
    enum status status = STATUS_OK;
    for (; steps < 40 && status == STATUS_OK; steps++) {
        uint64_t last = raft_log_last(f->log);
        uint64_t first = last + 1;
        if (last > 0 && prng_chance(&prng, 1, 5)) first = last - prng_below(&prng, last < 20 ? last : 20);
        if (first <= last) term++;
        if (durable >= first) durable = first - 1; /* a cut may reach the disk at any time from here on */
        put(f, first, 1 + (unsigned)prng_below(&prng, 30), term);
        if (prng_chance(&prng, 2, 3)) status = persist(f);
        if (status == STATUS_OK && raft_log_durable(f->log) == raft_log_last(f->log)) {
            written = f->model;
            durable = raft_log_durable(f->log);
        }
    }
    bool cut = !sim_disk_is_powered(f->machine.disk);
    close_log(f);
    sim_disk_cut_at(f->machine.disk, 0, SIM_CUT_RANDOM);
    if (!cut) sim_disk_cut(f->machine.disk, SIM_CUT_RANDOM);
    wal_machine_boot(&f->machine);
    open_log(f);
    if (raft_log_last(f->log) < durable)
        fail_msg("seed %llu cut %llu: %llu durable, %llu there", (unsigned long long)seed, (unsigned long long)at,
                 (unsigned long long)durable, (unsigned long long)raft_log_last(f->log));
    for (uint64_t index = 1; index <= durable; index++)
        assert_int_equal(raft_log_term(f->log, index), written.terms[index]);
    f->model = written;
    for (uint64_t index = 1; index <= durable; index++) check_entry(f, index);
    fixture_deinit(f);
    return cut;
}

static void a_power_cut_at_any_io_keeps_what_was_durable(void **state) {
    (void)state;
    uint64_t seed = test_seed(1), cuts = 0;
    for (uint64_t end = seed + test_scaled(10); seed < end; seed++)
        for (uint64_t at = 1; life(seed, at); at++) cuts++;
    print_message("%llu cuts\n", (unsigned long long)cuts);
    assert_true(cuts > 20);
}

/* ---- The superblock ---- */

static struct node_state sample(uint64_t generation) {
    struct node_state made = {.generation = generation,
                              .cluster_id = 1,
                              .node_id = 2,
                              .incarnation = 3,
                              .members_hash = 4,
                              .term = 5 + generation,
                              .vote = 2,
                              .engine_number = 7,
                              .log_from = 8,
                              .log_start = 9,
                              .log_start_term = 10};
    assert_true(node_state_note_incarnation(&made, 1, 77));
    return made;
}

static void the_newer_sound_slot_counts(void **state) {
    (void)state;
    uint8_t file[NODE_STATE_BYTES] = {0};
    struct node_state older = sample(6), newer = sample(7), found;
    node_state_encode(&older, file + node_state_offset(&older));
    node_state_encode(&newer, file + node_state_offset(&newer));
    assert_int_equal(node_state_choose(slice_make(file, sizeof file), &found, NULL), STATUS_OK);
    assert_memory_equal(&found, &newer, sizeof found);
    assert_int_equal(node_state_incarnation(&found, 1), 77);
    assert_int_equal(node_state_incarnation(&found, 9), 0);

    uint8_t *slot = file + node_state_offset(&newer);
    for (size_t byte = 0; byte < NODE_STATE_SLOT_BYTES; byte++) { /* any damage to one leaves the other */
        for (unsigned bit = 0; bit < 8; bit += 3) {
            slot[byte] ^= (uint8_t)(1u << bit);
            enum status status = node_state_choose(slice_make(file, sizeof file), &found, NULL);
            assert_int_equal(status, STATUS_OK);
            assert_memory_equal(&found, &older, sizeof found);
            slot[byte] ^= (uint8_t)(1u << bit);
        }
    }
    file[100] ^= 1;
    slot[100] ^= 1;
    assert_int_equal(node_state_choose(slice_make(file, sizeof file), &found, NULL), STATUS_CORRUPT);
}

static void a_slot_in_the_others_place_does_not_count(void **state) {
    (void)state;
    uint8_t file[NODE_STATE_BYTES] = {0};
    struct node_state older = sample(6), newer = sample(7), found;
    node_state_encode(&newer, file + node_state_offset(&older));
    assert_int_equal(node_state_choose(slice_make(file, sizeof file), &found, NULL), STATUS_CORRUPT);
}

static void a_superblock_is_made_once(void **state) {
    struct fixture *f = *state;
    struct node_state made = sample(1), found;
    assert_int_equal(node_state_read(f->machine.io, "/", &found, &f->error), STATUS_NOT_FOUND);
    assert_int_equal(node_state_create(f->machine.io, "/", &made, &f->error), STATUS_OK);
    sim_disk_cut(f->machine.disk, SIM_CUT_NONE);
    wal_machine_boot(&f->machine);
    assert_int_equal(node_state_create(f->machine.io, "/", &made, &f->error), STATUS_EXISTS);
    assert_int_equal(node_state_read(f->machine.io, "/", &found, &f->error), STATUS_OK);
    made.generation++; /* it stands in both slots */
    assert_memory_equal(&found, &made, sizeof found);
}

/* ---- Envelopes ---- */

static void an_envelope_reads_as_it_was_written(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_HEAD_BYTES + 3];
    struct envelope written = {.time_ms = -5, .seed = 6, .session = 7, .serial = 8}, found;
    uint8_t store;
    struct slice operation;
    envelope_encode(bytes, &written, 9);
    memcpy(bytes + ENVELOPE_HEAD_BYTES, "abc", 3);
    assert_int_equal(envelope_decode(slice_make(bytes, sizeof bytes), &found, &store, &operation), STATUS_OK);
    assert_memory_equal(&found, &written, sizeof found);
    assert_int_equal(store, 9);
    assert_true(slice_equal(operation, slice_from_text("abc")));
    for (size_t size = 0; size < ENVELOPE_HEAD_BYTES; size++)
        assert_int_equal(envelope_decode(slice_make(bytes, size), &found, &store, &operation), STATUS_CORRUPT);
    bytes[0] = 2;
    assert_int_equal(envelope_decode(slice_make(bytes, sizeof bytes), &found, &store, &operation), STATUS_VERSION);
}

static void own_operations_read_as_they_were_written(void **state) {
    (void)state;
    uint8_t bytes[OWN_BYTES_MAX];
    struct own_operation open = {.kind = OWN_OPEN_SESSION, .node_id = 3, .nonce = 4}, found;
    size_t size = own_encode(bytes, &open);
    assert_int_equal(own_decode(slice_make(bytes, size), &found), STATUS_OK);
    assert_true(found.kind == OWN_OPEN_SESSION && found.node_id == 3 && found.nonce == 4);
    assert_int_equal(own_decode(slice_make(bytes, size - 1), &found), STATUS_CORRUPT);
    size = own_encode(bytes, &(struct own_operation){.kind = OWN_TICK});
    assert_int_equal(own_decode(slice_make(bytes, size), &found), STATUS_OK);
    assert_int_equal(found.kind, OWN_TICK);
    bytes[0] = 99;
    assert_int_equal(own_decode(slice_make(bytes, size), &found), STATUS_UNSUPPORTED);
}

static void a_member_reads_as_it_was_written_and_not_by_half(void **state) {
    (void)state;
    uint8_t bytes[OWN_BYTES_MAX];
    struct own_operation found,
        told = {
            .kind = OWN_MEMBER,
            .member = {.id = 4, .peer_address = "10.0.0.1:7104", .client_address = "[::1]:7004", .incarnation = 77}};
    const size_t size = own_encode(bytes, &told);
    assert_int_equal(own_decode(slice_make(bytes, size), &found), STATUS_OK);
    assert_memory_equal(&found, &told, sizeof told);
    for (size_t cut = 1; cut < size; cut++)
        assert_int_equal(own_decode(slice_make(bytes, cut), &found), STATUS_CORRUPT);
    bytes[20] = 0; /* an address that ends early */
    assert_int_equal(own_decode(slice_make(bytes, size), &found), STATUS_CORRUPT);
    told.member.peer_address[0] = 0;
    assert_int_equal(own_decode(slice_make(bytes, own_encode(bytes, &told)), &found), STATUS_CORRUPT);
    told.member.peer_address[0] = 'h';
    (void)own_encode(bytes, &told);
    bytes[1] = 2;
    assert_int_equal(own_decode(slice_make(bytes, size), &found), STATUS_VERSION);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        fact(what_is_durable_comes_back),
        fact(the_greatest_commit_note_comes_back),
        fact(a_cut_replaces_what_was_written),
        fact(a_write_under_way_confirms_nothing_that_was_cut),
        fact(older_entries_are_read_back_by_a_job),
        fact(the_prefix_goes_in_whole_segments),
        fact(a_log_that_does_not_reach_the_store_is_refused),
        fact(a_restarted_log_begins_behind_the_snapshot),
        cmocka_unit_test(a_power_cut_at_any_io_keeps_what_was_durable),
        fact(the_newer_sound_slot_counts),
        fact(a_slot_in_the_others_place_does_not_count),
        fact(a_superblock_is_made_once),
        fact(an_envelope_reads_as_it_was_written),
        fact(own_operations_read_as_they_were_written),
        fact(a_member_reads_as_it_was_written_and_not_by_half),
    };
#undef fact
    return cmocka_run_group_tests_name("raft_log", tests, NULL, NULL);
}
