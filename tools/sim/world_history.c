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
 * The same for sums, whose INCR answers the place. Registers: a read shows a value that was written, not refused, not
 * yet overwritten when the read began. Pairs, which are written as one, are read as one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim/sim_alloc.h"
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

/* ---- Real time --------------------------------------------------------------------------------------------------- */

/*
 * An operation on one object, in terms of its witness: it needs the state before it to have at least `floor` writes in
 * it.
 */
struct step {
    uint64_t invoked_ns;
    uint64_t returned_ns; /* UINT64_MAX: never */
    uint64_t shows;       /* writes that are in the state after it */
    bool is_write;
    uint64_t operation; /* its number in the history, for words */
};

struct steps {
    struct step *items;
    size_t count;
};

static int by_invocation(const void *a, const void *b) {
    const struct step *first = a, *second = b;
    if (first->invoked_ns != second->invoked_ns) return first->invoked_ns < second->invoked_ns ? -1 : 1;
    return (first->operation > second->operation) - (first->operation < second->operation);
}

static int by_return(const void *a, const void *b) {
    const struct step *const *first = a, *const *second = b;
    return ((*first)->returned_ns > (*second)->returned_ns) - ((*first)->returned_ns < (*second)->returned_ns);
}

/* Whatever ended before a step began is in the state that it saw. */
static void judge_real_time(struct world *world, const char *object, unsigned key, struct steps *steps) {
    const struct step **ended = sim_alloc((steps->count + 1) * sizeof *ended);
    qsort(steps->items, steps->count, sizeof *steps->items, by_invocation);
    for (size_t i = 0; i < steps->count; i++) ended[i] = &steps->items[i];
    qsort(ended, steps->count, sizeof *ended, by_return);
    uint64_t floor = 0;
    size_t next = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->items[i];
        for (; next < steps->count && ended[next]->returned_ns < step->invoked_ns; next++) {
            if (ended[next]->shows > floor) floor = ended[next]->shows;
        }
        uint64_t needs = floor + step->is_write;
        if (step->shows >= needs) continue;
        world_break(world, WORLD_BROKEN,
                    "not linearizable: %s %u: operation %" PRIu64 " shows %" PRIu64 " writes, but %" PRIu64
                    " had been acknowledged or read before it began",
                    object, key, step->operation, step->shows, floor);
    }
    sim_free(ended);
}

static void add_step(struct world *world, struct steps *steps, size_t number, uint64_t shows, bool is_write) {
    const struct world_operation *operation = &world->history[number];
    struct step *step = &steps->items[steps->count++];
    *step = (struct step){.invoked_ns = operation->invoked_ns,
                          .returned_ns = operation->outcome == WORLD_DONE ? operation->returned_ns : UINT64_MAX,
                          .shows = shows,
                          .is_write = is_write,
                          .operation = number};
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

static const struct world_operation *last_read(struct world *world, enum world_action action, unsigned key) {
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

static void judge_append(struct world *world, const struct world_operation *list, size_t number, struct steps *steps) {
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
    if (place != 0) add_step(world, steps, number, place, true);
}

static void judge_list_read(struct world *world, const struct world_operation *list, size_t number,
                            struct steps *steps) {
    const struct world_operation *operation = &world->history[number];
    if (operation->outcome != WORLD_DONE) return;
    bool is_beginning = operation->token_count <= list->token_count;
    for (size_t i = 0; is_beginning && i < operation->token_count; i++)
        is_beginning = operation->tokens[i] == list->tokens[i];
    if (!is_beginning) {
        world_break(world, WORLD_BROKEN, "operation %zu read what list %u never became: lost or reordered writes",
                    number, list->key);
    }
    add_step(world, steps, number, operation->token_count, false);
}

static void judge_list(struct world *world, unsigned key, struct steps *steps) {
    const struct world_operation *list = last_read(world, WORLD_READ_LIST, key);
    steps->count = 0;
    for (size_t i = 0; list != NULL && i < world->history_count; i++) {
        if (world->history[i].key != key) continue;
        if (world->history[i].action == WORLD_APPEND) judge_append(world, list, i, steps);
        if (world->history[i].action == WORLD_READ_LIST) judge_list_read(world, list, i, steps);
    }
    judge_real_time(world, "list", key, steps);
}

/* ---- Sums -------------------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    const int64_t *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

static void judge_sum_total(struct world *world, unsigned key, int64_t total, const int64_t *told, size_t count,
                            uint64_t maybe) {
    for (size_t i = 1; i < count; i++) {
        if (told[i] == told[i - 1]) {
            world_break(world, WORLD_BROKEN, "two increments of sum %u were told %" PRId64, key, told[i]);
        }
    }
    if ((count > 0 && told[count - 1] > total) || total < (int64_t)count || total > (int64_t)(count + maybe)) {
        world_break(world, WORLD_BROKEN,
                    "sum %u is %" PRId64 " after %zu acknowledged and %" PRIu64
                    " unknown increments (the greatest told %" PRId64 ")",
                    key, total, count, maybe, count > 0 ? told[count - 1] : 0);
    }
}

static void judge_sum(struct world *world, unsigned key, struct steps *steps) {
    const struct world_operation *last = last_read(world, WORLD_READ_SUM, key);
    int64_t *told = sim_alloc((world->history_count + 1) * sizeof *told);
    size_t count = 0;
    uint64_t maybe = 0;
    steps->count = 0;
    for (size_t i = 0; last != NULL && i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        bool is_add = operation->action == WORLD_ADD;
        if (operation->key != key || (!is_add && operation->action != WORLD_READ_SUM)) continue;
        if (is_add && operation->outcome != WORLD_DONE && operation->outcome != WORLD_REFUSED) maybe++;
        if (operation->outcome != WORLD_DONE) continue;
        if (is_add) told[count++] = operation->number;
        add_step(world, steps, i, (uint64_t)operation->number, is_add);
    }
    qsort(told, count, sizeof *told, by_number);
    if (last != NULL) judge_sum_total(world, key, last->number, told, count, maybe);
    judge_real_time(world, "sum", key, steps);
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

void world_history_judge(struct world *world) {
    struct steps steps = {.items = sim_alloc((world->history_count + 1) * sizeof *steps.items)};
    for (unsigned key = 0; key < WORLD_LISTS; key++) judge_list(world, key, &steps);
    for (unsigned key = 0; key < WORLD_SUMS; key++) judge_sum(world, key, &steps);
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        if (operation->outcome != WORLD_DONE) continue;
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
