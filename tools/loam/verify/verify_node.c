/*
 * verify_node: see verify_node.h. The log is read as `loam inspect --raft` reads it, the stores as `loam get` does.
 */
#include "tools/loam/verify/verify_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/inspect/raftview/raft_view.h"
#include "tools/loam/store_reading.h"
#include "tools/loamd/stores.h"

enum { TRIES_MAX = 40, TRIES_SAME = 4, PAUSE_NS = 10000000, WORDS_BYTES = IO_PATH_BYTES + RAFT_VIEW_TEXT_BYTES + 128 };

static void tell(const struct verify_node_teller *teller, const char *file, uint64_t offset, const char *text) {
    const struct engine_finding finding = {.status = STATUS_CORRUPT, .file = file, .offset = offset, .text = text};
    teller->report->findings++;
    teller->visit(teller->context, &finding);
}

/* ---- Superblock and log ------------------------------------------------------------------------------------------ */

static void tell_problem(const struct verify_node_teller *teller, const struct raft_view_problem *problem) {
    char words[WORDS_BYTES], lost[96] = "";
    const bool is_whole_file = problem->from == problem->to;
    if (problem->lost_from > 0 && problem->lost_to > 0)
        (void)snprintf(lost, sizeof lost, "; entries %" PRIu64 " to %" PRIu64 " are lost to this node",
                       problem->lost_from, problem->lost_to);
    else if (problem->lost_from > 0)
        (void)snprintf(lost, sizeof lost, "; entries from %" PRIu64 " on may be lost to this node", problem->lost_from);
    (void)snprintf(words, sizeof words, "%s%s%s%s", is_whole_file ? problem->path : "", is_whole_file ? ": " : "",
                   problem->text, lost);
    tell(teller, problem->path, problem->from, words);
}

static bool is_the_same(const struct raft_view *a, const struct raft_view *b) {
    if (a->problem_count != b->problem_count) return false;
    for (size_t i = 0; i < raft_view_problems_kept(a); i++)
        if (strcmp(a->problems[i].text, b->problems[i].text) != 0) return false;
    return true;
}

/* A node that runs writes and cuts its log meanwhile, and takes over snapshots. */
static enum status read_view(struct io *io, const char *dir, const struct stores *stores, struct raft_view **view,
                             struct error *error) {
    struct raft_view *last = NULL;
    enum status status = STATUS_OK;
    unsigned same = 0;
    for (unsigned i = 1; status == STATUS_OK; i++) {
        struct raft_view *next = calloc(1, sizeof *next);
        if (!next) {
            status = error_set(error, STATUS_NO_MEMORY, "out of memory");
            break;
        }
        status = raft_view_read(io, dir, stores->machines, stores->machine_count, next, error);
        same = last && status == STATUS_OK && is_the_same(last, next) ? same + 1 : 1;
        if (last) raft_view_deinit(last);
        free(last);
        last = next;
        if (status != STATUS_OK || next->verdict == RAFT_VIEW_CLEAN || i == TRIES_MAX || same == TRIES_SAME) break;
        io_sleep(io, PAUSE_NS);
    }
    *view = last;
    return status;
}

static void tell_view(const struct verify_node_teller *teller, const struct raft_view *view) {
    struct verify_node_report *report = teller->report;
    report->log_entries = view->entry_count + view->left_out;
    report->has_promise = view->slot != NULL;
    report->is_witness = view->slot && view->slot->is_witness;
    if (view->slot && view->has_store) (void)snprintf(report->store, sizeof report->store, "%s", view->store_path);
    for (size_t i = 0; i < raft_view_problems_kept(view); i++) {
        if (view->problems[i].verdict == RAFT_VIEW_CORRUPT)
            tell_problem(teller, &view->problems[i]);
        else
            report->is_torn = true;
    }
    if (view->problem_count > RAFT_VIEW_PROBLEMS_MAX) report->findings += view->problem_count - RAFT_VIEW_PROBLEMS_MAX;
}

enum status verify_node_log(struct io *io, const char *dir, const struct verify_node_teller *teller,
                            struct error *error) {
    struct stores stores;
    struct raft_view *view = NULL;
    enum status status = stores_init(&stores);
    if (status == STATUS_OK) status = read_view(io, dir, &stores, &view, error);
    if (status == STATUS_OK) tell_view(teller, view);
    if (view) raft_view_deinit(view);
    free(view);
    stores_deinit(&stores);
    return status;
}

/* ---- What the stores mean ---------------------------------------------------------------------------------------- */

static enum status verify_machine(const struct state_machine *machine, const struct names_view *view,
                                  const struct engine_snapshot *snapshot, struct error *error) {
    uint64_t hash;
    if (machine->verify) return machine->verify(machine->context, snapshot, view->log_time_ms, error);
    return machine->hash(machine->context, snapshot, view->log_time_ms, &hash);
}

/* Who is wrong is told; what comes back is why it could not be judged. */
static enum status judge_machines(const char *dir, const struct store_reading *reading, uint64_t applied,
                                  const struct engine_snapshot *snapshot, const struct verify_node_teller *teller,
                                  struct error *error) {
    for (size_t i = 0; i < reading->stores.machine_count; i++) {
        const struct state_machine *machine = &reading->stores.machines[i];
        struct error why = {.status = STATUS_OK};
        char words[ERROR_TEXT_BYTES + 64];
        const enum status status = verify_machine(machine, &reading->view, snapshot, &why);
        if (status == STATUS_OK) continue;
        (void)snprintf(words, sizeof words, "%s, as of entry %" PRIu64 ": %s", machine->name, applied,
                       why.text[0] ? why.text : status_text(status));
        if (status_class(status) != STATUS_CLASS_DAMAGE) return error_set(error, status, "%s: %s", dir, words);
        tell(teller, dir, 0, words);
    }
    return STATUS_OK;
}

/* A node that waits to be added has no trees yet. */
static enum status judge(const char *dir, const struct store_reading *reading, const struct verify_node_teller *teller,
                         struct error *error) {
    struct raft_reading_facts facts;
    struct engine_snapshot *snapshot = engine_snapshot_acquire(reading->engine);
    if (!snapshot) return error_set(error, STATUS_NO_MEMORY, "out of memory");
    raft_reading_get_facts(reading->node, &facts);
    teller->report->applied = facts.applied;
    teller->report->stores_were_read = true;
    const enum status status =
        facts.applied > 0 ? judge_machines(dir, reading, facts.applied, snapshot, teller, error) : STATUS_OK;
    engine_snapshot_release(reading->engine, snapshot);
    return status;
}

enum status verify_node_stores(const char *dir, const struct verify_node_teller *teller, struct error *error) {
    struct store_reading reading = {.is_silent = true};
    enum status status = store_reading_open(&reading, dir, error);
    if (status == STATUS_OK) {
        status = judge(dir, &reading, teller, error);
    } else if (status_class(status) == STATUS_CLASS_DAMAGE) {
        tell(teller, dir, 0, error->text);
        status = STATUS_OK;
    }
    store_reading_close(&reading);
    return status;
}
