/* vertex_rows: see vertex_rows.h. Invariant: after the first walk rows are ascending and each stands once. */
#include "tools/loam/inspect/vertex/vertex_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *vertex_row_name(enum vertex_part part, uint32_t number, char text[VERTEX_ROW_NAME_BYTES]) {
    static const char *const names[] = {[VERTEX_NODE] = "node",
                                        [VERTEX_OUT_HEAD] = "out head",
                                        [VERTEX_OUT_BLOCK] = "out block",
                                        [VERTEX_IN_HEAD] = "in head",
                                        [VERTEX_IN_BLOCK] = "in block",
                                        [VERTEX_LABEL] = "label",
                                        [VERTEX_EXTERNAL] = "external id",
                                        [VERTEX_STRANGE] = "of no list"};
    const bool numbered = part == VERTEX_OUT_BLOCK || part == VERTEX_IN_BLOCK || part == VERTEX_LABEL;
    if (numbered)
        (void)snprintf(text, VERTEX_ROW_NAME_BYTES, "%s %" PRIu32, names[part], number);
    else
        (void)snprintf(text, VERTEX_ROW_NAME_BYTES, "%s", names[part]);
    return text;
}

const char *vertex_fate_name(enum vertex_fate fate) {
    static const char *const names[] = {"shown", "folded", "tombstone", "older", "covered"};
    return names[fate];
}

void vertex_rows_deinit(struct vertex_rows *rows) {
    for (size_t i = 0; i < rows->span_count; i++) {
        buf_deinit(&rows->spans[i].lower);
        buf_deinit(&rows->spans[i].upper);
    }
    free(rows->spans);
    free(rows->rows);
    free(rows->sources);
}

/* ---- Spans ------------------------------------------------------------------------------------------------------- */

/* The first key behind all that begin so: what a list has; of a row whose key is whole, just itself. */
static enum status put_upper(struct vertex_span *span, bool is_list) {
    enum status status = buf_assign(&span->upper, buf_slice(&span->lower));
    if (!is_list) return status == STATUS_OK ? buf_append_byte(&span->upper, 0) : status;
    while (status == STATUS_OK && span->upper.size > 0 && ++span->upper.data[span->upper.size - 1] == 0)
        span->upper.size--;
    return status;
}

enum status vertex_rows_add_span(struct vertex_rows *rows, enum vertex_part part, uint32_t number, uint32_t tree,
                                 struct slice key) {
    struct vertex_span *grown = realloc(rows->spans, (rows->span_count + 1) * sizeof *grown);
    if (!grown) return STATUS_NO_MEMORY;
    rows->spans = grown;
    struct vertex_span *span = &grown[rows->span_count++];
    *span = (struct vertex_span){.part = part, .number = number, .tree = tree};
    const enum status status = buf_assign(&span->lower, key);
    return status == STATUS_OK ? put_upper(span, part == VERTEX_OUT_HEAD || part == VERTEX_IN_HEAD) : status;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static int order(const struct vertex_row *a, const struct vertex_row *b) {
    if (a->part != b->part) return a->part < b->part ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int order_rows(const void *a, const void *b) {
    return order(a, b);
}

/* Which row the entry belongs to. */
static struct vertex_row row_of(const struct vertex_span *span, struct slice key) {
    struct vertex_row row = {.part = span->part, .number = span->number};
    if (span->part != VERTEX_OUT_HEAD && span->part != VERTEX_IN_HEAD) return row;
    switch (graph_place_list_row(key, &row.number)) {
    case GRAPH_LIST_HEAD: break;
    case GRAPH_LIST_BLOCK: row.part = span->part == VERTEX_OUT_HEAD ? VERTEX_OUT_BLOCK : VERTEX_IN_BLOCK; break;
    case GRAPH_LIST_STRANGE: row.part = VERTEX_STRANGE; break;
    }
    return row;
}

static void take_newer(struct vertex_row *row, uint64_t decider, bool deleted) {
    if (decider <= row->decider) return;
    row->decider = decider;
    row->deleted = deleted;
}

static enum status add_row(struct vertex_rows *rows, const struct vertex_row *row) {
    if (rows->row_count > 0 && order(&rows->rows[rows->row_count - 1], row) == 0) {
        take_newer(&rows->rows[rows->row_count - 1], row->decider, row->deleted);
        return STATUS_OK;
    }
    if (rows->row_count == rows->row_capacity) {
        const size_t more = rows->row_capacity ? rows->row_capacity * 2 : 64;
        struct vertex_row *grown = realloc(rows->rows, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        rows->rows = grown;
        rows->row_capacity = more;
    }
    rows->rows[rows->row_count++] = *row;
    return STATUS_OK;
}

static void sort_rows(struct vertex_rows *rows) {
    size_t kept = 0;
    if (rows->row_count == 0) return;
    qsort(rows->rows, rows->row_count, sizeof rows->rows[0], order_rows);
    for (size_t i = 1; i < rows->row_count; i++) {
        if (order(&rows->rows[kept], &rows->rows[i]) == 0)
            take_newer(&rows->rows[kept], rows->rows[i].decider, rows->rows[i].deleted);
        else
            rows->rows[++kept] = rows->rows[i];
    }
    rows->row_count = kept + 1;
}

const struct vertex_row *vertex_rows_get(const struct vertex_rows *rows, enum vertex_part part, uint32_t number) {
    const struct vertex_row wanted = {.part = part, .number = number};
    if (rows->row_count == 0) return NULL;
    return bsearch(&wanted, rows->rows, rows->row_count, sizeof rows->rows[0], order_rows);
}

/* ---- The first walk ---------------------------------------------------------------------------------------------- */

struct finding {
    struct vertex_rows *rows;
    const struct vertex_span *span;
};

static enum status tell_damage(const struct finding *finding, const struct engine_step *step) {
    struct error error;
    engine_last_error(finding->rows->engine, &error);
    return finding->rows->damaged(finding->rows->context, finding->span, step,
                                  error.status != STATUS_OK ? error.text : status_text(step->status));
}

static enum status find_step(void *context, const struct engine_step *step) {
    struct finding *finding = context;
    if (step->status != STATUS_OK) return tell_damage(finding, step);
    if (step->kind != ENGINE_STEP_ENTRY) return STATUS_OK;
    struct vertex_row row = row_of(finding->span, step->key);
    const bool decides = step->effect == ENGINE_EFFECT_SHOWN || step->effect == ENGINE_EFFECT_DELETED;
    if (decides) take_newer(&row, step->sequence, step->effect == ENGINE_EFFECT_DELETED);
    return add_row(finding->rows, &row);
}

enum status vertex_rows_find(struct vertex_rows *rows) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < rows->span_count && status == STATUS_OK; i++) {
        const struct vertex_span *span = &rows->spans[i];
        struct finding finding = {.rows = rows, .span = span};
        status = engine_explain_versions(rows->engine, span->tree, buf_slice(&span->lower), buf_slice(&span->upper),
                                         find_step, &finding);
        if (status == STATUS_INVALID) status = STATUS_OK; /* no such tree: nothing was ever in it */
    }
    sort_rows(rows);
    return status;
}

/* ---- The second one ---------------------------------------------------------------------------------------------- */

struct judging {
    struct vertex_rows *rows;
    const struct vertex_span *span;
    size_t source; /* that is walked */
    bool sums;
    enum status (*visit)(void *context, const struct vertex_version *version);
    void *context;
};

static enum status find_source(struct judging *judging, const struct engine_step *step) {
    struct vertex_rows *rows = judging->rows;
    const bool is_table = step->kind == ENGINE_STEP_FILE;
    for (size_t i = 0; i < rows->source_count; i++) {
        const struct vertex_source *source = &rows->sources[i];
        if (source->is_table != is_table || source->file != step->file) continue;
        if (!is_table && source->memtable != step->memtable) continue;
        judging->source = i;
        return STATUS_OK;
    }
    if (rows->source_count == rows->source_capacity) {
        const size_t more = rows->source_capacity ? rows->source_capacity * 2 : 16;
        struct vertex_source *grown = realloc(rows->sources, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        rows->sources = grown;
        rows->source_capacity = more;
    }
    judging->source = rows->source_count++;
    rows->sources[judging->source] = (struct vertex_source){.is_table = is_table,
                                                            .memtable = step->memtable,
                                                            .level = step->level,
                                                            .file = step->file,
                                                            .file_bytes = step->file_bytes};
    return STATUS_OK;
}

static enum vertex_fate fate_of(const struct vertex_row *row, const struct engine_step *step) {
    if (step->effect == ENGINE_EFFECT_COVERED) return VERTEX_COVERED;
    if (step->sequence < row->decider) return VERTEX_OLDER;
    if (step->effect == ENGINE_EFFECT_OPERAND) return VERTEX_FOLDED;
    return step->effect == ENGINE_EFFECT_DELETED ? VERTEX_TOMBSTONE : VERTEX_SHOWN;
}

static enum status judge_entry(struct judging *judging, const struct engine_step *step) {
    struct vertex_source *source = &judging->rows->sources[judging->source];
    const struct vertex_row key = row_of(judging->span, step->key);
    const struct vertex_row *row = vertex_rows_get(judging->rows, key.part, key.number);
    const enum vertex_fate fate = fate_of(row ? row : &key, step);
    if (judging->sums) {
        source->versions[fate]++;
        source->bytes[fate] += step->key.size + step->value.size;
    }
    if (!judging->visit) return STATUS_OK;
    return judging->visit(judging->context, &(struct vertex_version){row ? row : &key, step, source, fate});
}

static enum status judge_step(void *context, const struct engine_step *step) {
    struct judging *judging = context;
    if (step->status != STATUS_OK) {
        judging->rows->sources[judging->source].is_damaged = true;
        return STATUS_OK;
    }
    if (step->kind == ENGINE_STEP_MEMTABLE || step->kind == ENGINE_STEP_FILE) return find_source(judging, step);
    return step->kind == ENGINE_STEP_ENTRY ? judge_entry(judging, step) : STATUS_OK;
}

enum status vertex_rows_judge(struct vertex_rows *rows,
                              enum status (*visit)(void *context, const struct vertex_version *version),
                              void *context) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < rows->span_count && status == STATUS_OK; i++) {
        const struct vertex_span *span = &rows->spans[i];
        struct judging judging = {.rows = rows, .span = span, .sums = !visit, .visit = visit, .context = context};
        status = engine_explain_versions(rows->engine, span->tree, buf_slice(&span->lower), buf_slice(&span->upper),
                                         judge_step, &judging);
        if (status == STATUS_INVALID) status = STATUS_OK;
    }
    return status;
}
