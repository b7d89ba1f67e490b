/* step_show: what there is to see between two events (step.h). Nothing here changes the run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/step/step.h"
#include "tools/sim/server_node.h"
#include "tools/sim/sim_io.h"
#include "tools/sim/sim_net.h"
#include "tools/sim/world_action.h"

enum { ENTRIES_SHOWN = 20, HISTORY_SHOWN = 10 };

static const double second_ns = 1e9;

static const char *name_of(const struct stepper *stepper, int machine, char name[16]) {
    if (machine == (int)stepper->plan->nodes)
        (void)snprintf(name, 16, "c");
    else
        (void)snprintf(name, 16, "%d", machine + 1);
    return name;
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

struct listing {
    const struct stepper *stepper;
    int machine; /* -1: all */
    unsigned count;
};

static void print_frame(void *context, const struct sim_frame_sight *frame) {
    struct listing *listing = context;
    const struct stepper *stepper = listing->stepper;
    struct record_words words;
    char names[2][16];
    if (listing->machine >= 0 && frame->from != listing->machine && frame->to != listing->machine) return;
    server_node_describe(frame->bytes, &words);
    (void)printf("  %" PRIu64 "  %s > %s  %s", frame->number, name_of(stepper, frame->from, names[0]),
                 name_of(stepper, frame->to, names[1]), words.kind);
    if (words.term > 0) (void)printf(" of term %" PRIu64, words.term);
    (void)printf("%s%s; sent %.6f s, due %.6f s\n", words.words[0] ? ": " : "", words.words,
                 (double)frame->sent_ns / second_ns, (double)frame->arrives_ns / second_ns);
    listing->count++;
}

static void messages(struct stepper *stepper, char *const *words, int count) {
    struct listing listing = {.stepper = stepper, .machine = -1};
    unsigned node;
    if (count > 0) {
        if (!step_read_node(stepper, words[0], &node)) return;
        listing.machine = (int)node - 1;
    }
    sim_net_visit_frames(stepper->sim, print_frame, &listing);
    if (listing.count == 0) (void)puts("  none on its way");
}

/* ---- A node ------------------------------------------------------------------------------------------------------ */

static void print_operation(void *context, const struct sim_operation_sight *operation) {
    unsigned *count = context;
    (void)printf("  under way  %s of %s, %" PRIu64 "+%" PRIu64 ", due %.6f s\n", operation->what, operation->path,
                 operation->offset, operation->size, (double)operation->ends_ns / second_ns);
    ++*count;
}

static void print_connection(void *context, const struct sim_connection_sight *connection) {
    struct listing *listing = context;
    char names[2][16];
    if (connection->from != listing->machine && connection->to != listing->machine) return;
    if (!connection->is_open) return;
    (void)printf("%s%s > %s", listing->count++ > 0 ? ", " : "", name_of(listing->stepper, connection->from, names[0]),
                 name_of(listing->stepper, connection->to, names[1]));
    if (connection->segments_out + connection->segments_back > 0)
        (void)printf(" (%zu under way)", connection->segments_out + connection->segments_back);
}

static void print_cuts(const struct stepper *stepper, unsigned node) {
    for (unsigned other = 0; other <= stepper->plan->nodes; other++) {
        char name[16] = "c";
        if (other == node) continue;
        if (other != WORLD_CLIENTS) (void)snprintf(name, sizeof name, "%u", other);
        if (world_hand_is_cut(stepper->world, node, other)) (void)printf("  cut        %u > %s\n", node, name);
        if (world_hand_is_cut(stepper->world, other, node)) (void)printf("  cut        %s > %u\n", name, node);
    }
}

static void print_raft(const struct world_sight *sight) {
    const struct world_view *view = &sight->view;
    (void)printf("  role       %s\n  term       %" PRIu64 ", voted for %" PRIu64 ", leader %" PRIu64 " (0: none)\n",
                 sight->look.role, view->term, sight->look.vote, sight->look.leader);
    (void)printf("  log        %" PRIu64 "..%" PRIu64 ", durable up to %" PRIu64 "\n", view->first_index,
                 view->last_index, sight->look.stable);
    (void)printf("  terms      %s (first entry:term)\n", sight->terms[0] ? sight->terms : "-");
    (void)printf("  commit     %" PRIu64 ", applied %" PRIu64 ", state %016" PRIx64 "\n", view->commit, view->applied,
                 view->state_hash);
    (void)printf("  members    %s\n", sight->look.configuration);
}

static void print_node(const struct stepper *stepper, unsigned node) {
    struct world_sight sight;
    struct listing connections = {.stepper = stepper, .machine = (int)node - 1};
    struct listing frames = connections;
    unsigned operations = 0;
    world_hand_look(stepper->world, node, &sight);
    (void)printf("node %u is %s%s, booted %u times%s%s\n", node, sight.condition, sight.is_held ? " by hand" : "",
                 sight.boots, sight.last_error[0] ? "; last failure: " : "", sight.last_error);
    if (strcmp(sight.condition, "down") != 0) print_raft(&sight);
    (void)printf("  disk       %" PRIu64 " bytes, %" PRIu64 " sectors not synced\n", sight.disk_bytes,
                 sight.unsynced_sectors);
    if (sight.io != NULL) sim_io_visit_operations(sight.io, print_operation, &operations);
    (void)printf("  connected  ");
    sim_net_visit_connections(stepper->sim, print_connection, &connections);
    (void)puts(connections.count > 0 ? "" : "to nobody");
    print_cuts(stepper, node);
    (void)puts("  messages on their way:");
    sim_net_visit_frames(stepper->sim, print_frame, &frames);
    if (frames.count == 0) (void)puts("  none");
}

static void print_all(const struct stepper *stepper) {
    for (unsigned node = 1; node <= stepper->plan->nodes; node++) {
        struct world_sight sight;
        world_hand_look(stepper->world, node, &sight);
        (void)printf("  node %u  %-6s  %-13s term %" PRIu64 ", log %" PRIu64 "..%" PRIu64 ", commit %" PRIu64
                     ", applied %" PRIu64 "\n",
                     node, sight.condition, sight.look.role, sight.view.term, sight.view.first_index,
                     sight.view.last_index, sight.view.commit, sight.view.applied);
    }
}

static void show(struct stepper *stepper, char *const *words, int count) {
    unsigned node;
    if (count == 0)
        print_all(stepper);
    else if (step_read_node(stepper, words[0], &node))
        print_node(stepper, node);
}

/* ---- A log ------------------------------------------------------------------------------------------------------- */

static void print_entry(const struct stepper *stepper, unsigned node, const struct world_sight *sight, uint64_t index) {
    const uint64_t term = world_hand_term_at(stepper->world, node, index);
    if (term == 0) {
        (void)printf("  %" PRIu64 "  not there\n", index);
        return;
    }
    (void)printf("  %" PRIu64 "  term %" PRIu64 "%s%s%s\n", index, term,
                 index <= sight->look.stable ? "" : ", not durable", index <= sight->view.commit ? ", committed" : "",
                 index <= sight->view.applied ? ", applied" : "");
}

static void show_log(struct stepper *stepper, char *const *words, int count) {
    struct world_sight sight;
    uint64_t from = 0, to = 0;
    unsigned node;
    if (!step_read_node(stepper, words[0], &node)) return;
    world_hand_look(stepper->world, node, &sight);
    if (strcmp(sight.condition, "down") == 0) {
        step_complain(stepper, "node %u is down", node);
        return;
    }
    if (count > 1 && !step_read_number(stepper, words[1], &from)) return;
    if (count > 2 && !step_read_number(stepper, words[2], &to)) return;
    if (count < 3 || to > sight.view.last_index) to = sight.view.last_index;
    if (count < 2) from = to > ENTRIES_SHOWN ? to - ENTRIES_SHOWN + 1 : 1;
    if (from < sight.view.first_index) from = sight.view.first_index;
    if (from > to) (void)puts("  no entry");
    for (uint64_t index = from; index <= to; index++) print_entry(stepper, node, &sight, index);
}

/* ---- The plan, the clients --------------------------------------------------------------------------------------- */

static void faults(struct stepper *stepper, char *const *words, int count) {
    static const char *const phases[] = {"comes", "holds", "over"};
    struct buf text = BUF_EMPTY;
    (void)words;
    (void)count;
    for (size_t i = 0; i < world_hand_fault_count(stepper->world); i++) {
        enum world_fault_phase phase;
        const struct fault *fault = world_hand_fault(stepper->world, i, &phase);
        buf_clear(&text);
        if (fault_print(&text, fault) == STATUS_OK)
            (void)printf("  %-5s  %.*s\n", phases[phase], (int)text.size, (const char *)text.data);
    }
    buf_deinit(&text);
}

static void history(struct stepper *stepper, char *const *words, int count) {
    static const char *const outcomes[] = {"no answer yet", "done", "refused", "outcome unknown"};
    const struct world_operation *all;
    const size_t there = world_hand_history(stepper->world, &all);
    uint64_t wanted = HISTORY_SHOWN;
    if (count > 0 && !step_read_number(stepper, words[0], &wanted)) return;
    for (size_t i = there > wanted ? there - (size_t)wanted : 0; i < there; i++) {
        const struct world_operation *operation = &all[i];
        (void)printf("  %.6f s  client %u  %s %u", (double)operation->invoked_ns / second_ns, operation->client,
                     world_action_row(operation->action)->name, operation->key);
        if (operation->token > 0) (void)printf(", writes %" PRIu64, operation->token);
        (void)printf(": %s\n", outcomes[operation->outcome]);
    }
    if (there == 0) (void)puts("  nothing was asked yet");
}

const struct step_command step_show_commands[] = {
    {"show", "[NODE]", "all nodes in a line each, or one with its log, disk, connections and messages", 0, 1, show},
    {"log", "NODE [FROM [TO]]", "entries with their terms and marks; the newest unless told", 1, 3, show_log},
    {"messages", "[NODE]", "what is on its way, with numbers for drop and repeat", 0, 1, messages},
    {"faults", "", "the plan: what is over, what holds, what comes", 0, 0, faults},
    {"history", "[N]", "what clients asked last", 0, 1, history},
    {0},
};
