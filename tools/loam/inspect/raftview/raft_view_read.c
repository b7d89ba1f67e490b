/*
 * raft_view_read: a directory into rows. In this order: who the node is (superblock), whose segments lie in its log
 * (headers), the records in them, what the store says. Whose a file is is decided before anything in it is judged, so
 * that what was moved here is not called damaged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "tools/loam/inspect/raftview/raft_view.h"

enum { TRIES_MAX = 5, PAUSE_NS = 50 * 1000 * 1000, HEADER_BYTES = IO_PAGE_BYTES };

struct reading {
    struct raft_view *view;
    uint64_t owner, from;
    uint64_t after;         /* the last entry that was told, cut or not */
    bool is_pending;        /* problems wait for the entry that stands behind what was lost */
    size_t problems_before; /* of the records */
    enum status status;
};

/* ---- Who it is --------------------------------------------------------------------------------------------------- */

static bool is_dir(struct io *io, const char *path) {
    struct io_entry entry;
    return io_stat(io, path, &entry) == STATUS_OK && entry.kind == IO_ENTRY_DIR;
}

static void judge_slots(struct raft_view *view, const char *path) {
    const struct raft_survey_superblock *superblock = &view->superblock;
    if (superblock->size_bytes < superblock->right_bytes)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, path, "the file has %" PRIu64 " bytes of %" PRIu64,
                              superblock->size_bytes, superblock->right_bytes);
    for (unsigned i = 0; i < 2; i++) {
        const enum status status = superblock->slots[i].status;
        if (status == STATUS_OK || status == STATUS_NOT_FOUND) continue;
        struct raft_view_problem *problem = raft_view_add_problem(
            view, RAFT_VIEW_CORRUPT, path, "slot %u: %s. %s", i,
            status == STATUS_VERSION ? status_text(status) : "it does not verify",
            superblock->counts < 0 ? "Term and vote are lost, so the node does not start: it could vote twice"
                                   : "The other slot counts, and holds what was promised: nothing is lost, and the "
                                     "next start writes this one anew");
        problem->from = i * (superblock->right_bytes / 2);
        problem->to = problem->from + IO_SECTOR_BYTES;
    }
    if (superblock->counts < 0 && view->problem_count == 0)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, path,
                              "both slots are empty: who the node is and what it promised is lost, so it does not "
                              "start");
}

static enum status read_superblock(struct io *io, struct raft_view *view, struct error *error) {
    char path[IO_PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/superblock", view->dir) >= IO_PATH_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", view->dir);
    view->superblock_status = raft_survey_superblock(io, view->dir, &view->superblock, error);
    if (view->superblock_status == STATUS_OK) judge_slots(view, path);
    if (view->superblock_status == STATUS_OK && view->superblock.counts >= 0) {
        view->slot = &view->superblock.slots[view->superblock.counts];
        view->node_id = view->slot->identity.node_id;
    }
    enum status status = raft_survey_log_path(view->dir, view->slot ? view->slot->log_number : 0, view->log_path);
    if (status == STATUS_OK)
        status = raft_survey_store_path(view->dir, view->slot ? view->slot->engine_number : 1, view->store_path);
    if (status != STATUS_OK) return error_set(error, status, "%s: the path is too long", view->dir);
    view->has_log = is_dir(io, view->log_path);
    view->has_store = is_dir(io, view->store_path);
    if (view->superblock_status == STATUS_OK) return STATUS_OK;
    if (view->superblock_status == STATUS_NOT_FOUND && !view->has_log && !view->has_store)
        return error_set(error, STATUS_NOT_FOUND,
                         "%s: no node's directory: there is neither a superblock nor a log nor a store in it",
                         view->dir);
    raft_view_add_problem(
        view, RAFT_VIEW_CORRUPT, path, "%s. Who the node is and what it promised is lost, so it does not start",
        view->superblock_status == STATUS_NOT_FOUND ? "the file is missing" : status_text(view->superblock_status));
    return STATUS_OK;
}

/* ---- Whose segments ---------------------------------------------------------------------------------------------- */

static void note_segment(void *context, const struct wal_listed *listed) {
    struct reading *reading = context;
    struct raft_view *view = reading->view;
    struct raft_view_segment *grown =
        realloc(view->segments, (view->segment_count + 1) * sizeof *grown); /* at most some hundreds */
    if (!grown) {
        reading->status = STATUS_NO_MEMORY;
        return;
    }
    view->segments = grown;
    struct raft_view_segment *segment = &grown[view->segment_count++];
    *segment = (struct raft_view_segment){.number = listed->number, .bytes = listed->size};
    if (listed->status != STATUS_OK) {
        segment->fit = RAFT_VIEW_BAD_HEADER;
        struct raft_view_problem *problem =
            raft_view_add_problem(view, RAFT_VIEW_CORRUPT, listed->path, "the segment's header: %s", listed->why);
        problem->to = HEADER_BYTES;
        return;
    }
    segment->owner = listed->header.owner;
    if (listed->header.segment != listed->number) {
        segment->fit = RAFT_VIEW_RENAMED;
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, listed->path,
                              "the file is segment %08" PRIx32 ": it was renamed, or copied over this one",
                              listed->header.segment);
    } else if (listed->header.segment_bytes != listed->size) {
        segment->fit = RAFT_VIEW_CUT_SHORT;
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, listed->path,
                              "the file has %" PRIu64 " bytes, and was made with %" PRIu64, listed->size,
                              listed->header.segment_bytes);
    }
}

/* The owner that most of the sound headers name; 0: there is none. */
static uint64_t usual_owner(const struct raft_view *view) {
    uint64_t owner = 0;
    size_t most = 0;
    for (size_t i = 0; i < view->segment_count; i++) {
        size_t same = 0;
        if (view->segments[i].fit == RAFT_VIEW_BAD_HEADER) continue;
        for (size_t k = 0; k < view->segment_count; k++)
            same += view->segments[k].fit != RAFT_VIEW_BAD_HEADER && view->segments[k].owner == view->segments[i].owner;
        if (same <= most) continue;
        most = same;
        owner = view->segments[i].owner;
    }
    return owner;
}

/* Whose log it is, as far as this node has met him. */
static const char *owner_words(const struct raft_view *view, uint64_t owner, char *words, size_t size) {
    for (unsigned i = 0; view->slot && i < view->slot->met_count; i++) {
        if (raft_survey_log_owner(view->slot->met[i].node_id, view->slot->met[i].incarnation) != owner) continue;
        (void)snprintf(words, size, "node %" PRIu64 "'s", view->slot->met[i].node_id);
        return words;
    }
    (void)snprintf(words, size, "that of another directory (owner %016" PRIx64 ")", owner);
    return words;
}

static size_t count_of(const struct raft_view *view, uint64_t owner) {
    size_t count = 0;
    for (size_t i = 0; i < view->segment_count; i++)
        count += view->segments[i].fit != RAFT_VIEW_BAD_HEADER && view->segments[i].owner == owner;
    return count;
}

static void name_foreign(struct raft_view *view, struct raft_view_segment *segment) {
    char path[IO_PATH_BYTES + 16], whose[64];
    (void)snprintf(path, sizeof path, "%s/%08" PRIx32 ".wal", view->log_path, segment->number);
    segment->fit = RAFT_VIEW_FOREIGN;
    raft_view_add_problem(view, RAFT_VIEW_CORRUPT, path,
                          "a sound segment, but of another log: it is %s. It was moved or copied here; what this "
                          "node's own segment %08" PRIx32 " held is not in this directory",
                          owner_words(view, segment->owner, whose, sizeof whose), segment->number);
}

static void settle_owner(struct reading *reading) {
    struct raft_view *view = reading->view;
    char whose[64];
    const uint64_t usual = usual_owner(view);
    reading->owner = usual;
    reading->from = view->slot ? view->slot->log_from : 0;
    if (!view->slot) return;
    reading->owner = raft_survey_log_owner(view->node_id, view->slot->identity.incarnation);
    if (usual != 0 && count_of(view, reading->owner) == 0) {
        view->log_is_foreign = true;
        reading->owner = usual;
        reading->from = 0;
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->dir,
                              "superblock and log are not of one node: the superblock is node %" PRIu64
                              "'s, the log is %s. One of the two was moved here; both are shown as they are, and "
                              "neither is judged by the other",
                              view->node_id, owner_words(view, usual, whose, sizeof whose));
    }
    for (size_t i = 0; i < view->segment_count; i++)
        if (view->segments[i].fit != RAFT_VIEW_BAD_HEADER && view->segments[i].owner != reading->owner)
            name_foreign(view, &view->segments[i]);
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

static struct raft_view_segment *segment_of(struct raft_view *view, uint32_t number) {
    for (size_t i = 0; i < view->segment_count; i++)
        if (view->segments[i].number == number) return &view->segments[i];
    return NULL;
}

/* An entry stands behind what was lost: so much was there. */
static void settle_pending(struct reading *reading, uint64_t next) {
    struct raft_view *view = reading->view;
    if (!reading->is_pending) return;
    for (size_t i = 0; i < raft_view_problems_kept(view); i++) {
        struct raft_view_problem *problem = &view->problems[i];
        if (problem->lost_from == 0 || problem->lost_to != 0) continue;
        problem->lost_to = next > problem->lost_from ? next - 1 : 0;
        if (problem->lost_to == 0) problem->lost_from = 0;
    }
    reading->is_pending = false;
    view->tail_is_lost = false;
}

static enum status take_configuration(struct raft_view *view, const struct raft_survey_record *record) {
    struct raft_view_configuration made = {.index = record->index, .term = record->term};
    if (raft_configuration_decode(record->bytes, &made.configuration) != STATUS_OK) return STATUS_CORRUPT;
    struct raft_view_configuration *grown =
        realloc(view->configurations, (view->configuration_count + 1) * sizeof *grown);
    if (!grown) return STATUS_NO_MEMORY;
    view->configurations = grown;
    view->configurations[view->configuration_count++] = made;
    return STATUS_OK;
}

static void blame_record(struct raft_view *view, const struct raft_survey_record *record, const char *what) {
    char path[IO_PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/%08" PRIx32 ".wal", view->log_path, (uint32_t)(record->lsn >> 32));
    struct raft_view_problem *problem =
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, path, "the record is sound as such, but %s", what);
    problem->from = (uint32_t)record->lsn;
    problem->to = problem->from + 1;
}

/* What the header of that file was blamed with before. */
static struct raft_view_problem *blamed_before(struct raft_view *view, const char *path) {
    for (size_t i = 0; i < raft_view_problems_kept(view); i++)
        if (strcmp(view->problems[i].path, path) == 0) return &view->problems[i];
    return NULL;
}

/* A file that is shorter than it was made ends where a sound one might: what is missing then shows by the next entry.
 */
static bool is_explained_by_header(struct raft_view *view, uint64_t index, uint64_t lsn) {
    const struct raft_view_entry *before = &view->entries[view->entry_count - 1];
    char path[IO_PATH_BYTES + 16];
    for (size_t i = 0; i < view->segment_count; i++) {
        const struct raft_view_segment *segment = &view->segments[i];
        const bool is_between = segment->number >= before->lsn >> 32 && segment->number <= lsn >> 32;
        if (!is_between || segment->fit == RAFT_VIEW_FITS) continue;
        (void)snprintf(path, sizeof path, "%s/%08" PRIx32 ".wal", view->log_path, segment->number);
        struct raft_view_problem *problem = blamed_before(view, path);
        if (!problem) continue;
        problem->lost_from = before->index + 1;
        problem->lost_to = index - 1;
        return true;
    }
    return false;
}

static enum status take_entry(struct reading *reading, const struct raft_survey_record *record) {
    struct raft_view *view = reading->view;
    const struct raft_view_entry entry = {.index = record->index,
                                          .term = record->term,
                                          .lsn = record->lsn,
                                          .size = (uint32_t)record->bytes.size,
                                          .hash = hash32(record->bytes, record->index),
                                          .kind = (uint8_t)record->entry_kind};
    const bool any = view->entry_count > 0;
    const uint64_t last = raft_view_last(view);
    const bool is_gap = any && record->index != last + 1, damage_explains = reading->is_pending;
    settle_pending(reading, record->index);
    const bool is_explained =
        damage_explains || (is_gap && record->index > last && is_explained_by_header(view, record->index, record->lsn));
    if (is_gap && !is_explained) blame_record(view, record, "its index does not follow that of the entry before");
    enum status status = raft_view_add_entry(view, &entry);
    reading->after = record->index;
    if (status == STATUS_OK && any && view->entry_count > 1 &&
        view->entries[view->entry_count - 2].term > record->term && !damage_explains)
        blame_record(view, record, "its term is below that of the entry before");
    if (status == STATUS_OK && record->entry_kind == RAFT_ENTRY_CONFIGURATION)
        status = take_configuration(view, record);
    if (status == STATUS_CORRUPT) {
        blame_record(view, record, "the configuration in it can't be read");
        status = STATUS_OK;
    }
    return status;
}

static enum status take_record(void *context, const struct raft_survey_record *record) {
    struct reading *reading = context;
    struct raft_view *view = reading->view;
    if (record->lsn < reading->from) return STATUS_OK;
    switch (record->kind) {
    case RAFT_SURVEY_ENTRY: return take_entry(reading, record);
    case RAFT_SURVEY_CUT:
        view->cuts++;
        settle_pending(reading, record->index);
        raft_view_cut(view, record->index);
        reading->after = record->index - 1;
        return STATUS_OK;
    case RAFT_SURVEY_COMMIT:
        view->notes++;
        if (record->index > view->commit_note) view->commit_note = record->index;
        return STATUS_OK;
    case RAFT_SURVEY_STRANGE: blame_record(view, record, "it is none of raft's"); return STATUS_OK;
    }
    return STATUS_OK;
}

static void take_loss(void *context, const struct wal_loss *loss) {
    struct reading *reading = context;
    struct raft_view *view = reading->view;
    uint32_t number = 0;
    const char *name = strrchr(loss->path, '/');
    if (name) number = (uint32_t)strtoul(name + 1, NULL, 16);
    const struct raft_view_segment *segment = segment_of(view, number);
    struct raft_view_problem *problem = blamed_before(view, loss->path);
    const bool is_header = loss->from == 0 && loss->to == HEADER_BYTES;
    const bool is_told =
        problem && segment && (is_header || segment->fit != RAFT_VIEW_BAD_HEADER) && segment->fit != RAFT_VIEW_FITS;
    if (!is_told) {
        problem = raft_view_add_problem(view, RAFT_VIEW_CORRUPT, loss->path, "%s", loss->what);
        problem->from = segment ? loss->from : 0;
        problem->to = segment ? loss->to : 0;
    }
    if (!loss->costs_records || ((uint64_t)number << 32 | loss->to) <= reading->from) return;
    if (problem->lost_from == 0) problem->lost_from = reading->after + 1;
    problem->lost_to = 0;
    reading->is_pending = true;
    view->tail_is_lost = true;
}

static void begin_again(void *context) {
    struct reading *reading = context;
    struct raft_view *view = reading->view;
    view->problem_count = reading->problems_before;
    view->entry_count = view->configuration_count = 0;
    view->left_out = view->commit_note = view->cuts = view->notes = view->cut_entries = 0;
    reading->after = view->slot && !view->log_is_foreign ? view->slot->log_start : 0;
}

/* Which segment holds which entries, by where they stand. */
static void fill_segments(struct raft_view *view) {
    for (size_t i = 0; i < view->entry_count; i++) {
        const struct raft_view_entry *entry = &view->entries[i];
        struct raft_view_segment *segment = segment_of(view, (uint32_t)(entry->lsn >> 32));
        if (!segment) continue;
        if (segment->entries++ == 0) segment->first = entry->index;
        segment->last = entry->index;
    }
}

static void judge_log(struct raft_view *view) {
    const struct raft_survey_log *log = &view->log;
    char path[IO_PATH_BYTES + 16];
    if (log->status == STATUS_OK && log->recovery.torn_groups > 0) {
        (void)snprintf(path, sizeof path, "%s/%08" PRIx32 ".wal", view->log_path,
                       (uint32_t)(log->recovery.torn_lsn >> 32));
        struct raft_view_problem *problem =
            raft_view_add_problem(view, RAFT_VIEW_TORN, path,
                                  "the last write was not completed. Nothing of it was ever acknowledged: a start "
                                  "cuts it");
        problem->from = (uint32_t)log->recovery.torn_lsn;
        problem->to = problem->from + IO_SECTOR_BYTES;
    }
    const bool is_told = view->verdict == RAFT_VIEW_CORRUPT && view->problem_count > 0;
    if (log->status != STATUS_OK && !is_told)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->log_path, "%s", log->error.text);
}

static enum status read_log(struct io *io, struct raft_view *view, struct error *error) {
    struct reading reading = {.view = view, .status = STATUS_OK};
    if (!view->has_log) return STATUS_OK;
    enum status status = wal_list(io, view->log_path, note_segment, &reading, error);
    if (status == STATUS_OK && reading.status != STATUS_OK)
        status = error_set(error, reading.status, "%s: %s", view->log_path, status_text(reading.status));
    if (status != STATUS_OK) return status;
    settle_owner(&reading);
    reading.problems_before = view->problem_count;
    begin_again(&reading);
    const struct raft_survey_visitor visitor = {take_record, take_loss, begin_again, &reading};
    status = raft_survey_log(io, view->log_path, reading.owner, &visitor, &view->log, error);
    if (status != STATUS_OK) return status;
    judge_log(view);
    fill_segments(view);
    return STATUS_OK;
}

/* ---- Store ------------------------------------------------------------------------------------------------------- */

static enum status read_store(struct io *io, struct raft_view *view, const struct state_machine *machines,
                              size_t machine_count, struct error *error) {
    struct error why = {.status = STATUS_OK};
    if (!view->has_store) return STATUS_OK;
    view->store_status = raft_survey_store(io, view->dir, view->slot ? view->slot->engine_number : 1, machines,
                                           machine_count, &view->store, &why);
    if (view->store_status == STATUS_NO_MEMORY) return error_set(error, STATUS_NO_MEMORY, "%s", why.text);
    if (view->store_status != STATUS_OK)
        raft_view_add_problem(view, RAFT_VIEW_CORRUPT, view->store_path, "the store does not open: %s", why.text);
    return STATUS_OK;
}

static enum status read_once(struct io *io, const char *dir, const struct state_machine *machines, size_t machine_count,
                             struct raft_view *view, struct error *error) {
    memset(view, 0, sizeof *view);
    if (snprintf(view->dir, sizeof view->dir, "%s", dir) >= IO_PATH_BYTES - 64)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    for (size_t size = strlen(view->dir); size > 1 && view->dir[size - 1] == '/'; size--) view->dir[size - 1] = '\0';
    enum status status = read_superblock(io, view, error);
    if (status == STATUS_OK) status = read_log(io, view, error);
    if (status == STATUS_OK) status = read_store(io, view, machines, machine_count, error);
    if (status == STATUS_OK) raft_view_check(view);
    return status;
}

/* A node that runs writes, drops segments and flushes meanwhile: what is wrong is looked at again, and is damage when
 * it is the same again. */
enum status raft_view_read(struct io *io, const char *dir, const struct state_machine *machines, size_t machine_count,
                           struct raft_view *view, struct error *error) {
    struct raft_view_problem first = {.verdict = RAFT_VIEW_CLEAN};
    size_t count = 0;
    for (unsigned i = 1;; i++) {
        error->status = STATUS_OK;
        const enum status status = read_once(io, dir, machines, machine_count, view, error);
        if (status != STATUS_OK || view->problem_count == 0 || i == TRIES_MAX) return status;
        const struct raft_view_problem *now = &view->problems[0];
        if (count == view->problem_count && first.from == now->from && strcmp(first.path, now->path) == 0 &&
            strcmp(first.text, now->text) == 0)
            return status;
        count = view->problem_count;
        first = *now;
        raft_view_deinit(view);
        io_sleep(io, PAUSE_NS);
    }
}
