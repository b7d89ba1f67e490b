/* raft_view: see raft_view.h. The rows, and what is asked of them. */
#include "tools/loam/inspect/raftview/raft_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_FIRST = 1024 };

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* The older half goes. */
static void leave_out(struct raft_view *view) {
    const size_t gone = view->entry_count / 2;
    view->left_out += gone;
    view->entry_count -= gone;
    memmove(view->entries, view->entries + gone, view->entry_count * sizeof *view->entries);
}

static enum status make_room(struct raft_view *view) {
    if (view->entry_count < view->entry_room) return STATUS_OK;
    if (view->entry_count >= RAFT_VIEW_ENTRIES_MAX) {
        leave_out(view);
        return STATUS_OK;
    }
    const size_t room = view->entry_room ? view->entry_room * 2 : ROWS_FIRST;
    struct raft_view_entry *grown = realloc(view->entries, room * sizeof *grown);
    if (!grown) return STATUS_NO_MEMORY;
    view->entries = grown;
    view->entry_room = room;
    return STATUS_OK;
}

void raft_view_cut(struct raft_view *view, uint64_t index) {
    const size_t kept = raft_view_seek(view, index);
    view->cut_entries += view->entry_count - kept;
    view->entry_count = kept;
    while (view->configuration_count > 0 && view->configurations[view->configuration_count - 1].index >= index)
        view->configuration_count--;
}

enum status raft_view_add_entry(struct raft_view *view, const struct raft_view_entry *entry) {
    if (view->entry_count > 0 && entry->index <= view->entries[view->entry_count - 1].index)
        raft_view_cut(view, entry->index);
    const enum status status = make_room(view);
    if (status == STATUS_OK) view->entries[view->entry_count++] = *entry;
    return status;
}

size_t raft_view_seek(const struct raft_view *view, uint64_t index) {
    size_t low = 0, high = view->entry_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (view->entries[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct raft_view_entry *raft_view_find(const struct raft_view *view, uint64_t index) {
    const size_t at = raft_view_seek(view, index);
    return at < view->entry_count && view->entries[at].index == index ? &view->entries[at] : NULL;
}

/* ---- What is where ----------------------------------------------------------------------------------------------- */

uint64_t raft_view_last(const struct raft_view *view) {
    return view->entry_count > 0 ? view->entries[view->entry_count - 1].index : view->start;
}

uint64_t raft_view_last_term(const struct raft_view *view) {
    return view->entry_count > 0 ? view->entries[view->entry_count - 1].term : view->start_term;
}

static bool is_left_out(const struct raft_view *view, uint64_t index) {
    return view->left_out > 0 && view->entry_count > 0 && index < view->entries[0].index;
}

enum raft_view_at raft_view_at(const struct raft_view *view, uint64_t index) {
    if (raft_view_find(view, index)) return RAFT_VIEW_HELD;
    if (view->knows_start && index <= view->start) return RAFT_VIEW_IN_STORE;
    if (is_left_out(view, index)) return RAFT_VIEW_UNKNOWN;
    if (!view->knows_start && (view->entry_count == 0 || index < view->entries[0].index)) return RAFT_VIEW_UNKNOWN;
    if (index < raft_view_last(view) || index <= view->commit_note) return RAFT_VIEW_LOST;
    return view->tail_is_lost ? RAFT_VIEW_UNKNOWN : RAFT_VIEW_ABSENT;
}

bool raft_view_is_whole(const struct raft_view *view) {
    const bool opens = view->log.status == STATUS_OK && view->store_status == STATUS_OK;
    if (!view->slot || view->slot->doubt_term != 0 || view->log_is_foreign || !opens) return false;
    if (view->has_store != view->has_log) return false;
    for (size_t i = 0; i < raft_view_problems_kept(view); i++)
        if (view->problems[i].lost_from > 0) return false;
    return true;
}

void raft_view_identify(struct raft_view *view, const struct raft_view *other) {
    if (view->node_id != 0 || view->segment_count == 0 || !other->slot) return;
    for (unsigned i = 0; i < other->slot->met_count; i++)
        for (size_t k = 0; k < view->segment_count; k++)
            if (view->segments[k].fit != RAFT_VIEW_BAD_HEADER &&
                view->segments[k].owner ==
                    raft_survey_log_owner(other->slot->met[i].node_id, other->slot->met[i].incarnation))
                view->node_id = other->slot->met[i].node_id;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

const char *raft_view_name(const struct raft_view *view) {
    const char *slash = strrchr(view->dir, '/');
    return slash && slash[1] ? slash + 1 : view->dir;
}

const char *raft_view_short(const struct raft_view *view, const char *path) {
    const size_t size = strlen(view->dir);
    if (strcmp(path, view->dir) == 0) return ".";
    return strncmp(path, view->dir, size) == 0 && path[size] == '/' ? path + size + 1 : path;
}

const char *raft_view_kind_name(uint8_t kind) {
    return kind == RAFT_ENTRY_NOOP            ? "no-op"
           : kind == RAFT_ENTRY_COMMAND       ? "command"
           : kind == RAFT_ENTRY_CONFIGURATION ? "configuration"
                                              : "unknown";
}

struct raft_view_problem *raft_view_add_problem(struct raft_view *view, enum raft_view_verdict verdict,
                                                const char *path, const char *format, ...) {
    va_list arguments;
    const size_t at = view->problem_count < RAFT_VIEW_PROBLEMS_MAX ? view->problem_count : RAFT_VIEW_PROBLEMS_MAX - 1;
    struct raft_view_problem *problem = &view->problems[at];
    view->problem_count++;
    if (verdict == RAFT_VIEW_CORRUPT || view->verdict == RAFT_VIEW_CLEAN) view->verdict = verdict;
    *problem = (struct raft_view_problem){.verdict = verdict};
    (void)snprintf(problem->path, sizeof problem->path, "%s", path);
    va_start(arguments, format);
    (void)vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return problem;
}

void raft_view_deinit(struct raft_view *view) {
    free(view->entries);
    free(view->segments);
    free(view->configurations);
    view->entries = NULL;
    view->segments = NULL;
    view->configurations = NULL;
    view->entry_count = view->entry_room = view->segment_count = view->configuration_count = 0;
}
