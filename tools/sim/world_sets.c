/*
 * world_sets: what clients were told of series and of edges, each a set of tokens that writes add to, and ranges are
 * deleted from. A read shows the whole set. Judged in a time that grows with what was read:
 *
 *   - no read shows a token that nobody had written by then, one that was refused, one twice, or one that had surely
 *     been deleted; none misses one that had surely been written and that no delete can have taken
 *   - all last reads are equal, on every node; so are those along edges and against them: there is no half of an edge
 *   - samples that were written as one are read as one
 *   - where nothing is deleted, sets only grow: so all reads stand in one chain, which gives every read and write its
 *     place among the others, and real time agrees with it (linearizable)
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_action.h"
#include "tools/sim/world_private.h"

enum { SERIES_TOGETHER = 2 };

/* A kind of sets. */
struct kind {
    const char *name;
    enum world_action add, remove;
    enum world_action reads[3]; /* the first two are compared at the end */
    bool is_graph;
};

struct element {
    const struct world_operation *write;
    size_t number;  /* of the write in the history */
    int64_t place;  /* what ranges of deletes are compared with */
    uint64_t since; /* in the chain: the first state with it; 0 = none */
};

struct reading {
    const struct world_operation *operation;
    size_t number;
    const uint64_t *tokens;
    size_t count;
};

/* One set, and all that concerned it. */
struct set {
    struct world *world;
    const struct kind *kind;
    unsigned key;
    struct element *elements; /* ascending tokens: in the order of asking */
    size_t element_count;
    const struct world_operation **removes;
    size_t remove_count;
    struct reading *readings;
    size_t reading_count;
};

/* ---- Collecting -------------------------------------------------------------------------------------------------- */

static void note_write(struct set *set, const struct world_operation *operation, size_t number) {
    bool is_two = !set->kind->is_graph && operation->action == WORLD_SERIES_ADD_TWO && set->key < SERIES_TOGETHER;
    if (!is_two && (operation->action != set->kind->add || operation->key != set->key)) return;
    int64_t place = set->kind->is_graph ? (int64_t)operation->token : world_series_time(operation->token);
    set->elements[set->element_count++] = (struct element){.write = operation, .number = number, .place = place};
}

static void note_reading(struct set *set, const struct world_operation *operation, size_t number) {
    if (operation->outcome != WORLD_DONE) return;
    struct reading reading = {operation, number, operation->tokens, operation->token_count};
    bool is_two = !set->kind->is_graph && operation->action == WORLD_SERIES_READ_TWO && set->key < SERIES_TOGETHER;
    bool is_one = false;
    for (int i = 0; i < 3; i++) is_one = is_one || operation->action == set->kind->reads[i];
    if (is_two) {
        reading.tokens = operation->tokens + (set->key == 0 ? 0 : operation->split);
        reading.count = set->key == 0 ? operation->split : operation->token_count - operation->split;
    } else if (!is_one || operation->key != set->key) {
        return;
    }
    set->readings[set->reading_count++] = reading;
}

static void collect(struct set *set) {
    struct world *world = set->world;
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        note_write(set, operation, i);
        note_reading(set, operation, i);
        if (operation->action == set->kind->remove && operation->key == set->key)
            set->removes[set->remove_count++] = operation;
    }
}

/* ---- Each read alone --------------------------------------------------------------------------------------------- */

static bool covers(const struct world_operation *remove, const struct element *element) {
    return element->place >= remove->from && element->place <= remove->to;
}

static bool is_surely_removed(const struct set *set, const struct element *element,
                              const struct world_operation *read) {
    for (size_t i = 0; i < set->remove_count; i++) {
        const struct world_operation *remove = set->removes[i];
        if (remove->outcome != WORLD_DONE || element->write->outcome != WORLD_DONE || !covers(remove, element))
            continue;
        if (remove->invoked_ns > element->write->returned_ns && remove->returned_ns < read->invoked_ns) return true;
    }
    return false;
}

static bool may_be_removed(const struct set *set, const struct element *element, const struct world_operation *read) {
    for (size_t i = 0; i < set->remove_count; i++) {
        const struct world_operation *remove = set->removes[i];
        if (remove->outcome == WORLD_REFUSED || !covers(remove, element)) continue;
        if (remove->invoked_ns > read->returned_ns) continue;
        if (remove->outcome != WORLD_DONE || remove->returned_ns > element->write->invoked_ns) return true;
    }
    return false;
}

static const char *judge_shown(const struct set *set, const struct element *element,
                               const struct world_operation *read) {
    if (element->write->invoked_ns > read->returned_ns) return "what nobody had written";
    if (element->write->outcome == WORLD_REFUSED) return "what was answered as not applied";
    return is_surely_removed(set, element, read) ? "what had been deleted before it began" : NULL;
}

static const char *judge_missing(const struct set *set, const struct element *element,
                                 const struct world_operation *read) {
    if (element->write->outcome != WORLD_DONE || element->write->returned_ns >= read->invoked_ns) return NULL;
    return may_be_removed(set, element, read) ? NULL : "not what had been acknowledged: a write is lost";
}

static void complain(const struct set *set, const struct reading *reading, uint64_t token, const char *what) {
    world_break(set->world, WORLD_BROKEN, "operation %zu of client %u ('%s') read from %s %u %s (token %" PRIu64 ")",
                reading->number, reading->operation->client, world_action_row(reading->operation->action)->name,
                set->kind->name, set->key, what, token);
}

static void judge_reading(const struct set *set, const struct reading *reading) {
    size_t next = 0;
    for (size_t i = 0; i < set->element_count; i++) {
        const struct element *element = &set->elements[i];
        uint64_t token = element->write->token;
        if (next < reading->count && reading->tokens[next] < token) break; /* nobody's: below */
        bool is_shown = next < reading->count && reading->tokens[next] == token;
        const char *what =
            is_shown ? judge_shown(set, element, reading->operation) : judge_missing(set, element, reading->operation);
        next += is_shown;
        if (next > 0 && next < reading->count && reading->tokens[next] == reading->tokens[next - 1])
            what = "something twice: a write was applied twice";
        if (what == NULL) continue;
        complain(set, reading, token, what);
        return;
    }
    if (next < reading->count) complain(set, reading, reading->tokens[next], "what nobody had written");
}

/* ---- Pairs ------------------------------------------------------------------------------------------------------- */

/* All pairs of what one snapshot holds: a square, of as many as may have been there. */
static void judge_pairs(const struct set *set, const struct world_operation *read, size_t number) {
    uint64_t least = 0, most = 0, root = 0;
    for (size_t i = 0; i < set->element_count; i++) {
        const struct world_operation *write = set->elements[i].write;
        least += write->outcome == WORLD_DONE && write->returned_ns < read->invoked_ns;
        most += write->outcome != WORLD_REFUSED && write->invoked_ns < read->returned_ns;
    }
    if (set->remove_count > 0) least = 0;
    while ((root + 1) * (root + 1) <= (uint64_t)read->number) root++;
    if (root * root == (uint64_t)read->number && root >= least && root <= most) return;
    world_break(set->world, WORLD_BROKEN,
                "operation %zu of client %u counted %" PRId64 " pairs of %s %u, which had %" PRIu64 " to %" PRIu64,
                number, read->client, read->number, set->kind->name, set->key, least, most);
}

static void judge_all_pairs(const struct set *set) {
    const struct world *world = set->world;
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *operation = &world->history[i];
        bool is_pairs = operation->action == WORLD_EDGES_SQUARED && operation->outcome == WORLD_DONE;
        if (is_pairs && operation->key == set->key) judge_pairs(set, operation, i);
    }
}

/* ---- The chain --------------------------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b) {
    const struct reading *first = a, *second = b;
    if (first->count != second->count) return first->count < second->count ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* Gives `state` to what the greater one has and the lesser has not. False: it is not greater. */
static bool grow(struct set *set, const struct reading *lesser, const struct reading *greater, uint64_t state) {
    size_t known = 0, element = 0;
    for (size_t i = 0; i < greater->count; i++) {
        while (set->elements[element].write->token < greater->tokens[i]) element++;
        bool is_known = lesser != NULL && known < lesser->count && lesser->tokens[known] == greater->tokens[i];
        if (is_known)
            known++;
        else
            set->elements[element].since = state;
    }
    return lesser == NULL || known == lesser->count;
}

/* States of the chain are even; writes lie between them. */
static void judge_chain(struct set *set, struct world_steps *steps) {
    const struct reading *lesser = NULL;
    uint64_t state = 0;
    steps->count = 0;
    qsort(set->readings, set->reading_count, sizeof *set->readings, by_count);
    for (size_t i = 0; i < set->reading_count; i++) {
        const struct reading *reading = &set->readings[i];
        if (lesser == NULL || reading->count > lesser->count) state += 2;
        if (!grow(set, lesser, reading, state)) {
            complain(set, reading, 0, "a state that has no place among the others that were read");
            return;
        }
        world_steps_add(set->world, steps, reading->number, state, 0);
        lesser = reading;
    }
    for (size_t i = 0; i < set->element_count; i++) {
        const struct element *element = &set->elements[i];
        if (element->since != 0) world_steps_add(set->world, steps, element->number, element->since - 1, 0);
    }
    world_steps_judge(set->world, set->kind->name, set->key, steps);
}

/* ---- All sets ---------------------------------------------------------------------------------------------------- */

static void judge_last(struct set *set) {
    const struct world_operation *last[2];
    for (int i = 0; i < 2; i++) last[i] = world_last_read(set->world, set->kind->reads[i], set->key);
    if (last[0] == NULL || last[1] == NULL) return;
    size_t count = last[0]->token_count;
    bool is_same = count == last[1]->token_count;
    if (is_same && count > 0) is_same = memcmp(last[0]->tokens, last[1]->tokens, count * sizeof(uint64_t)) == 0;
    if (is_same) return;
    world_break(set->world, WORLD_BROKEN, "%s %u: '%s' and '%s' show different sets at the end", set->kind->name,
                set->key, world_action_row(last[0]->action)->name, world_action_row(last[1]->action)->name);
}

static void judge_set(struct world *world, const struct kind *kind, unsigned key, struct world_steps *steps) {
    size_t room = world->history_count + 1;
    struct set set = {.world = world,
                      .kind = kind,
                      .key = key,
                      .elements = sim_alloc(room * sizeof *set.elements),
                      .removes = sim_alloc(room * sizeof *set.removes),
                      .readings = sim_alloc(room * sizeof *set.readings)};
    collect(&set);
    for (size_t i = 0; i < set.reading_count; i++) judge_reading(&set, &set.readings[i]);
    judge_last(&set);
    if (kind->is_graph) judge_all_pairs(&set);
    if (set.remove_count == 0 && world->report->verdict == WORLD_KEPT) judge_chain(&set, steps);
    sim_free(set.elements);
    sim_free(set.removes);
    sim_free(set.readings);
}

static bool holds(const uint64_t *tokens, size_t count, uint64_t token) {
    size_t low = 0, end = count;
    while (count > 0) {
        size_t half = count / 2;
        if (tokens[low + half] < token) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low < end && tokens[low] == token;
}

/* Both samples of a write, or none. */
static void judge_together(struct world *world) {
    (void)world_last_read(world, WORLD_SERIES_READ_TWO, 0);
    for (size_t i = 0; i < world->history_count; i++) {
        const struct world_operation *read = &world->history[i];
        if (read->action != WORLD_SERIES_READ_TWO || read->outcome != WORLD_DONE || read->tokens == NULL) continue;
        for (size_t j = 0; j < world->history_count; j++) {
            const struct world_operation *write = &world->history[j];
            if (write->action != WORLD_SERIES_ADD_TWO) continue;
            bool first = holds(read->tokens, read->split, write->token);
            bool second = holds(read->tokens + read->split, read->token_count - read->split, write->token);
            if (first == second) continue;
            world_break(world, WORLD_BROKEN,
                        "operation %zu read one of two samples that were written as one (token %" PRIu64 ")", i,
                        write->token);
        }
    }
}

void world_sets_judge(struct world *world, struct world_steps *steps) {
    static const struct kind series = {.name = "series",
                                       .add = WORLD_SERIES_ADD,
                                       .remove = WORLD_SERIES_DELETE,
                                       .reads = {WORLD_SERIES_READ, WORLD_SERIES_READ_BACK, WORLD_SERIES_READ_BACK}};
    static const struct kind edges = {.name = "edges of hub",
                                      .add = WORLD_EDGE_ADD,
                                      .remove = WORLD_EDGE_DELETE,
                                      .reads = {WORLD_EDGES_OUT, WORLD_EDGES_IN, WORLD_EDGES_IN},
                                      .is_graph = true};
    for (unsigned key = 0; key < world_action_row(WORLD_SERIES_ADD)->keys; key++) judge_set(world, &series, key, steps);
    for (unsigned key = 0; key < world_action_row(WORLD_EDGE_ADD)->keys; key++) judge_set(world, &edges, key, steps);
    judge_together(world);
}
