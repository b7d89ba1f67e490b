/*
 * world_history: what clients were told, judged by the witness order that the answers themselves give. An APPEND
 * answers the length of the list after it, so each acknowledged one names its place; a read of a list shows the order
 * up to its length; the last reads show all of it. So for every list it is checked in O(n log n):
 *
 *   - all last reads are equal, on every node;
 *   - each acknowledged append stands at its place; none stands twice; none that was refused stands at all   (nothing
 * lost, each write applied once)
 *   - each read is a beginning of the last one
 *   - what ended before an operation began comes before it (linearizable)
 *
 * The same for sums, whose INCR answers the place, and for counters in graphs. Samples and edges: world_sets.c.
 * Registers: a read shows a value that was written, not refused, not yet overwritten when the read began. Pairs, which
 * are written as one, are read as one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_action.h"
#include "tools/sim/world_private.h"

enum { HISTORY_FIRST = 512 };

/* ---- Keeping ----------------------------------------------------------------------------------------------------- */

struct world_operation *world_history_add(struct world *world, enum world_action action, unsigned client) {
    if (world->history_count == world->history_capacity) {
        size_t grown = world->history_capacity ? world->history_capacity * 2 : HISTORY_FIRST;
        world->history =
            sim_grow(world->history, world->history_count * sizeof *world->history, grown * sizeof *world->history);
        world->history_capacity = grown;
    }
    struct world_operation *operation = &world->history[world->history_count++];
    *operation = (struct world_operation){.action = action, .client = client, .invoked_ns = sim_now_ns(world->sim)};
    return operation;
}

void world_history_clear(struct world *world) {
    for (size_t i = 0; i < world->history_count; i++) sim_free(world->history[i].tokens);
    sim_free(world->history);
    world->history = NULL;
    world->history_count = 0;
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

const struct world_operation *world_last_read(struct world *world, enum world_action action, unsigned key) {
    const struct world_operation *last = NULL;
    for (size_t i = world->final_from; i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        if (operation->action != action || operation->key != key || operation->outcome != WORLD_DONE) continue;
        bool is_same =
            last == NULL || (operation->number == last->number && operation->token_count == last->token_count);
        if (is_same && last != NULL && last->token_count > 0) {
            is_same = memcmp(last->tokens, operation->tokens, last->token_count * sizeof *last->tokens) == 0;
        }
        if (!is_same)
            world_break(world, WORLD_BROKEN, "nodes give different last reads of object %u (action %d)", key,
                        (int)action);
        last = operation;
    }
    return last;
}

/* Where the token stands in the list, from 1; 0 = nowhere. */
static uint64_t place_of(struct world *world, const struct world_operation *list, uint64_t token) {
    uint64_t place = 0;
    for (size_t i = 0; i < list->token_count; i++) {
        if (list->tokens[i] != token) continue;
        if (place != 0) {
            world_break(world, WORLD_BROKEN,
                        "applied twice: token %" PRIu64 " stands at %" PRIu64 " and %zu of list %u", token, place,
                        i + 1, list->key);
        }
        place = i + 1;
    }
    return place;
}

static void judge_append(struct world *world, const struct world_operation *list, size_t number,
                         struct world_steps *steps) {
    const struct world_operation *operation = &world->history[number];
    uint64_t place = place_of(world, list, operation->token);
    if (operation->outcome == WORLD_REFUSED && place != 0) {
        world_break(world, WORLD_BROKEN,
                    "operation %zu was answered as not applied, and its token %" PRIu64 " stands in list %u", number,
                    operation->token, list->key);
    }
    if (operation->outcome == WORLD_DONE && place == 0) {
        world_break(world, WORLD_BROKEN, "acknowledged write lost: operation %zu, token %" PRIu64 " of list %u", number,
                    operation->token, list->key);
    }
    if (operation->outcome == WORLD_DONE && place != 0 && (uint64_t)operation->number != 8 * place) {
        world_break(world, WORLD_BROKEN,
                    "operation %zu was told length %" PRId64 ", its token stands at place %" PRIu64 " of list %u",
                    number, operation->number, place, list->key);
    }
    if (place != 0) world_steps_add(world, steps, number, place, true);
}

static void judge_list_read(struct world *world, const struct world_operation *list, size_t number,
                            struct world_steps *steps) {
    const struct world_operation *operation = &world->history[number];
    if (operation->outcome != WORLD_DONE) return;
    bool is_beginning = operation->token_count <= list->token_count;
    for (size_t i = 0; is_beginning && i < operation->token_count; i++)
        is_beginning = operation->tokens[i] == list->tokens[i];
    if (!is_beginning) {
        world_break(world, WORLD_BROKEN, "operation %zu read what list %u never became: lost or reordered writes",
                    number, list->key);
    }
    world_steps_add(world, steps, number, operation->token_count, false);
}

static void judge_list(struct world *world, unsigned key, struct world_steps *steps) {
    const struct world_operation *list = world_last_read(world, WORLD_READ_LIST, key);
    steps->count = 0;
    for (size_t i = 0; list != NULL && i < world->history_count; i++) {
        if (world->history[i].key != key) continue;
        if (world->history[i].action == WORLD_APPEND) judge_append(world, list, i, steps);
        if (world->history[i].action == WORLD_READ_LIST) judge_list_read(world, list, i, steps);
    }
    world_steps_judge(world, "list", key, steps);
}

/* ---- Sums -------------------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    const int64_t *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

/* What answers its own place. */
struct sum {
    enum world_action add, read;
    const char *name;
};

static void judge_sum_total(struct world *world, const struct sum *sum, unsigned key, int64_t total,
                            const int64_t *told, size_t count, uint64_t maybe) {
    for (size_t i = 1; i < count; i++) {
        if (told[i] == told[i - 1]) {
            world_break(world, WORLD_BROKEN, "two increments of %s %u were told %" PRId64, sum->name, key, told[i]);
        }
    }
    if ((count > 0 && told[count - 1] > total) || total < (int64_t)count || total > (int64_t)(count + maybe)) {
        world_break(world, WORLD_BROKEN,
                    "%s %u is %" PRId64 " after %zu acknowledged and %" PRIu64
                    " unknown increments (the greatest told %" PRId64 ")",
                    sum->name, key, total, count, maybe, count > 0 ? told[count - 1] : 0);
    }
}

static void judge_sum(struct world *world, const struct sum *sum, unsigned key, struct world_steps *steps) {
    const struct world_operation *last = world_last_read(world, sum->read, key);
    int64_t *told = sim_alloc((world->history_count + 1) * sizeof *told);
    size_t count = 0;
    uint64_t maybe = 0;
    steps->count = 0;
    for (size_t i = 0; last != NULL && i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        bool is_add = operation->action == sum->add;
        if (operation->key != key || (!is_add && operation->action != sum->read)) continue;
        if (is_add && operation->outcome != WORLD_DONE && operation->outcome != WORLD_REFUSED) maybe++;
        if (operation->outcome != WORLD_DONE) continue;
        if (is_add) told[count++] = operation->number;
        world_steps_add(world, steps, i, (uint64_t)operation->number, is_add);
    }
    qsort(told, count, sizeof *told, by_number);
    if (last != NULL) judge_sum_total(world, sum, key, last->number, told, count, maybe);
    world_steps_judge(world, sum->name, key, steps);
    sim_free(told);
}

/* ---- Registers --------------------------------------------------------------------------------------------------- */

static const struct world_operation *find_set(const struct world *world, enum world_action action, unsigned key,
                                              uint64_t token) {
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        if (operation->action == action && operation->key == key && operation->token == token) return operation;
    }
    return NULL;
}

/* Another write began after this one had ended, and had ended itself before the read began. */
static bool is_overwritten(const struct world *world, const struct world_operation *set,
                           const struct world_operation *read) {
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *other = &world->history[i];
        if (other->action != set->action || other->key != set->key || other->outcome != WORLD_DONE) continue;
        bool is_after = set->outcome == WORLD_DONE && other->invoked_ns > set->returned_ns;
        if (is_after && other->returned_ns < read->invoked_ns) return true;
    }
    return false;
}

/* Nothing was there: so nothing may have been written for sure before the read began. */
static bool is_written_before(const struct world *world, enum world_action action, const struct world_operation *read) {
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *other = &world->history[i];
        if (other->action == action && other->key == read->key && other->outcome == WORLD_DONE &&
            other->returned_ns < read->invoked_ns) {
            return true;
        }
    }
    return false;
}

/* It may be over at any time, by whatever clock; what is read was written. */
static void judge_brief(struct world *world, size_t number) {
    const struct world_operation *read = &world->history[number];
    const struct world_operation *set = find_set(world, WORLD_SET_BRIEFLY, read->key, (uint64_t)read->number);
    if (read->number == 0) return;
    const bool is_written = set != NULL && set->invoked_ns <= read->returned_ns && set->outcome != WORLD_REFUSED;
    if (is_written && (set->outcome != WORLD_DONE || set->number == 1)) return;
    world_break(world, WORLD_BROKEN,
                "operation %zu of client %u read from brief register %u a value that nobody had written (token "
                "%" PRId64 ")",
                number, read->client, read->key, read->number);
}

static void judge_read(struct world *world, size_t number, enum world_action action, uint64_t token) {
    const struct world_operation *read = &world->history[number];
    const char *what = NULL;
    if (token == 0) {
        if (is_written_before(world, action, read)) what = "nothing, although a write had been acknowledged";
    } else {
        const struct world_operation *set = find_set(world, action, read->key, token);
        if (set == NULL || set->invoked_ns > read->returned_ns)
            what = "a value that nobody had written";
        else if (set->outcome == WORLD_REFUSED)
            what = "a value that was answered as not applied";
        else if (is_overwritten(world, set, read))
            what = "a value that had been overwritten before it began";
    }
    if (what == NULL) return;
    world_break(world, WORLD_BROKEN, "operation %zu of client %u read from %s %u %s (token %" PRIu64 ")", number,
                read->client, action == WORLD_SET ? "register" : "pair", read->key, what, token);
}

static void judge_sums(struct world *world, const struct sum *sum, struct world_steps *steps) {
    unsigned keys = world_action_row(sum->add)->keys;
    for (unsigned key = 0; key < keys; key++) judge_sum(world, sum, key, steps);
}

void world_history_judge(struct world *world) {
    static const struct sum sums = {WORLD_ADD, WORLD_READ_SUM, "sum"};
    static const struct sum counters = {WORLD_COUNT, WORLD_READ_COUNT, "counter"};
    struct world_steps steps = {.items = sim_alloc((world->history_count + 1) * sizeof *steps.items)};
    unsigned lists = world_action_row(WORLD_APPEND)->keys;
    for (unsigned key = 0; key < lists; key++) judge_list(world, key, &steps);
    judge_sums(world, &sums, &steps);
    judge_sums(world, &counters, &steps);
    world_sets_judge(world, &steps);
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        if (operation->outcome != WORLD_DONE) continue;
        if (operation->action == WORLD_GET_BRIEF) judge_brief(world, i);
        if (operation->action == WORLD_GET) judge_read(world, i, WORLD_SET, (uint64_t)operation->number);
        if (operation->action != WORLD_GET_PAIR) continue;
        if ((uint64_t)operation->number != operation->token) {
            world_break(world, WORLD_BROKEN, "a pair written as one was read as %" PRId64 " and %" PRIu64,
                        operation->number, operation->token);
        }
        judge_read(world, i, WORLD_SET_PAIR, operation->token);
    }
    sim_free(steps.items);
}
