/*
 * log_rows: what the records of a log segment say: a node's (raft's entries, with the stores' operations in them) or an
 * engine's own (batches, with rows of trees in them).
 *
 * A segment does not name its user, so its records are judged first, all of them: the form of most tells. What is then
 * not what it should be is damage; but where none of the operations or rows is one of loam's stores', they are another
 * program's, and shown as text.
 */
#ifndef TOOLS_LOAM_INSPECT_LOG_ROWS_H
#define TOOLS_LOAM_INSPECT_LOG_ROWS_H

#include "engine/wal.h"
#include "tools/loam/inspect/describers.h"
#include "tools/loam/inspect/report.h"

enum { LOG_FAULTS_SHOWN = 8, LOG_STORES = 4 };

struct log_rows {
    uint64_t entries, cuts, commits, batches, strange;
    uint64_t first_index, last_index;    /* of entries */
    uint64_t operations[LOG_STORES + 1]; /* by store; the last: of others */
    uint64_t contents, content_faults;   /* records with operations or rows inside; those where these are not sound */
    uint64_t fault_count;
    struct {
        uint64_t offset;
        const char *fault;
        bool strange; /* the record itself, not what is in it */
    } faults[LOG_FAULTS_SHOWN];
    /* Settled by log_rows_report. */
    enum log_form { LOG_OF_NOBODY, LOG_OF_RAFT, LOG_OF_ENGINE } form;
    bool contents_shown;
};

void log_rows_judge(struct log_rows *rows, uint64_t offset, const struct wal_record *record);
/* Once all are judged: facts and problems. */
void log_rows_report(struct log_rows *rows, struct report *report);

/* Afterwards. */
const char *log_record_name(const struct log_rows *rows, uint8_t type); /* "entry" */
/* The payload's fields, to its end. */
void log_record_describe(const struct log_rows *rows, struct fields *fields, const struct wal_record *record);

#endif
