/*
 * raft_view_check: what superblock, log and store say of each other. Each contradiction is told at the part that is
 * wrong by the order in which a node writes: a term is durable before its entries, an entry before it is flushed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/inspect/raftview/raft_view.h"

static void superblock_path(const struct raft_view *view, char path[IO_PATH_BYTES]) {
    (void)snprintf(path, IO_PATH_BYTES, "%.*s/superblock", IO_PATH_BYTES - 16, view->dir);
}

/* Where the rows begin to be needed. */
static void settle_start(struct raft_view *view) {
    const bool reads_store = view->has_store && (view->store_status == STATUS_OK || view->store.index > 0);
    const bool is_new = !view->has_store && view->slot != NULL && view->slot->engine_number == 1;
    view->knows_start = reads_store || is_new;
    if (reads_store) {
        view->start = view->store.index;
        view->start_term = view->store.term;
    }
    if (view->slot && !view->log_is_foreign && view->slot->log_start > view->start) {
        view->start = view->slot->log_start;
        view->start_term = view->slot->log_start_term;
        view->knows_start = true;
    }
    view->commit = view->commit_note > view->store.index ? view->commit_note : view->store.index;
}

static void check_name(struct raft_view *view) {
    char path[IO_PATH_BYTES];
    uint64_t number = 0;
    if (!view->slot || sscanf(raft_view_name(view), "node-%" SCNu64, &number) != 1 || number == view->node_id) return;
    superblock_path(view, path);
    raft_view_add_problem(
        view, RAFT_VIEW_CORRUPT, path,
        "it is node %" PRIu64 "'s, and the directory has node %" PRIu64 "'s name: %s was moved or copied here",
        view->node_id, number, view->log_is_foreign ? "the superblock" : "the directory or parts of it");
}

static void check_parts(struct raft_view *view) {
    if (view->has_store && !view->has_log)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->log_path,
                              "the log is missing: entries behind %" PRIu64
                              ", which the store was flushed with, are lost to this node",
                              view->store.index);
    if (view->has_store && view->has_log && view->segment_count == 0)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->log_path,
                              "the log has no segment: entries behind %" PRIu64
                              ", which the store was flushed with, are lost to this node",
                              view->store.index);
    if (!view->has_log || view->has_store || view->entry_count == 0) return;
    const uint64_t first = view->entries[0].index;
    if (first == 1)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->store_path,
                              "the store is missing. The log begins with entry 1: if nothing was ever dropped from it, "
                              "all can be made from it anew");
    else
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->store_path,
                              "the store is missing, and the log begins with entry %" PRIu64
                              ": what was before is lost to this node",
                              first);
}

static void check_promise(struct raft_view *view) {
    char path[IO_PATH_BYTES];
    if (!view->slot || view->log_is_foreign || raft_view_last_term(view) <= view->slot->term) return;
    superblock_path(view, path);
    raft_view_add_problem(view, RAFT_VIEW_CORRUPT, path,
                          "it promises term %" PRIu64 ", and the %s has entries of term %" PRIu64
                          ": a term is made durable before its entries, so this superblock is older than the %s, or "
                          "another's",
                          view->slot->term, view->entry_count ? "log" : "store", raft_view_last_term(view),
                          view->entry_count ? "log" : "store");
}

static bool is_explained(const struct raft_view *view) {
    for (size_t i = 0; i < raft_view_problems_kept(view); i++)
        if (view->problems[i].lost_from > 0 || strcmp(view->problems[i].path, view->log_path) == 0) return true;
    return false;
}

static void check_store(struct raft_view *view) {
    const uint64_t store = view->store.index;
    if (view->log_is_foreign || view->entry_count == 0 || store == 0) return;
    const struct raft_view_entry *first = &view->entries[0];
    const struct raft_view_entry *mark = raft_view_find(view, store);
    if (mark && mark->term != view->store.term)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->store_path,
                              "it was flushed with entry %" PRIu64 " of term %" PRIu64 ", and the log has term %" PRIu64
                              " there: store and log are not of one history",
                              store, view->store.term, mark->term);
    if (first->index > view->start + 1 && view->left_out == 0 && !is_explained(view)) {
        struct raft_view_problem *problem = raft_view_add_problem(
            view, RAFT_VIEW_CORRUPT, view->log_path,
            "the log begins with entry %" PRIu64 ", and the store ends with %" PRIu64 ": what is between is missing",
            first->index, view->start);
        problem->lost_from = view->start + 1;
        problem->lost_to = first->index - 1;
    }
    if (raft_view_last(view) < store && !is_explained(view))
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->log_path,
                              "the log ends with entry %" PRIu64 ", and the store was flushed with %" PRIu64
                              ": the end of the log is missing, or the store is of a later time",
                              raft_view_last(view), store);
}

/* A store that is not there, and a log that does not begin with the first entry. */
static void check_begin(struct raft_view *view) {
    if (view->log_is_foreign || !view->knows_start || view->start > 0 || view->entry_count == 0 || view->left_out > 0)
        return;
    if (view->entries[0].index == 1 || is_explained(view) || !view->has_store) return;
    struct raft_view_problem *problem = raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->log_path,
                                                              "the log begins with entry %" PRIu64
                                                              ", and nothing was flushed: its beginning is missing",
                                                              view->entries[0].index);
    problem->lost_from = 1;
    problem->lost_to = view->entries[0].index - 1;
}

static void check_commit(struct raft_view *view) {
    const uint64_t last = raft_view_last(view);
    if (view->commit_note <= last || is_explained(view)) return;
    struct raft_view_problem *problem = raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->log_path,
                                                              "a note says that entries up to %" PRIu64
                                                              " are committed, and the log ends with %" PRIu64,
                                                              view->commit_note, last);
    problem->lost_from = last + 1;
    problem->lost_to = view->commit_note;
}

/* What the store holds is not lost. */
static void forgive_flushed(struct raft_view *view) {
    for (size_t i = 0; i < raft_view_problems_kept(view); i++) {
        struct raft_view_problem *problem = &view->problems[i];
        if (problem->lost_from == 0 || !view->knows_start || view->log_is_foreign) continue;
        if (problem->lost_from <= view->start) problem->lost_from = view->start + 1;
        if (problem->lost_to != 0 && problem->lost_to < problem->lost_from) problem->lost_from = problem->lost_to = 0;
    }
}

void raft_view_check(struct raft_view *view) {
    settle_start(view);
    check_name(view);
    check_parts(view);
    check_promise(view);
    check_store(view);
    check_begin(view);
    check_commit(view);
    forgive_flushed(view);
}
