/*
 * modules: the small parts of the core that stand alone: term table, log time, progress, configurations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "raft/core/log_time.h"
#include "raft/core/progress.h"
#include "raft/core/term_table.h"
#include "tests/harness/test_env.h"

/* ---- term table ---- */

enum { MODEL_MAX = 400, PAIRS = 6 };

/* A log as an array of terms; known_from is what the table may have forgotten below. */
struct model {
    uint64_t terms[MODEL_MAX];
    uint64_t base, last;
};

static uint64_t term_in_array(const void *entries, unsigned i) {
    return ((const uint64_t *)entries)[i];
}

static void check_against_model(const struct term_table *table, const struct model *model) {
    assert_true(table->count <= PAIRS);
    assert_int_equal(table->last, model->last);
    assert_true(term_table_start(table) >= model->base);
    assert_int_equal(term_table_last_term(table), model->terms[model->last]);
    for (uint64_t index = term_table_start(table); index <= model->last; index++) {
        assert_int_equal(term_table_at(table, index), model->terms[index]);
    }
    assert_int_equal(term_table_at(table, model->last + 1), 0);
    if (term_table_start(table) > 0) assert_int_equal(term_table_at(table, term_table_start(table) - 1), 0);
}

static void append_some(struct term_table *table, struct model *model, struct prng *prng, uint64_t keep) {
    uint64_t terms[8];
    unsigned count = 1 + (unsigned)prng_below(prng, 8);
    uint64_t term = model->terms[model->last];
    for (unsigned i = 0; i < count; i++) terms[i] = term += prng_chance(prng, 1, 4) || term == 0;
    unsigned room = term_table_room(table, model->last + 1, keep, term_in_array, terms, count);
    assert_true(room <= count);
    for (unsigned i = 0; i < room && model->last + 1 < MODEL_MAX; i++) {
        term_table_append(table, terms[i]);
        model->terms[++model->last] = terms[i];
    }
    assert_true(keep < model->base || term_table_start(table) <= keep || term_table_start(table) == model->base);
}

static void a_term_table_answers_as_the_log_it_stands_for(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(3));
    for (uint64_t run = 0; run < test_scaled(500); run++) {
        struct term_pair pairs[PAIRS];
        struct term_table table;
        struct model model = {0};
        uint64_t keep = 0; /* what is applied: never cut, never forgotten above */
        term_table_init(&table, pairs, PAIRS, 0, 0);
        for (unsigned step = 0; step < 60; step++) {
            switch (prng_below(&prng, 4)) {
            case 0: /* a cut above what is applied */
                if (model.last > keep && model.last > model.base) {
                    uint64_t floor = keep > model.base ? keep : model.base;
                    model.last -= prng_below(&prng, model.last - floor);
                    term_table_cut(&table, model.last + 1);
                }
                break;
            case 1:
                keep += prng_below(&prng, model.last - keep + 1);
                if (prng_chance(&prng, 1, 3)) {
                    model.base = keep;
                    term_table_compact(&table, keep);
                }
                break;
            default: append_some(&table, &model, &prng, keep); break;
            }
            check_against_model(&table, &model);
        }
    }
}

static void a_conflict_is_looked_for_at_or_below_a_term(void **state) {
    (void)state;
    struct term_pair pairs[PAIRS];
    struct term_table table;
    term_table_init(&table, pairs, PAIRS, 10, 1);
    static const uint64_t terms[] = {1, 2, 2, 5, 5, 5}; /* 11 .. 16 */
    for (unsigned i = 0; i < 6; i++) term_table_append(&table, terms[i]);
    uint64_t term;
    assert_int_equal(term_table_conflict(&table, 16, 5, &term), 16);
    assert_int_equal(term_table_conflict(&table, 16, 4, &term), 13);
    assert_int_equal(term, 2);
    assert_int_equal(term_table_conflict(&table, 15, 1, &term), 11);
    assert_int_equal(term_table_conflict(&table, 12, 0, &term), 9);
    assert_int_equal(term, 0);
    assert_int_equal(term_table_conflict(&table, 4, 7, &term), 4);
    assert_int_equal(term, 0);
}

/* ---- log time ---- */

static void one_bad_clock_moves_no_time(void **state) {
    (void)state;
    struct log_time_clock clocks[3] = {
        {.wall_ms = 1000, .steady_ms = 5}, {.wall_ms = 1003, .steady_ms = 5}, {.wall_ms = 999999, .steady_ms = 5}};
    assert_int_equal(log_time_median(clocks, 3, 5), 1003);
    clocks[2].wall_ms = 1;
    assert_int_equal(log_time_median(clocks, 3, 5), 1000);
    clocks[1].wall_ms = 0; /* unknown: of two, the lesser */
    clocks[2].wall_ms = 999999;
    assert_int_equal(log_time_median(clocks, 3, 5), 1000);
}

static void time_stands_still_without_a_majority_of_clocks(void **state) {
    (void)state;
    struct log_time_clock clocks[3] = {{.wall_ms = 1000, .steady_ms = 5}};
    assert_int_equal(log_time_median(clocks, 3, 5), 0);
    assert_int_equal(log_time_median(clocks, 1, 9), 1004); /* aged by what the steady clock has done since */
    assert_int_equal(log_time_median(clocks, 1, 2), 1000);
    assert_int_equal(log_time_median(clocks, 0, 2), 0);
}

/* ---- progress ---- */

static struct inflight ring[4];

static struct progress probing(uint64_t match, uint64_t next) {
    struct progress progress = {.id = 2, .inflights = {.ring = ring, .limit_messages = 4, .limit_bytes = 1000}};
    progress_reset(&progress, match, next);
    return progress;
}

static void a_probe_is_sent_once_until_something_is_heard(void **state) {
    (void)state;
    struct progress progress = probing(0, 11);
    assert_false(progress_is_paused(&progress));
    progress_sent(&progress, 3, 100, 5);
    assert_true(progress_is_paused(&progress));
    assert_int_equal(progress.next, 11);
    assert_false(progress_refuse(&progress, 7, 3)); /* late */
    assert_true(progress_is_paused(&progress));
    assert_true(progress_refuse(&progress, 10, 4));
    assert_false(progress_is_paused(&progress));
    assert_int_equal(progress.next, 5);
}

static void a_window_closes_by_messages_and_by_bytes_and_opens_by_acknowledgements(void **state) {
    (void)state;
    struct progress progress = probing(10, 11);
    progress_become_replicate(&progress);
    for (unsigned i = 0; i < 4; i++) progress_sent(&progress, 2, 10, 5);
    assert_true(progress_is_paused(&progress));
    assert_int_equal(progress.next, 19);
    assert_true(progress_acknowledge(&progress, 14));
    inflights_free(&progress.inflights, 14);
    assert_int_equal(progress.inflights.count, 2);
    assert_int_equal(progress.inflights.bytes, 20);
    assert_false(progress_is_paused(&progress));
    progress_sent(&progress, 1, 2000, 5); /* one larger than the window passes, and closes it */
    assert_true(progress_is_paused(&progress));
    assert_false(progress_acknowledge(&progress, 14));
    assert_false(progress_refuse(&progress, 12, 0)); /* that much is known to match */
    assert_true(progress_refuse(&progress, 18, 0));
    assert_int_equal(progress.state, RAFT_PROBE);
    assert_int_equal(progress.next, 15);
    assert_int_equal(progress.inflights.count, 0);
}

static void after_a_snapshot_it_goes_on_behind_it(void **state) {
    (void)state;
    struct progress progress = probing(3, 4);
    progress_become_snapshot(&progress, 50);
    assert_true(progress_is_paused(&progress));
    progress_become_probe(&progress);
    assert_int_equal(progress.next, 51);
    progress_become_snapshot(&progress, 60);
    progress.snapshot_index = 0; /* it failed */
    progress_become_probe(&progress);
    assert_int_equal(progress.next, 4);
}

/* ---- configurations ---- */

static struct raft_change draw_change(struct prng *prng) {
    struct raft_change change = {.transition = (enum raft_transition)prng_below(prng, 3),
                                 .count = (unsigned)prng_below(prng, 5)};
    for (unsigned i = 0; i < change.count; i++) {
        change.items[i].kind = (enum raft_change_kind)prng_below(prng, 4);
        change.items[i].id = 1 + prng_below(prng, 20);
    }
    return change;
}

/* Majorities of both configurations, joint or not, meet in at least one node: else two leaders could be. */
static bool quorums_meet(const struct raft_configuration *a, const struct raft_configuration *b) {
    if (a->outgoing_count > 0 || b->outgoing_count > 0) {
        /* One half of a joint configuration is the other's whole. */
        return raft_configuration_equal(a, b) || memcmp(a->voters, b->outgoing, sizeof a->voters) == 0 ||
               memcmp(a->voters, b->voters, sizeof a->voters) == 0;
    }
    unsigned common = 0;
    for (unsigned i = 0; i < a->voter_count; i++) common += raft_configuration_has_voter(b, a->voters[i]);
    unsigned all = a->voter_count + b->voter_count - common;
    unsigned majorities = a->voter_count / 2u + b->voter_count / 2u + 2;
    return majorities > all;
}

static void random_changes_give_valid_configurations_whose_quorums_meet(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(4));
    struct raft_configuration configuration = {.voters = {1}, .voter_count = 1};
    uint64_t taken = 0;
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        struct raft_change change = draw_change(&prng);
        struct raft_configuration next;
        const char *why = NULL;
        if (raft_configuration_change(&configuration, &change, &next, &why) != STATUS_OK) {
            assert_non_null(why);
            continue;
        }
        taken++;
        assert_true(raft_configuration_is_valid(&next));
        assert_true(quorums_meet(&configuration, &next));
        uint8_t bytes[RAFT_CONFIGURATION_BYTES_MAX];
        size_t size = raft_configuration_encode(&next, bytes);
        assert_true(size <= sizeof bytes);
        struct raft_configuration again;
        assert_int_equal(raft_configuration_decode(slice_make(bytes, size), &again), STATUS_OK);
        assert_true(raft_configuration_equal(&next, &again));
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(raft_configuration_decode(slice_make(bytes, cut), &again), STATUS_CORRUPT);
        bytes[prng_below(&prng, size)] ^= (uint8_t)(1 + prng_below(&prng, 255));
        if (raft_configuration_decode(slice_make(bytes, size), &again) == STATUS_OK)
            assert_true(raft_configuration_is_valid(&again));
        configuration = next;
    }
    assert_true(taken > test_scaled(20000) / 10);
}

static void a_change_that_is_refused_says_why(void **state) {
    (void)state;
    struct raft_configuration from = {.voters = {1, 2}, .voter_count = 2};
    struct raft_configuration to;
    const char *why = NULL;
    struct raft_change change = {.count = 0};
    assert_int_equal(raft_configuration_change(&from, &change, &to, &why), STATUS_INVALID);
    assert_string_equal(why, "can't leave a non-joint config");
    change = (struct raft_change){
        .count = 2, .items = {{.kind = RAFT_CHANGE_REMOVE, .id = 1}, {.kind = RAFT_CHANGE_REMOVE, .id = 2}}};
    assert_int_equal(raft_configuration_change(&from, &change, &to, &why), STATUS_INVALID);
    assert_string_equal(why, "removed all voters");
    change = (struct raft_change){.count = 1, .items = {{.kind = RAFT_CHANGE_ADD_VOTER, .id = 0}}};
    assert_int_equal(raft_configuration_change(&from, &change, &to, &why), STATUS_INVALID);
    assert_string_equal(why, "a member's id is never 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_term_table_answers_as_the_log_it_stands_for),
        cmocka_unit_test(a_conflict_is_looked_for_at_or_below_a_term),
        cmocka_unit_test(one_bad_clock_moves_no_time),
        cmocka_unit_test(time_stands_still_without_a_majority_of_clocks),
        cmocka_unit_test(a_probe_is_sent_once_until_something_is_heard),
        cmocka_unit_test(a_window_closes_by_messages_and_by_bytes_and_opens_by_acknowledgements),
        cmocka_unit_test(after_a_snapshot_it_goes_on_behind_it),
        cmocka_unit_test(random_changes_give_valid_configurations_whose_quorums_meet),
        cmocka_unit_test(a_change_that_is_refused_says_why),
    };
    return cmocka_run_group_tests_name("modules", tests, NULL, NULL);
}
