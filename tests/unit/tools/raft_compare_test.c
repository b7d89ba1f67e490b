/*
 * raft_compare_test: logs side by side, made by hand: a digit is an entry of that term, a dot one that is lost, a '_'
 * one that the store holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/loam/inspect/raftview/raft_compare.h"

enum { NODES = 3 };

struct lab {
    struct raft_view *views[RAFT_COMPARE_NODES_MAX]; /* owned */
    size_t count;
    struct raft_compare compare;
    bool is_made;
};

static int set_up(void **state) {
    *state = calloc(1, sizeof(struct lab));
    return *state ? 0 : -1;
}

static int tear_down(void **state) {
    struct lab *lab = *state;
    if (lab->is_made) raft_compare_deinit(&lab->compare);
    for (size_t i = 0; i < lab->count; i++) {
        raft_view_deinit(lab->views[i]);
        free(lab->views[i]);
    }
    free(lab);
    return 0;
}

/* Node count + 1, of founders 1 to 3. */
static struct raft_view *add(struct lab *lab, const char *log, uint64_t commit) {
    struct raft_view *view = calloc(1, sizeof *view);
    assert_non_null(view);
    lab->views[lab->count++] = view;
    view->node_id = lab->count;
    (void)snprintf(view->dir, sizeof view->dir, "node-%zu", lab->count);
    struct raft_survey_slot *slot = &view->superblock.slots[0];
    slot->identity = (struct raft_identity){.cluster_id = 7, .node_id = view->node_id, .incarnation = view->node_id};
    slot->is_founder = true;
    for (uint64_t id = 1; id <= NODES; id++)
        if (id != view->node_id) slot->met[slot->met_count++].node_id = id;
    view->slot = slot;
    view->knows_start = view->has_log = view->has_store = true;
    for (uint64_t index = 1; *log; log++, index++) {
        if (*log == '_') view->start = view->store.index = index;
        if (*log == '_') view->start_term = view->store.term = 1;
        if (*log < '0' || *log > '9') continue;
        const uint64_t term = (uint64_t)(*log - '0');
        const struct raft_view_entry entry = {.index = index,
                                              .term = term,
                                              .size = 9,
                                              .hash = (uint32_t)(term * 100 + index),
                                              .kind = RAFT_ENTRY_COMMAND};
        assert_int_equal(raft_view_add_entry(view, &entry), STATUS_OK);
    }
    view->commit = commit > view->store.index ? commit : view->store.index;
    return view;
}

static const struct raft_compare *compare(struct lab *lab) {
    assert_int_equal(raft_compare_make((const struct raft_view *const *)lab->views, lab->count, &lab->compare),
                     STATUS_OK);
    lab->is_made = true;
    return &lab->compare;
}

static const struct raft_span *span_at(const struct raft_compare *made, uint64_t index) {
    for (size_t i = 0; i < made->span_count; i++)
        if (made->spans[i].first <= index && index <= made->spans[i].last) return &made->spans[i];
    fail_msg("no span has entry %llu", (unsigned long long)index);
    return NULL;
}

static const struct raft_branch *branch_of(const struct raft_compare *made, uint64_t index, size_t node) {
    const struct raft_span *span = span_at(made, index);
    assert_int_equal(span->at[node], RAFT_VIEW_HELD);
    return &span->branches[span->branch[node]];
}

/* ---- Agreeing ---------------------------------------------------------------------------------------------------- */

static void logs_that_agree_are_one_span_to_the_commit_and_one_behind(void **state) {
    struct lab *lab = *state;
    for (int i = 0; i < NODES; i++) add(lab, "1112233", 5);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->span_count, 2);
    assert_int_equal(made->parts_at, 0);
    assert_int_equal(made->problem_count, 0);
    assert_true(made->spans[0].first == 1 && made->spans[0].last == 5 && made->spans[1].last == 7);
    assert_true(made->spans[0].branches[0].first_term == 1 && made->spans[0].branches[0].last_term == 2);
    assert_int_equal(made->spans[0].branches[0].fate, RAFT_FATE_COMMITTED);
    assert_int_equal(made->spans[1].branches[0].fate, RAFT_FATE_STAYS);
}

static void a_shorter_log_is_behind_by_what_it_lacks(void **state) {
    struct lab *lab = *state;
    add(lab, "11122", 3);
    add(lab, "111", 3);
    add(lab, "11122", 3);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->standings[1].behind, 2);
    assert_int_equal(made->standings[1].agrees_to, 3);
    assert_int_equal(made->standings[1].parts_at, 0);
    assert_false(made->standings[1].can_lead);
    assert_true(made->standings[0].can_lead && made->standings[2].can_lead);
}

static void a_shorter_log_of_a_later_term_is_the_better_one(void **state) {
    struct lab *lab = *state;
    add(lab, "11111", 1);
    add(lab, "112", 1);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->best, 1);
    assert_int_equal(made->standings[0].votes, 1);
    assert_int_equal(made->standings[1].votes, 2);
}

static void what_a_store_holds_is_held_where_anothers_log_begins_later(void **state) {
    struct lab *lab = *state;
    add(lab, "______1122", 8);
    add(lab, "111", 2);
    add(lab, "______1122", 8);
    const struct raft_compare *made = compare(lab);
    const struct raft_span *span = span_at(made, 2);
    assert_int_equal(span->at[0], RAFT_VIEW_IN_STORE);
    assert_int_equal(span->at[1], RAFT_VIEW_HELD);
    assert_int_equal(span->branches[0].holders, 7);
    assert_int_equal(span_at(made, 5)->at[1], RAFT_VIEW_ABSENT);
    assert_int_equal(made->standings[1].agrees_to, 3);
    assert_int_equal(made->standings[1].behind, 4); /* rows of the best log; the rest comes by a snapshot */
}

/* ---- Parting ----------------------------------------------------------------------------------------------------- */

static void a_parted_suffix_is_found_at_its_first_entry_and_goes(void **state) {
    struct lab *lab = *state;
    add(lab, "11122", 3);
    add(lab, "111333", 5);
    add(lab, "111333", 5);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->parts_at, 4);
    assert_int_equal(made->standings[0].parts_at, 4);
    assert_int_equal(made->standings[0].agrees_to, 3);
    assert_int_equal(span_at(made, 4)->branch_count, 2);
    assert_int_equal(branch_of(made, 4, 0)->fate, RAFT_FATE_GOES);
    assert_false(branch_of(made, 4, 0)->on_quorum);
    assert_int_equal(branch_of(made, 4, 1)->fate, RAFT_FATE_COMMITTED);
    assert_true(branch_of(made, 4, 1)->on_quorum);
    assert_int_equal(made->problem_count, 0);
}

static void an_entry_that_some_who_can_be_elected_lack_may_go(void **state) {
    struct lab *lab = *state;
    add(lab, "1112", 3);
    add(lab, "111", 3);
    add(lab, "111", 3);
    const struct raft_compare *made = compare(lab);
    assert_true(made->standings[1].can_lead); /* by the votes of 2 and 3 */
    assert_int_equal(branch_of(made, 4, 0)->fate, RAFT_FATE_MAY_GO);
}

/* Figure 8 of the paper: an old term's entry stands on a majority, and another can be elected without it. */
static void an_old_entry_on_a_quorum_may_go_all_the_same(void **state) {
    struct lab *lab = *state;
    add(lab, "12", 1);
    add(lab, "12", 1);
    add(lab, "13", 1);
    const struct raft_compare *made = compare(lab);
    assert_true(branch_of(made, 2, 0)->on_quorum);
    assert_true(made->standings[2].can_lead);
    assert_int_equal(branch_of(made, 2, 0)->fate, RAFT_FATE_MAY_GO);
}

static void two_committed_entries_at_one_index_are_a_broken_promise(void **state) {
    struct lab *lab = *state;
    add(lab, "112", 3);
    add(lab, "113", 3);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->problem_count, 1);
    assert_non_null(strstr(made->problems[0], "entry 3 is known to be committed"));
}

static void logs_that_meet_again_break_log_matching(void **state) {
    struct lab *lab = *state;
    add(lab, "1124", 0);
    add(lab, "1134", 0);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->problem_count, 1);
    assert_non_null(strstr(made->problems[0], "log matching does not hold"));
}

static void other_bytes_under_one_term_are_told_and_not_of_a_witness(void **state) {
    struct lab *lab = *state;
    add(lab, "111", 3);
    struct raft_view *other = add(lab, "111", 3);
    other->entries[1].hash++;
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->problem_count, 1);
    assert_non_null(strstr(made->problems[0], "entry 2 of term 1 has other bytes"));
    raft_compare_deinit(&lab->compare);
    other->superblock.slots[0].is_witness = true;
    assert_int_equal(compare(lab)->problem_count, 0);
    assert_false(lab->compare.standings[1].can_lead);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

static void a_lost_entry_is_lost_there_and_sound_elsewhere(void **state) {
    struct lab *lab = *state;
    struct raft_view *damaged = add(lab, "11..1", 5);
    damaged->log.status = STATUS_FAULTY;
    add(lab, "11111", 5);
    add(lab, "11111", 5);
    const struct raft_compare *made = compare(lab);
    const struct raft_span *span = span_at(made, 3);
    assert_true(span->first == 3 && span->last == 4);
    assert_int_equal(span->at[0], RAFT_VIEW_LOST);
    assert_int_equal(span->branches[0].holders, 6);
    assert_int_equal(made->standings[0].lost, 2);
    assert_int_equal(made->parts_at, 0);
}

static void a_damaged_voter_neither_votes_nor_leads(void **state) {
    struct lab *lab = *state;
    struct raft_view *damaged = add(lab, "1111", 2);
    damaged->log.status = STATUS_FAULTY;
    add(lab, "111", 2);
    add(lab, "11", 2);
    const struct raft_compare *made = compare(lab);
    assert_false(made->standings[0].can_lead);
    assert_int_equal(made->standings[1].votes, 2);
    assert_true(made->standings[1].can_lead);
    assert_false(made->standings[2].can_lead); /* node 2's log is better, and node 1's vote does not count */
    assert_int_equal(branch_of(made, 4, 0)->fate, RAFT_FATE_GOES);
}

static void the_vote_of_a_damaged_node_makes_nobody_a_leader(void **state) {
    struct lab *lab = *state;
    struct raft_view *damaged = add(lab, "1", 1);
    add(lab, "11", 1);
    add(lab, "111", 1);
    assert_true(compare(lab)->standings[1].can_lead); /* by the votes of 1 and 2 */
    raft_compare_deinit(&lab->compare);
    damaged->log.status = STATUS_FAULTY;
    assert_false(compare(lab)->standings[1].can_lead);
    assert_true(lab->compare.standings[2].can_lead);
}

static void behind_damage_at_the_end_nothing_is_called_absent(void **state) {
    struct lab *lab = *state;
    struct raft_view *damaged = add(lab, "11", 2);
    damaged->tail_is_lost = true;
    damaged->log.status = STATUS_FAULTY;
    add(lab, "1111", 2);
    assert_int_equal(span_at(compare(lab), 4)->at[0], RAFT_VIEW_UNKNOWN);
}

/* ---- Members ----------------------------------------------------------------------------------------------------- */

static void a_voter_whose_directory_is_missing_leaves_fates_open(void **state) {
    struct lab *lab = *state;
    add(lab, "1112", 3);
    add(lab, "1112", 3);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->missing_voters, 1);
    assert_true(branch_of(made, 4, 0)->on_quorum);
    assert_int_equal(branch_of(made, 4, 0)->fate, RAFT_FATE_MAY_GO);
}

static void put_configuration(struct raft_view *view, uint64_t index, const struct raft_configuration *configuration) {
    const struct raft_view_entry *entry = raft_view_find(view, index);
    assert_non_null(entry);
    view->configurations = calloc(1, sizeof *view->configurations);
    assert_non_null(view->configurations);
    view->configurations[0] =
        (struct raft_view_configuration){.index = index, .term = entry->term, .configuration = *configuration};
    view->configuration_count = 1;
}

static void a_joint_configuration_needs_a_majority_of_both_halves(void **state) {
    struct lab *lab = *state;
    const struct raft_configuration joint = {
        .voters = {1, 2, 3}, .voter_count = 3, .outgoing = {1, 4, 5}, .outgoing_count = 3};
    const char *const logs[] = {"1111", "1111", "111", "111", "111"};
    for (size_t i = 0; i < 5; i++) add(lab, logs[i], 3);
    put_configuration(lab->views[0], 3, &joint);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->configuration_index, 3);
    assert_false(branch_of(made, 4, 0)->on_quorum); /* 1 and 2 of the voters; 1 of the outgoing */
    assert_true(branch_of(made, 3, 0)->on_quorum);
}

static void half_of_the_voters_is_no_quorum(void **state) {
    struct lab *lab = *state;
    const struct raft_configuration four = {.voters = {1, 2, 3, 4}, .voter_count = 4};
    add(lab, "112", 2);
    add(lab, "112", 2);
    add(lab, "11", 2);
    add(lab, "11", 2);
    put_configuration(lab->views[0], 1, &four);
    const struct raft_compare *made = compare(lab);
    assert_true(branch_of(made, 2, 0)->on_quorum);
    assert_false(branch_of(made, 3, 0)->on_quorum);
}

static void the_newest_configuration_counts_whoever_has_it(void **state) {
    struct lab *lab = *state;
    const struct raft_configuration old = {.voters = {1, 2}, .voter_count = 2},
                                    newer = {.voters = {1, 2, 3}, .voter_count = 3};
    add(lab, "1122", 2);
    add(lab, "1122", 2);
    put_configuration(lab->views[0], 2, &old);
    put_configuration(lab->views[1], 3, &newer);
    const struct raft_compare *made = compare(lab);
    assert_int_equal(made->configuration_index, 3);
    assert_int_equal(made->configuration.voter_count, 3);
}

static void two_directories_of_one_node_are_told(void **state) {
    struct lab *lab = *state;
    add(lab, "11", 2);
    add(lab, "11", 2)->superblock.slots[0].identity.node_id = 1;
    assert_int_equal(compare(lab)->problem_count, 1);
    assert_non_null(strstr(lab->compare.problems[0], "both say that they are node 1"));
}

static void nodes_of_two_clusters_are_told(void **state) {
    struct lab *lab = *state;
    add(lab, "11", 2);
    add(lab, "11", 2)->superblock.slots[0].identity.cluster_id = 8;
    assert_int_equal(compare(lab)->problem_count, 1);
    assert_non_null(strstr(lab->compare.problems[0], "not of one cluster"));
}

/* ---- Any logs ---------------------------------------------------------------------------------------------------- */

enum { LOG_MAX = 40 };

/* Terms that do not fall, with holes. */
static void random_log(struct prng *prng, char log[LOG_MAX + 1]) {
    const uint64_t stored = prng_below(prng, 8), length = stored + prng_below(prng, LOG_MAX - 8);
    char term = '1';
    for (uint64_t i = 0; i < length; i++) {
        if (prng_below(prng, 6) == 0 && term < '9') term++;
        log[i] = i < stored ? '_' : prng_below(prng, 10) == 0 && i + 1 < length ? '.' : term;
    }
    log[length] = '\0';
}

static void spans_of_any_logs_say_of_every_index_what_the_views_say(void **state) {
    struct lab *lab = *state;
    struct prng prng;
    for (uint64_t run = 0; run < test_scaled(2000); run++) {
        const uint64_t seed = test_seed(1) + run;
        uint64_t next = 0;
        seed_starts("spans_of_any_logs_say_of_every_index_what_the_views_say", seed);
        prng_init(&prng, seed);
        for (int i = 0; i < NODES; i++) {
            char log[LOG_MAX + 1];
            random_log(&prng, log);
            add(lab, log, prng_below(&prng, LOG_MAX / 2));
        }
        const struct raft_compare *made = compare(lab);
        for (size_t s = 0; s < made->span_count; s++) {
            const struct raft_span *span = &made->spans[s];
            if (next != 0) assert_int_equal(span->first, next);
            for (uint64_t index = span->first; index <= span->last; index++)
                for (size_t i = 0; i < NODES; i++) assert_int_equal(raft_view_at(lab->views[i], index), span->at[i]);
            next = span->last + 1;
        }
        for (size_t i = 0; i < NODES; i++) assert_true(next == 0 || next > raft_view_last(lab->views[i]));
        raft_compare_deinit(&lab->compare);
        for (size_t i = 0; i < NODES; i++) {
            raft_view_deinit(lab->views[i]);
            free(lab->views[i]);
        }
        lab->count = 0;
        lab->is_made = false;
        seed_passes();
    }
}

/* Forged, since no log comes so far; its checks may be right all the same. */
static void a_log_that_claims_the_last_index_there_is_is_walked_to_its_end(void **state) {
    struct lab *lab = *state;
    struct raft_view *view = add(lab, "", 0);
    view->start = view->store.index = view->commit = UINT64_MAX;
    (void)add(lab, "111", UINT64_MAX);
    (void)compare(lab);
    assert_true(lab->compare.span_count > 0);
    for (size_t i = 0; i < lab->compare.span_count; i++)
        assert_true(lab->compare.spans[i].first <= lab->compare.spans[i].last);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        fact(a_log_that_claims_the_last_index_there_is_is_walked_to_its_end),
        fact(logs_that_agree_are_one_span_to_the_commit_and_one_behind),
        fact(a_shorter_log_is_behind_by_what_it_lacks),
        fact(a_shorter_log_of_a_later_term_is_the_better_one),
        fact(what_a_store_holds_is_held_where_anothers_log_begins_later),
        fact(a_parted_suffix_is_found_at_its_first_entry_and_goes),
        fact(an_entry_that_some_who_can_be_elected_lack_may_go),
        fact(an_old_entry_on_a_quorum_may_go_all_the_same),
        fact(two_committed_entries_at_one_index_are_a_broken_promise),
        fact(logs_that_meet_again_break_log_matching),
        fact(other_bytes_under_one_term_are_told_and_not_of_a_witness),
        fact(a_lost_entry_is_lost_there_and_sound_elsewhere),
        fact(a_damaged_voter_neither_votes_nor_leads),
        fact(the_vote_of_a_damaged_node_makes_nobody_a_leader),
        fact(behind_damage_at_the_end_nothing_is_called_absent),
        fact(a_voter_whose_directory_is_missing_leaves_fates_open),
        fact(a_joint_configuration_needs_a_majority_of_both_halves),
        fact(half_of_the_voters_is_no_quorum),
        fact(the_newest_configuration_counts_whoever_has_it),
        fact(two_directories_of_one_node_are_told),
        fact(nodes_of_two_clusters_are_told),
        fact(spans_of_any_logs_say_of_every_index_what_the_views_say),
    };
    return seed_report(cmocka_run_group_tests_name("raft compare", tests, NULL, NULL),
                       "build/tests/unit/tools/raft_compare_test");
}
