#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/value_text.h"
#include "tests/harness/query_lab.h"

void query_lab_init(struct query_lab *lab) {
    struct error error;
    *lab = (struct query_lab){.step_work = QUERY_STEP_WORK};
    graph_lab_init(&lab->graphs, NULL, 1, NULL);
    if (graph_lab_open_engine(&lab->graphs, &error) != STATUS_OK) fail_msg("%s", error.text);
}

void query_lab_deinit(struct query_lab *lab) {
    graph_lab_deinit(&lab->graphs);
    buf_deinit(&lab->rows);
}

static enum status take_row(void *context, struct graph *graph, const struct value *values, uint32_t count) {
    (void)graph;
    struct query_lab *lab = context;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) assert_int_equal(buf_append(&lab->rows, ", ", 2), STATUS_OK);
        assert_int_equal(value_print(&lab->rows, values[i]), STATUS_OK);
    }
    lab->row_count++;
    return buf_append_byte(&lab->rows, '|');
}

static enum status run(struct query_lab *lab, struct query *query) {
    struct query_options options = {.graph = graph_lab_open(&lab->graphs, "g"),
                                    .sink = {.row = take_row, .context = lab},
                                    .memory_limit_bytes = lab->memory_limit,
                                    .row_limit = lab->row_limit,
                                    .seed = 7,
                                    .clock_ms = 1700000000000};
    enum status status = query_start(query, &options);
    if (status == STATUS_OK) status = STATUS_BUSY;
    while (status == STATUS_BUSY) {
        status = query_step(query, lab->step_work);
        lab->steps++;
    }
    lab->peak_bytes = query_peak_bytes(query);
    lab->fault = *query_fault(query);
    query_get_counts(query, &lab->counts);
    query_stop(query);
    if (status == STATUS_OK && query_is_update(query) && !graph_edit_is_empty(options.graph))
        graph_lab_commit(&lab->graphs, options.graph);
    return status;
}

enum status query_lab_try(struct query_lab *lab, const char *text) {
    struct query *query;
    buf_clear(&lab->rows);
    lab->row_count = lab->steps = 0;
    enum status status = query_prepare(slice_from_text(text), &query);
    if (status == STATUS_OK)
        status = run(lab, query);
    else
        lab->fault = *query_fault(query);
    query_destroy(query);
    return status;
}

void query_lab_run(struct query_lab *lab, const char *text) {
    enum status status = query_lab_try(lab, text);
    if (status != STATUS_OK) fail_msg("%s: %s: %s", text, status_name(status), lab->fault.text);
}

void query_lab_expect(struct query_lab *lab, const char *text, const char *rows) {
    query_lab_run(lab, text);
    if (lab->rows.size > 0) lab->rows.size--; /* the last row's end */
    if (!slice_equal(buf_slice(&lab->rows), slice_from_text(rows)))
        fail_msg("%s\n  gives   %.*s\n  and not %s", text, (int)lab->rows.size, (const char *)lab->rows.data, rows);
}

void query_lab_expect_fault(struct query_lab *lab, const char *text, enum cypher_fault_code code) {
    enum status status = query_lab_try(lab, text);
    if (status == STATUS_OK) fail_msg("%s: runs", text);
    if (lab->fault.code != code)
        fail_msg("%s: %s: %s %s: %s", text, status_name(status), cypher_fault_type(lab->fault.code),
                 cypher_fault_detail(lab->fault.code), lab->fault.text);
}
