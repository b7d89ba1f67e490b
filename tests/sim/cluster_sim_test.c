/*
 * Whole clusters under seeded faults: 3 nodes (every fourth seed 5), simulated clients, at least 5 faults of at least 3
 * kinds, 200 completed operations and more, all checks of tools/sim/world.h at every step. On samples the registers'
 * history is also judged by the search of tools/judge/linearize.h.
 *
 * Replay: build/loam sim --seed S [--trace]
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "tests/harness/test_env.h"
#include "tools/judge/models.h"
#include "tools/sim/server_node.h"
#include "tools/sim/world_batch.h"

enum { RUNS = 2000, BEYOND = 60, REPLAYS = 20, SAMPLE_EVERY = 10 };

static struct world_batch batch;

static void draw(struct fault_plan *plan, uint64_t seed) {
    fault_plan_draw(plan, seed, seed % 4 == 0 ? 5 : 3);
}

/* ---- The registers' history -------------------------------------------------------------------------------------- */

static struct slice number_text(uint64_t number, char text[24]) {
    snprintf(text, 24, "%" PRIu64, number);
    return slice_from_text(text);
}

static void note_register(void *context, const struct world_operation *operation) {
    struct history *history = context;
    char key[24], value[24];
    size_t index;
    bool is_read = operation->action == WORLD_GET;
    if (!is_read && operation->action != WORLD_SET) return;
    struct history_op op = {.client = operation->client,
                            .kind = is_read ? MODEL_REGISTER_READ : MODEL_REGISTER_WRITE,
                            .key = number_text(operation->key, key),
                            .invoked = operation->invoked_ns};
    if (!is_read) op.arguments[0] = number_text(operation->token, value);
    assert_int_equal(history_invoke(history, &op, &index), STATUS_OK);
    if (operation->outcome == WORLD_REFUSED) history_refuse(history, index);
    if (operation->outcome != WORLD_DONE) return;
    bool is_nil = is_read && operation->number == 0;
    struct slice result = is_read && !is_nil ? number_text((uint64_t)operation->number, value) : slice_make(NULL, 0);
    assert_int_equal(
        history_return(history, index, operation->returned_ns, is_nil ? HISTORY_NIL : HISTORY_TEXT, result), STATUS_OK);
}

static void judge_registers(uint64_t seed, const struct history *history) {
    struct linearize_report report;
    assert_int_equal(linearize(&model_register, history, NULL, &report), STATUS_OK);
    if (report.verdict == LINEARIZE_NO) {
        fail_msg("seed %" PRIu64 ": registers are not linearizable:\n%.*s", seed, (int)report.text.size,
                 (const char *)report.text.data);
    }
    linearize_report_deinit(&report);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void run_seed(uint64_t seed, struct world_report *report) {
    struct fault_plan plan;
    struct history history;
    struct world_options options = {.plan = &plan, .history = note_register, .history_context = &history};
    draw(&plan, seed);
    history_init(&history);
    server_world_run(&options, report);
    if (report->verdict != WORLD_KEPT) {
        fail_msg("seed %" PRIu64 ": %s\n  replay: build/loam sim --seed %" PRIu64 " --trace", seed, report->text, seed);
    }
    if (seed % SAMPLE_EVERY == 0) judge_registers(seed, &history);
    history_deinit(&history);
}

static void every_promise_is_kept(void **state) {
    (void)state;
    uint64_t first = test_seed(1), runs = test_scaled(RUNS);
    struct buf text = BUF_EMPTY;
    for (uint64_t seed = first; seed < first + runs; seed++) {
        struct world_report report;
        run_seed(seed, &report);
        world_batch_add(&batch, &report);
    }
    assert_int_equal(world_batch_print(&text, &batch), STATUS_OK);
    print_message("%.*s", (int)text.size, (const char *)text.data);
    buf_deinit(&text);
}

/* Seeds that have told of something once: each with what it was. */
static void seeds_that_told_of_something_are_kept(void **state) {
    (void)state;
    static const uint64_t seeds[] = {
        316,        /* a table that a write astray made another one was an error at each start, and never had again */
        4245158924, /* a leader whose flush had failed led on, and could send a snapshot to nobody of the majority it
                       needed */
        4245200860, /* a repair whose superblock could not be written was taken for one that goes on */
        1718628300, /* what rots under an open table was seen by those who opened a copy of it, and not by its node */
        20030,      /* a scrub took what a failed sync of the manifest left for damage */
        1382,       /* a superblock whose sync failed when it was made was taken for made, and the power took it */
        1737168235, /* a write that a node without a leader had held was applied between the last reads of two nodes */
        1294804571, /* a manifest's write that failed was taken for damage by the scrub */
    };
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct world_report report;
        run_seed(seeds[i], &report);
    }
}

/* Disks of two or three nodes of three go bad, in any part of them. */
static void add_damage_beyond_the_budget(struct fault_plan *plan, struct prng *prng) {
    static const enum fault_kind kinds[] = {FAULT_ROT_LOG, FAULT_ROT_STORE, FAULT_ROT_PROMISE, FAULT_MISDIRECT};
    const unsigned nodes = 2 + (unsigned)prng_below(prng, 2);
    for (unsigned i = 0; i < 2 * nodes; i++)
        plan->faults[plan->count++] = (struct fault){.kind = kinds[prng_below(prng, 4)],
                                                     .at_ms = prng_between(prng, 450, 1500),
                                                     .for_ms = prng_between(prng, 1, 300),
                                                     .nodes = 1U << i % nodes};
    fault_plan_sort(plan);
}

/* Such a cluster may stand still for ever; it does not lie. */
static void beyond_the_budget_nodes_refuse_and_do_not_lie(void **state) {
    (void)state;
    uint64_t first = test_seed(1), stuck = 0;
    const uint64_t runs = test_scaled(BEYOND);
    for (uint64_t seed = first; seed < first + runs; seed++) {
        struct fault_plan plan;
        struct prng prng;
        struct world_report report;
        struct world_options options = {.plan = &plan};
        prng_init(&prng, hash_mix(seed, 0x6265796f6e64));
        fault_plan_draw(&plan, seed, 3);
        add_damage_beyond_the_budget(&plan, &prng);
        assert_false(fault_plan_is_within_budget(&plan));
        server_world_run(&options, &report);
        if (report.verdict == WORLD_BROKEN) fail_msg("seed %" PRIu64 " beyond the budget: %s", seed, report.text);
        stuck += report.verdict == WORLD_STUCK;
    }
    assert_true(runs < 20 || stuck > 0);
}

static void rare_cases_were_met(void **state) {
    (void)state;
    if (batch.runs < 20) skip();
    const char *misses = world_batch_misses(&batch);
    if (misses != NULL) fail_msg("%s", misses);
}

static void same_seed_is_the_same_run_to_the_bit(void **state) {
    (void)state;
    uint64_t first = test_seed(1);
    for (uint64_t seed = first; seed < first + test_scaled(REPLAYS); seed++) {
        struct world_report once, again;
        run_seed(seed, &once);
        run_seed(seed, &again);
        assert_int_equal(once.trace_hash, again.trace_hash);
        assert_int_equal(once.events, again.events);
        assert_int_equal(once.completed, again.completed);
    }
}

static int set_up(void **state) {
    (void)state;
    world_batch_init(&batch);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_batch_deinit(&batch);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_promise_is_kept),
        cmocka_unit_test(seeds_that_told_of_something_are_kept),
        cmocka_unit_test(beyond_the_budget_nodes_refuse_and_do_not_lie),
        cmocka_unit_test(rare_cases_were_met),
        cmocka_unit_test(same_seed_is_the_same_run_to_the_bit),
    };
    return cmocka_run_group_tests_name("cluster", tests, set_up, tear_down);
}
