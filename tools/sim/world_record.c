/*
 * world_record: what a world tells a record (record.h): its nodes after each turn and change of life, its faults as
 * they strike and are lifted, and beforehand when they will. Without a record each call ends at once.
 */
#include <stdio.h>
#include <string.h>

#include "tools/sim/record.h"
#include "tools/sim/world_private.h"

enum { RUNS_MAX = 24 };

/* ---- A node ------------------------------------------------------------------------------------------------------ */

/* Terms of a log, newest first while they are looked for. */
struct runs {
    uint64_t first[RUNS_MAX], term[RUNS_MAX];
    unsigned count;
};

static void find_runs(const struct world_node *node, struct runs *runs) {
    const struct world_node_kind *kind = node->world->options->nodes;
    runs->count = 0;
    for (uint64_t index = node->view.last_index; index > 0 && index >= node->view.first_index; index--) {
        const uint64_t term = kind->term_at(kind->context, node->handle, index);
        if (term == 0) return;
        if (runs->count == 0 || runs->term[runs->count - 1] != term) {
            if (runs->count == RUNS_MAX) return;
            runs->term[runs->count++] = term;
        }
        runs->first[runs->count - 1] = index;
    }
}

void world_node_terms(const struct world_node *node, char *text, size_t size) {
    struct runs runs;
    size_t at = 0;
    text[0] = '\0';
    if (!world_node_is_up(node)) return;
    find_runs(node, &runs);
    for (unsigned i = runs.count; i > 0 && at < size; i--) {
        const int printed = snprintf(text + at, size - at, "%s%llu:%llu", i < runs.count ? "," : "",
                                     (unsigned long long)runs.first[i - 1], (unsigned long long)runs.term[i - 1]);
        at += (size_t)printed;
    }
}

const char *world_node_condition(const struct world_node *node) {
    if (!world_node_is_up(node)) return "down";
    if (node->is_paused) return "paused";
    return node->has_view && node->view.is_halted ? "halted" : "up";
}

void world_node_look(const struct world_node *node, struct world_look *look) {
    const struct world_node_kind *kind = node->world->options->nodes;
    *look = (struct world_look){.role = ""};
    if (!world_node_is_up(node)) return;
    look->role = node->view.is_leader ? "leader" : "follower";
    if (kind->look != NULL) kind->look(kind->context, node->handle, look);
}

void world_record_node(const struct world_node *node) {
    struct record *record = sim_record(node->world->sim);
    char terms[RECORD_WORDS_BYTES];
    struct world_look look;
    if (record == NULL) return;
    world_node_look(node, &look);
    world_node_terms(node, terms, sizeof terms);
    const struct record_state state = {.condition = world_node_condition(node),
                                       .role = look.role,
                                       .term = node->view.term,
                                       .vote = look.vote,
                                       .leader = look.leader,
                                       .commit = node->view.commit,
                                       .applied = node->view.applied,
                                       .stable = look.stable,
                                       .first = node->view.first_index,
                                       .last = node->view.last_index,
                                       .unsynced = sim_disk_unsynced_sectors(node->disk),
                                       .terms = terms,
                                       .configuration = look.configuration};
    record_state(record, sim_now_ns(node->world->sim), (int)node->number - 1, &state);
}

void world_record_boot_failure(const struct world_node *node) {
    struct record *record = sim_record(node->world->sim);
    char line[300];
    if (record == NULL) return;
    (void)snprintf(line, sizeof line, "does not boot: %s", node->last_error);
    record_note(record, sim_now_ns(node->world->sim), (int)node->number - 1, line);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static void add_words(struct buf *text, const struct fault *fault, char *words, size_t size) {
    buf_clear(text);
    if (fault_print(text, fault) != STATUS_OK) buf_clear(text);
    (void)snprintf(words, size, "%.*s", (int)text->size, (const char *)text->data);
}

void world_record_strike(struct world *world, size_t number) {
    struct record *record = sim_record(world->sim);
    const struct fault *fault = &world->struck[number];
    struct buf text = BUF_EMPTY;
    if (record == NULL) return;
    struct record_fault told = {.from_ns = sim_now_ns(world->sim),
                                .is_moment = fault->for_ms == 0,
                                .kind = fault_kind_name(fault->kind),
                                .nodes = fault->nodes,
                                .others = fault->others,
                                .cuts = fault->kind == FAULT_PARTITION || fault->kind == FAULT_ONE_WAY,
                                .is_one_way = fault->kind == FAULT_ONE_WAY};
    add_words(&text, fault, told.words, sizeof told.words);
    world->recorded[number] = record_fault_begin(record, &told);
    buf_deinit(&text);
}

void world_record_lift(struct world *world, size_t number) {
    struct record *record = sim_record(world->sim);
    if (record != NULL) record_fault_end(record, world->recorded[number], sim_now_ns(world->sim));
}

void world_record_start(struct world *world) {
    struct record *record = world->options->record;
    sim_set_record(world->sim, record);
    if (record == NULL) return;
    for (size_t i = 0; i < world->plan->count; i++) {
        record_mark(record, world->plan->faults[i].at_ms * WORLD_MS);
        record_mark(record, (world->plan->faults[i].at_ms + world->plan->faults[i].for_ms) * WORLD_MS);
    }
    for (unsigned i = 0; i < world->plan->nodes; i++) world_record_node(&world->nodes[i]);
}

void world_record_stop(struct world *world) {
    struct record *record = sim_record(world->sim);
    if (record == NULL) return;
    sim_net_record_transit(world->sim);
    record_end(record, sim_now_ns(world->sim));
    sim_set_record(world->sim, NULL);
}
