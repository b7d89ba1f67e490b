/*
 * sim: a binary heap of events by (time, sequence), and the trace.
 */
#include "tools/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/sim_private.h"

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct sim *sim_create(uint64_t seed) {
    struct sim *sim = sim_alloc(sizeof *sim);
    sim->seed = seed;
    sim->hash = seed;
    prng_init(&sim->prng, seed);
    list_init(&sim->ios);
    net_init(&sim->net, seed);
    return sim;
}

void sim_destroy(struct sim *sim) {
    if (sim == NULL) return;
    check(list_is_empty(&sim->ios));
    net_deinit(&sim->net);
    sim_free(sim->heap);
    sim_free(sim);
}

uint64_t sim_seed(const struct sim *sim) {
    return sim->seed;
}

uint64_t sim_now_ns(const struct sim *sim) {
    return sim->now_ns;
}

struct prng *sim_prng(struct sim *sim) {
    return &sim->prng;
}

/* ---- Heap: heap[1] is first; heap[i]'s children are 2i and 2i + 1 ------------------------------------------------ */

static bool is_before(const struct sim_event *a, const struct sim_event *b) {
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->sequence < b->sequence;
}

static void heap_put(struct sim *sim, size_t place, struct sim_event *event) {
    sim->heap[place] = event;
    event->place = place;
}

static void heap_rise(struct sim *sim, struct sim_event *event, size_t place) {
    while (place > 1 && is_before(event, sim->heap[place / 2])) {
        heap_put(sim, place, sim->heap[place / 2]);
        place /= 2;
    }
    heap_put(sim, place, event);
}

static void heap_sink(struct sim *sim, struct sim_event *event, size_t place) {
    for (;;) {
        size_t child = 2 * place;
        if (child > sim->count) break;
        if (child < sim->count && is_before(sim->heap[child + 1], sim->heap[child])) child++;
        if (!is_before(sim->heap[child], event)) break;
        heap_put(sim, place, sim->heap[child]);
        place = child;
    }
    heap_put(sim, place, event);
}

static void heap_remove(struct sim *sim, struct sim_event *event) {
    size_t place = event->place;
    event->place = 0;
    struct sim_event *last = sim->heap[sim->count--];
    if (last == event) return;
    if (place > 1 && is_before(last, sim->heap[place / 2])) {
        heap_rise(sim, last, place);
    } else {
        heap_sink(sim, last, place);
    }
}

static void heap_reserve(struct sim *sim) {
    if (sim->count + 1 < sim->capacity) return;
    size_t grown = sim->capacity ? sim->capacity * 2 : 64;
    sim->heap = sim_grow(sim->heap, sim->capacity * sizeof(struct sim_event *), grown * sizeof(struct sim_event *));
    sim->capacity = grown;
}

void sim_schedule(struct sim *sim, struct sim_event *event, uint64_t at_ns) {
    check(event->fire != NULL);
    if (event->place != 0) heap_remove(sim, event);
    event->at_ns = at_ns > sim->now_ns ? at_ns : sim->now_ns;
    event->sequence = ++sim->sequence;
    heap_reserve(sim);
    heap_rise(sim, event, ++sim->count);
}

void sim_unschedule(struct sim *sim, struct sim_event *event) {
    if (event->place != 0) heap_remove(sim, event);
}

uint64_t sim_next_ns(const struct sim *sim) {
    return sim->count > 0 ? sim->heap[1]->at_ns : UINT64_MAX;
}

bool sim_step(struct sim *sim) {
    if (sim->count == 0) return false;
    struct sim_event *event = sim->heap[1];
    heap_remove(sim, event);
    sim_advance(sim, event->at_ns);
    sim->fired++;
    event->fire(event);
    return true;
}

void sim_advance(struct sim *sim, uint64_t at_ns) {
    if (at_ns > sim->now_ns) sim->now_ns = at_ns;
}

void sim_run_until(struct sim *sim, uint64_t at_ns) {
    while (sim_next_ns(sim) <= at_ns) sim_step(sim);
    sim_advance(sim, at_ns);
}

/* ---- Trace ------------------------------------------------------------------------------------------------------- */

void sim_set_trace(struct sim *sim, void (*line)(void *context, const char *text), void *context) {
    sim->trace = line;
    sim->trace_context = context;
}

bool sim_is_traced(const struct sim *sim) {
    return sim->trace != NULL;
}

static void trace_line(struct sim *sim, int node, const char *text) {
    char line[1200];
    char who[16] = "--";
    if (node >= 0) snprintf(who, sizeof who, "n%d", node);
    snprintf(line, sizeof line, "%" PRIu64 ".%09" PRIu64 " %s %s", sim->now_ns / 1000000000U, sim->now_ns % 1000000000U,
             who, text);
    sim->trace(sim->trace_context, line);
}

static void hash_in(struct sim *sim, int node, uint64_t number) {
    sim->hash = hash_mix(sim->hash ^ (uint64_t)(int64_t)node, sim->now_ns ^ number);
}

void sim_note(struct sim *sim, int node, const char *what, uint64_t a, uint64_t b) {
    hash_in(sim, node, hash_mix(hash64(slice_from_text(what), a), b));
    if (sim->trace == NULL) return;
    char text[256];
    snprintf(text, sizeof text, "%s %" PRIu64 " %" PRIu64, what, a, b);
    trace_line(sim, node, text);
}

void sim_note_text(struct sim *sim, int node, uint64_t number, const char *format, ...) {
    hash_in(sim, node, number);
    if (sim->trace == NULL) return;
    char text[1100];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    trace_line(sim, node, text);
}

uint64_t sim_hash(const struct sim *sim) {
    return sim->hash;
}

uint64_t sim_event_count(const struct sim *sim) {
    return sim->fired;
}

void sim_set_record(struct sim *sim, struct record *record) {
    sim->record = record;
}

struct record *sim_record(const struct sim *sim) {
    return sim->record;
}
