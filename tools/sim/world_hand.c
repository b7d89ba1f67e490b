#include "tools/sim/world_hand.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"
#include "tools/sim/world_private.h"

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

void world_hand_look(const struct world *world, unsigned number, struct world_sight *sight) {
    const struct world_node *node = &world->nodes[number - 1];
    *sight = (struct world_sight){.condition = world_node_condition(node),
                                  .view = node->view,
                                  .last_error = node->last_error,
                                  .boots = node->boots,
                                  .disk_bytes = sim_disk_used_bytes(node->disk),
                                  .unsynced_sectors = sim_disk_unsynced_sectors(node->disk),
                                  .disk = node->disk,
                                  .io = node->io,
                                  .is_held = node->is_held};
    world_node_look(node, &sight->look);
    world_node_terms(node, sight->terms, sizeof sight->terms);
}

uint64_t world_hand_term_at(const struct world *world, unsigned number, uint64_t index) {
    const struct world_node *node = &world->nodes[number - 1];
    const struct world_node_kind *kind = world->options->nodes;
    return world_node_is_up(node) ? kind->term_at(kind->context, node->handle, index) : 0;
}

struct sim *world_hand_sim(const struct world *world) {
    return world->sim;
}

const struct world_report *world_hand_report(const struct world *world) {
    return world->report;
}

uint64_t world_hand_leader_term(const struct world *world) {
    return world->ledger.last_leader_term;
}

size_t world_hand_fault_count(const struct world *world) {
    return world->plan->count;
}

const struct fault *world_hand_fault(const struct world *world, size_t number, enum world_fault_phase *phase) {
    const bool has_struck = !sim_is_scheduled(&world->strikes[number]);
    *phase = !has_struck ? WORLD_FAULT_COMES : world->is_active[number] ? WORLD_FAULT_HOLDS : WORLD_FAULT_OVER;
    return has_struck ? &world->struck[number] : &world->plan->faults[number];
}

/* Of a machine in the tables of links. */
static unsigned index_of(const struct world *world, unsigned number) {
    return number == WORLD_CLIENTS ? world->plan->nodes : number - 1;
}

bool world_hand_is_cut(const struct world *world, unsigned from, unsigned to) {
    struct sim_link link;
    sim_net_get_link(world->sim, (int)index_of(world, from), (int)index_of(world, to), &link);
    return link.is_cut;
}

size_t world_hand_history(const struct world *world, const struct world_operation **operations) {
    *operations = world->history;
    return world->history_count;
}

/* ---- Interfering ------------------------------------------------------------------------------------------------- */

static uint32_t bit_of(unsigned number) {
    return 1U << (number == WORLD_CLIENTS ? (unsigned)FAULT_CLIENTS_BIT : number - 1);
}

/* Into the trace, and among the faults of a record: its number there. */
__attribute__((format(printf, 3, 4))) static size_t tell(struct world *world, const struct record_fault *kind,
                                                         const char *format, ...) {
    struct record *record = sim_record(world->sim);
    struct record_fault fault = *kind;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault.words, sizeof fault.words, format, arguments);
    va_end(arguments);
    sim_note_text(world->sim, SIM_NOBODY, hash64(slice_from_text(fault.words), 0), "by hand: %s", fault.words);
    world_give_time(world);
    fault.kind = "by hand";
    fault.from_ns = sim_now_ns(world->sim);
    return record != NULL ? record_fault_begin(record, &fault) : SIZE_MAX;
}

static void tell_node(struct world *world, unsigned number, const char *what) {
    const struct record_fault fault = {.is_moment = true, .nodes = bit_of(number)};
    (void)tell(world, &fault, "%s node %u", what, number);
}

static const char is_over[] = "the run is over";

const char *world_hand_kill(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number - 1];
    if (world->is_over) return is_over;
    if (node->is_held) return "it is down by hand already";
    tell_node(world, number, "kill");
    node->is_held = true;
    world_node_kill(node, 0);
    sim_unschedule(world->sim, &node->boot);
    return NULL;
}

const char *world_hand_power(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number - 1];
    if (world->is_over) return is_over;
    if (node->is_held) return "it is down by hand already";
    tell_node(world, number, "cut the power of");
    node->is_held = true;
    world_node_power_cut(node, SIM_CUT_RANDOM, 0);
    sim_unschedule(world->sim, &node->boot);
    return NULL;
}

const char *world_hand_boot(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number - 1];
    if (world->is_over) return is_over;
    if (world_node_is_up(node)) return "it is up";
    tell_node(world, number, "boot");
    node->is_held = false;
    world_node_boot_now(node);
    return NULL;
}

const char *world_hand_pause(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number - 1];
    if (world->is_over) return is_over;
    if (!world_node_is_up(node)) return "it is down";
    if (node->is_stopped) return "it is paused by hand already";
    tell_node(world, number, "pause");
    node->is_stopped = true;
    world_faults_refresh_node(world, node);
    return NULL;
}

const char *world_hand_resume(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number - 1];
    if (world->is_over) return is_over;
    if (!node->is_stopped) return "it is not paused by hand";
    tell_node(world, number, "resume");
    node->is_stopped = false;
    world_faults_refresh_node(world, node);
    return NULL;
}

const char *world_hand_fail_write(struct world *world, unsigned number) {
    if (world->is_over) return is_over;
    tell_node(world, number, "fail a write of");
    sim_disk_fail_write(world->nodes[number - 1].disk);
    return NULL;
}

const char *world_hand_fail_sync(struct world *world, unsigned number) {
    if (world->is_over) return is_over;
    tell_node(world, number, "fail a sync of");
    sim_disk_fail_sync(world->nodes[number - 1].disk);
    return NULL;
}

static void name_of(unsigned number, char name[16]) {
    if (number == WORLD_CLIENTS)
        (void)snprintf(name, 16, "clients");
    else
        (void)snprintf(name, 16, "%u", number);
}

const char *world_hand_cut(struct world *world, unsigned from, unsigned to) {
    const unsigned a = index_of(world, from), b = index_of(world, to);
    const struct record_fault fault = {.nodes = bit_of(from), .others = bit_of(to), .cuts = true, .is_one_way = true};
    char names[2][16];
    if (world->is_over) return is_over;
    if (a == b) return "a machine has no link to itself";
    if (world->hand_cut[a][b]) return "it is cut by hand already";
    name_of(from, names[0]);
    name_of(to, names[1]);
    world->hand_recorded[a][b] = tell(world, &fault, "cut %s > %s", names[0], names[1]);
    world->hand_cut[a][b] = true;
    world_faults_refresh(world);
    return NULL;
}

const char *world_hand_heal(struct world *world, unsigned from, unsigned to) {
    const unsigned a = index_of(world, from), b = index_of(world, to);
    struct record *record = sim_record(world->sim);
    char names[2][16];
    if (world->is_over) return is_over;
    if (!world->hand_cut[a][b]) return "it is not cut by hand";
    name_of(from, names[0]);
    name_of(to, names[1]);
    sim_note_text(world->sim, SIM_NOBODY, (uint64_t)a << 8 | b, "by hand: heal %s > %s", names[0], names[1]);
    world_give_time(world);
    if (record != NULL) record_fault_end(record, world->hand_recorded[a][b], sim_now_ns(world->sim));
    world->hand_cut[a][b] = false;
    world_faults_refresh(world);
    return NULL;
}

static const char no_frame[] = "no such message is on its way";

struct search {
    uint64_t number;
    struct sim_frame_sight found;
};

static void match(void *context, const struct sim_frame_sight *frame) {
    struct search *search = context;
    if (frame->number == search->number) search->found = *frame;
}

/* Told before it is done: the record's moment is that of the frame. */
static bool tell_frame(struct world *world, uint64_t number, const char *what) {
    struct search search = {.number = number};
    sim_net_visit_frames(world->sim, match, &search);
    if (search.found.number == 0) return false;
    const struct record_fault fault = {
        .is_moment = true, .nodes = 1U << search.found.from, .others = 1U << search.found.to};
    (void)tell(world, &fault, "%s message %llu, %d > %d", what, (unsigned long long)number, search.found.from + 1,
               search.found.to + 1);
    return true;
}

const char *world_hand_drop(struct world *world, uint64_t frame) {
    if (world->is_over) return is_over;
    if (!tell_frame(world, frame, "drop")) return no_frame;
    (void)sim_net_drop_frame(world->sim, frame);
    return NULL;
}

const char *world_hand_repeat(struct world *world, uint64_t frame, uint64_t *copy) {
    if (world->is_over) return is_over;
    if (!tell_frame(world, frame, "repeat")) return no_frame;
    (void)sim_net_repeat_frame(world->sim, frame, copy);
    return NULL;
}
