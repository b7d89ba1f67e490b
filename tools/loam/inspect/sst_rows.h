/*
 * sst_rows: the rows in the data blocks of an SST, described by the kind of tree that its properties name.
 *
 * Anybody may keep trees in an engine, under any number. So the rows are judged first: where not one of them is what
 * loam's own kind of that number holds, the file is another program's, and they are shown as text; where some are and
 * some are not, these are damage.
 */
#ifndef TOOLS_LOAM_INSPECT_SST_ROWS_H
#define TOOLS_LOAM_INSPECT_SST_ROWS_H

#include "engine/sst/block_format.h"
#include "tools/loam/inspect/report.h"
#include "tools/loam/inspect/row_text.h"

enum { SST_ROWS_FAULTS_SHOWN = 8 };

struct sst_rows {
    const struct row_describer *describer; /* NULL: shown as text */
    uint64_t count, misfit_count;
    struct {
        uint64_t unit;
        uint32_t entry;
        const char *fault;
    } misfits[SST_ROWS_FAULTS_SHOWN];
};

const char *sst_entry_kind_name(uint64_t trailer); /* "put" */

/* `room` for a key, as block_view_key wants it. */
void sst_rows_judge(struct sst_rows *rows, const struct sst_block_view *view, uint64_t unit, uint8_t *room);
/* Once all are judged: what came of it, as a fact and problems; the describer goes if the rows are not loam's. */
void sst_rows_report(struct sst_rows *rows, struct report *report);
/* The value of one entry, which stands in the file as it is, field by field. REQUIRES: describer. */
void sst_rows_value_fields(const struct sst_rows *rows, struct report *report, const struct sst_block_view *view,
                           uint32_t at, uint8_t *room);
/* The rows of a block behind its fields: for programs all, for people those that had to be decompressed. */
void sst_rows_show(const struct sst_rows *rows, struct report *report, const struct sst_block_view *view, uint64_t unit,
                   bool compressed, uint8_t *room);

#endif
