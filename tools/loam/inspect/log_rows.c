/* log_rows: see log_rows.h. A batch is tried before an entry: its bytes must fit to the last one, which those of an
 * entry do not. */
#include "tools/loam/inspect/log_rows.h"

#include <inttypes.h>
#include <stdio.h>

/* Types of raft's records and of the own log's (raft/log/FORMAT.md, engine/lsm/FORMAT.md). */
enum { TYPE_ENTRY_OR_BATCH = 1, TYPE_CUT = 2, TYPE_COMMIT = 3 };

static const struct row_describer *find_none(void *context, uint32_t tree) {
    (void)context, (void)tree;
    return NULL;
}

static const struct tree_describers no_trees = {.find = find_none};
static const struct operation_describers no_stores = {0};

/* ---- Judging ----------------------------------------------------------------------------------------------------- */

/* What fields say of an entry. */
struct seen {
    uint64_t index;
    uint8_t store;
    bool has_operation, has_rows;
};

static void look(void *context, struct slice bytes, const char *name, const char *words) {
    struct seen *seen = context;
    (void)words;
    if (strcmp(name, "index") == 0 && bytes.size == 8) seen->index = coding_get_u64(bytes.data);
    if (strcmp(name, "store") == 0 && bytes.size == 1) {
        seen->store = bytes.data[0];
        seen->has_operation = true;
    }
    if (strcmp(name, "key") == 0) seen->has_rows = true; /* of a batch whose rows are shown as text */
}

static const char *describe_batch(struct slice payload, const struct tree_describers *trees, struct seen *seen) {
    struct fields fields = fields_make(payload, look, seen);
    batch_record_describe(&fields, trees);
    (void)fields_end(&fields);
    return fields.fault;
}

static const char *describe_entry(const struct wal_record *record, const struct operation_describers *stores,
                                  struct seen *seen) {
    struct fields fields = fields_make(record->payload, look, seen);
    raft_record_describe(&fields, record->type, stores);
    (void)fields_end(&fields);
    return fields.fault;
}

static void add_fault(struct log_rows *rows, uint64_t offset, const char *fault, bool strange) {
    if (rows->fault_count < LOG_FAULTS_SHOWN) {
        rows->faults[rows->fault_count].offset = offset;
        rows->faults[rows->fault_count].fault = fault;
        rows->faults[rows->fault_count].strange = strange;
    }
    rows->fault_count++;
}

static void judge_content(struct log_rows *rows, uint64_t offset, const char *fault) {
    rows->contents++;
    if (!fault) return;
    rows->content_faults++;
    add_fault(rows, offset, fault, false);
}

static void judge_entry(struct log_rows *rows, uint64_t offset, const struct wal_record *record, struct seen *seen) {
    rows->entries++;
    if (rows->first_index == 0) rows->first_index = seen->index;
    rows->last_index = seen->index;
    if (!seen->has_operation) return;
    rows->operations[seen->store < LOG_STORES ? seen->store : LOG_STORES]++;
    if (seen->store > 0) judge_content(rows, offset, describe_entry(record, &store_describers, seen));
}

void log_rows_judge(struct log_rows *rows, uint64_t offset, const struct wal_record *record) {
    struct seen seen = {0}, ignored = {0};
    if (record->type == TYPE_ENTRY_OR_BATCH && !describe_batch(record->payload, &no_trees, &ignored)) {
        rows->batches++;
        if (ignored.has_rows) judge_content(rows, offset, describe_batch(record->payload, &node_trees, &ignored));
        return;
    }
    const char *fault = describe_entry(record, &no_stores, &seen);
    if (fault) {
        rows->strange++;
        add_fault(rows, offset, fault, true);
        return;
    }
    if (record->type == TYPE_CUT) rows->cuts++;
    if (record->type == TYPE_COMMIT) rows->commits++;
    if (record->type == TYPE_ENTRY_OR_BATCH) judge_entry(rows, offset, record, &seen);
}

/* ---- What came of it --------------------------------------------------------------------------------------------- */

static void report_raft(const struct log_rows *rows, struct report *report) {
    static const char *const names[LOG_STORES + 1] = {"raft's own", "kv", "tsdb", "graph", "of other stores"};
    char text[FIELD_WORDS_BYTES] = "";
    size_t at = 0;
    report_fact(report, "log of",
                "a node: %" PRIu64 " entries, %" PRIu64 " to %" PRIu64 "; %" PRIu64 " cuts, %" PRIu64
                " notes of commit",
                rows->entries, rows->first_index, rows->last_index, rows->cuts, rows->commits);
    for (size_t i = 0; i <= LOG_STORES; i++)
        if (rows->operations[i])
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%" PRIu64 " %s", at ? ", " : "", rows->operations[i],
                                   names[i]);
    if (at) report_fact(report, "operations", "%s", text);
}

static void report_faults(const struct log_rows *rows, struct report *report) {
    uint64_t told = 0, wanted = rows->strange + (rows->contents_shown ? rows->content_faults : 0);
    for (uint64_t i = 0; i < rows->fault_count && i < LOG_FAULTS_SHOWN; i++) {
        if (!rows->faults[i].strange && !rows->contents_shown) continue;
        report_problem(report, REPORT_CORRUPT, rows->faults[i].offset, "%s: %s",
                       rows->faults[i].strange ? "this record is sound as such, but not one of this log"
                                               : "what is in this record can't be applied",
                       rows->faults[i].fault);
        told++;
    }
    if (told < wanted)
        report_problem(report, REPORT_CORRUPT, rows->faults[LOG_FAULTS_SHOWN - 1].offset,
                       "and %" PRIu64 " records more behind it", wanted - told);
}

void log_rows_report(struct log_rows *rows, struct report *report) {
    const uint64_t raft = rows->entries + rows->cuts + rows->commits;
    rows->contents_shown = rows->contents > rows->content_faults;
    rows->form = raft > rows->strange ? LOG_OF_RAFT : rows->batches > rows->strange ? LOG_OF_ENGINE : LOG_OF_NOBODY;
    if (rows->form == LOG_OF_RAFT) report_raft(rows, report);
    if (rows->form == LOG_OF_ENGINE) report_fact(report, "log of", "an engine: %" PRIu64 " batches", rows->batches);
    if (rows->form != LOG_OF_NOBODY && rows->contents && !rows->contents_shown)
        report_fact(report, "contents", "not those of loam's stores: shown as text");
    if (rows->form != LOG_OF_NOBODY) report_faults(rows, report);
}

/* ---- Showing ----------------------------------------------------------------------------------------------------- */

const char *log_record_name(const struct log_rows *rows, uint8_t type) {
    if (rows->form == LOG_OF_ENGINE) return type == TYPE_ENTRY_OR_BATCH ? "batch" : "unknown";
    if (rows->form == LOG_OF_NOBODY) return "its user's";
    return type == TYPE_ENTRY_OR_BATCH ? "entry"
           : type == TYPE_CUT          ? "cut"
           : type == TYPE_COMMIT       ? "commit"
                                       : "unknown";
}

void log_record_describe(const struct log_rows *rows, struct fields *fields, const struct wal_record *record) {
    switch (rows->form) {
    case LOG_OF_RAFT:
        raft_record_describe(fields, record->type, rows->contents_shown ? &store_describers : &no_stores);
        break;
    case LOG_OF_ENGINE: batch_record_describe(fields, rows->contents_shown ? &node_trees : &no_trees); break;
    default: (void)fields_rest(fields, "payload");
    }
    (void)fields_end(fields);
}
