/* tck_judge: walks through the steps of a scenario; the first that does not hold decides. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/tck.h"

enum { PARAMETERS_MAX = 16, SNAPSHOT_PARTS = 4 };

/* What side effects are the difference of; each part a sorted list of rows. */
struct snapshot {
    struct buf *rows[SNAPSHOT_PARTS];
    size_t count[SNAPSHOT_PARTS];
};

struct judge {
    const struct tck_subject *subject;
    const char *graphs;
    char *reason;
    size_t reason_size;
    enum tck_verdict verdict;
    struct tck_parameter parameters[PARAMETERS_MAX];
    size_t parameter_count;
    struct tck_result result;
    struct snapshot before;
};

static bool says(struct slice text, const char *prefix) {
    return slice_has_prefix(text, slice_from_text(prefix));
}

__attribute__((format(printf, 3, 4))) static bool stop(struct judge *judge, enum tck_verdict verdict,
                                                       const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(judge->reason, judge->reason_size, format, arguments);
    va_end(arguments);
    judge->verdict = verdict;
    return false;
}

static void run(struct judge *judge, struct slice query, bool with_parameters) {
    arena_reset(&judge->result.arena);
    judge->result.rows = (struct tck_table){0};
    judge->result.fault = (struct cypher_fault){0};
    judge->subject->run(judge->subject->context, query, judge->parameters, with_parameters ? judge->parameter_count : 0,
                        &judge->result);
}

/* A query that has to work. */
static bool stop_at_fault(struct judge *judge, const char *what) {
    const struct cypher_fault *fault = &judge->result.fault;
    if (judge->result.outcome != TCK_FAULT) return true;
    if (fault->code == CYPHER_FAULT_UNSUPPORTED) return stop(judge, TCK_UNSUPPORTED, "%s", fault->text);
    return stop(judge, TCK_WRONG, "%s: %s %s: %s", what, cypher_fault_type(fault->code),
                cypher_fault_detail(fault->code), fault->text);
}

/* --- rows as sorted texts --- */

static int by_bytes(const void *a, const void *b) {
    return slice_compare(buf_slice(a), buf_slice(b));
}

static void rows_free(struct buf *rows, size_t count) {
    for (size_t i = 0; i < count; i++) buf_deinit(&rows[i]);
    free(rows);
}

/* The column of that name, SIZE_MAX if there is none. */
static size_t column_of(const struct tck_table *table, struct slice name) {
    for (size_t i = 0; i < table->columns; i++)
        if (slice_equal(table->cells[i], name)) return i;
    return SIZE_MAX;
}

/* Rows of the table behind its head, cells in one form in the order of `head`'s columns. NULL: a cell is no value. */
static struct buf *rows_make(const struct tck_table *table, const struct tck_table *head, bool sort_lists) {
    struct buf *rows = calloc(table->rows, sizeof *rows);
    if (!rows) abort();
    for (size_t row = 1; row < table->rows; row++)
        for (size_t i = 0; i < head->columns; i++) {
            const size_t column = column_of(table, head->cells[i]);
            const struct slice cell = table->cells[row * table->columns + column];
            if (tck_value_normalize(cell, sort_lists, &rows[row - 1]) != STATUS_OK ||
                buf_append_byte(&rows[row - 1], '|') != STATUS_OK) {
                rows_free(rows, table->rows);
                return NULL;
            }
        }
    return rows;
}

static bool check_columns(struct judge *judge, const struct tck_table *expected) {
    const struct tck_table *actual = &judge->result.rows;
    if (expected->columns != actual->columns)
        return stop(judge, TCK_WRONG, "%zu columns, expected %zu", actual->columns, expected->columns);
    for (size_t i = 0; i < expected->columns; i++)
        if (column_of(actual, expected->cells[i]) == SIZE_MAX)
            return stop(judge, TCK_WRONG, "no column '%.*s'", (int)expected->cells[i].size, expected->cells[i].data);
    return true;
}

static bool compare_rows(struct judge *judge, struct buf *expected, struct buf *actual, size_t count, bool ordered) {
    if (!ordered) {
        qsort(expected, count, sizeof *expected, by_bytes);
        qsort(actual, count, sizeof *actual, by_bytes);
    }
    for (size_t i = 0; i < count; i++)
        if (!slice_equal(buf_slice(&expected[i]), buf_slice(&actual[i])))
            return stop(judge, TCK_WRONG, "row %zu is %.*s, expected %.*s", i + 1, (int)actual[i].size, actual[i].data,
                        (int)expected[i].size, expected[i].data);
    return true;
}

static bool judge_rows(struct judge *judge, const struct tck_step *step, bool ordered, bool sort_lists) {
    const struct tck_table *expected = &step->table, *actual = &judge->result.rows;
    if (!stop_at_fault(judge, "the query fails")) return false;
    if (!check_columns(judge, expected)) return false;
    if (expected->rows != actual->rows)
        return stop(judge, TCK_WRONG, "%zu rows, expected %zu", actual->rows ? actual->rows - 1 : 0,
                    expected->rows - 1);
    struct buf *left = rows_make(expected, expected, sort_lists), *right = rows_make(actual, expected, sort_lists);
    const bool same = left && right ? compare_rows(judge, left, right, expected->rows - 1, ordered)
                                    : stop(judge, TCK_WRONG, "a cell is no value");
    if (left) rows_free(left, expected->rows);
    if (right) rows_free(right, actual->rows);
    return same;
}

static bool judge_empty(struct judge *judge) {
    if (!stop_at_fault(judge, "the query fails")) return false;
    const size_t rows = judge->result.rows.rows;
    return rows <= 1 || stop(judge, TCK_WRONG, "%zu rows, expected none", rows - 1);
}

/* --- side effects --- */

static void snapshot_free(struct snapshot *snapshot) {
    for (size_t i = 0; i < SNAPSHOT_PARTS; i++) rows_free(snapshot->rows[i], snapshot->count[i]);
    *snapshot = (struct snapshot){0};
}

static bool take_snapshot(struct judge *judge, struct snapshot *snapshot) {
    static const char *const queries[SNAPSHOT_PARTS] = {
        "MATCH (n) RETURN id(n) AS a",
        "MATCH ()-[r]->() RETURN id(r) AS a",
        "MATCH (n) UNWIND labels(n) AS l RETURN DISTINCT l AS a",
        ("MATCH (n) UNWIND keys(n) AS k RETURN 0 AS t, id(n) AS a, k, properties(n)[k] AS v"
         " UNION ALL MATCH ()-[n]->() UNWIND keys(n) AS k RETURN 1 AS t, id(n) AS a, k, properties(n)[k] AS v"),
    };
    *snapshot = (struct snapshot){0};
    for (size_t i = 0; i < SNAPSHOT_PARTS; i++) {
        run(judge, slice_from_text(queries[i]), false);
        if (!stop_at_fault(judge, "the graph can't be read")) return false;
        const struct tck_table *table = &judge->result.rows;
        snapshot->rows[i] = rows_make(table, table, false);
        snapshot->count[i] = table->rows;
        if (!snapshot->rows[i]) return stop(judge, TCK_WRONG, "the graph can't be read: a cell is no value");
        if (table->rows > 1) qsort(snapshot->rows[i], table->rows - 1, sizeof(struct buf), by_bytes);
    }
    return true;
}

/* Rows of `a` that `b` has not; both sorted. */
static size_t count_missing(const struct snapshot *a, const struct snapshot *b, size_t part) {
    size_t missing = 0, at = 0;
    for (size_t i = 0; i + 1 < a->count[part]; i++) {
        while (at + 1 < b->count[part] && by_bytes(&b->rows[part][at], &a->rows[part][i]) < 0) at++;
        const bool found = at + 1 < b->count[part] && by_bytes(&b->rows[part][at], &a->rows[part][i]) == 0;
        missing += !found;
        at += found;
    }
    return missing;
}

static long expected_effect(const struct tck_table *table, const char *name) {
    for (size_t row = 0; row < table->rows; row++)
        if (slice_equal(table->cells[row * 2], slice_from_text(name)))
            return strtol((const char *)table->cells[row * 2 + 1].data, NULL, 10);
    return 0;
}

static bool compare_effects(struct judge *judge, const struct snapshot *after, const struct tck_table *expected) {
    static const char *const names[SNAPSHOT_PARTS][2] = {{"+nodes", "-nodes"},
                                                         {"+relationships", "-relationships"},
                                                         {"+labels", "-labels"},
                                                         {"+properties", "-properties"}};
    for (size_t part = 0; part < SNAPSHOT_PARTS; part++)
        for (size_t sign = 0; sign < 2; sign++) {
            const size_t actual =
                sign == 0 ? count_missing(after, &judge->before, part) : count_missing(&judge->before, after, part);
            const long wanted = expected_effect(expected, names[part][sign]);
            if ((long)actual != wanted)
                return stop(judge, TCK_WRONG, "%s %zu, expected %ld", names[part][sign], actual, wanted);
        }
    return true;
}

static bool judge_effects(struct judge *judge, const struct tck_step *step) {
    struct snapshot after;
    const bool taken = take_snapshot(judge, &after);
    const bool same = taken && compare_effects(judge, &after, &step->table);
    snapshot_free(&after);
    return same;
}

/* --- errors --- */

/* "a TYPE should be raised at TIME: DETAIL" */
static bool judge_fault(struct judge *judge, struct slice text) {
    const struct cypher_fault *fault = &judge->result.fault;
    char expected[160];
    snprintf(expected, sizeof expected, "%.*s", (int)text.size, text.data);
    const char *colon = strrchr(expected, ':');
    const char *detail = colon ? colon + 2 : "*";
    if (judge->result.outcome != TCK_FAULT) return stop(judge, TCK_WRONG, "accepted, expected %s", expected);
    if (fault->code == CYPHER_FAULT_UNSUPPORTED) return stop(judge, TCK_UNSUPPORTED, "%s", fault->text);
    const char *type = cypher_fault_type(fault->code);
    const char *article = strchr(expected, ' ');
    const bool same_type = article && strncmp(article + 1, type, strlen(type)) == 0;
    if (same_type && (strcmp(detail, "*") == 0 || strcmp(detail, cypher_fault_detail(fault->code)) == 0)) return true;
    return stop(judge, TCK_WRONG, "%s %s: %s, expected %s", type, cypher_fault_detail(fault->code), fault->text,
                expected);
}

/* --- steps --- */

static bool load_graph(struct judge *judge, struct slice text) {
    char path[512], name[128];
    snprintf(name, sizeof name, "%.*s", (int)(text.size - strlen("the  graph")), text.data + strlen("the "));
    snprintf(path, sizeof path, "%s/%s/%s.cypher", judge->graphs, name, name);
    FILE *file = fopen(path, "rb");
    if (!file) return stop(judge, TCK_WRONG, "there is no graph %s", path);
    static char content[1 << 20];
    const size_t size = fread(content, 1, sizeof content, file);
    fclose(file);
    judge->subject->clear(judge->subject->context);
    run(judge, slice_make(content, size), false);
    return stop_at_fault(judge, "the named graph fails");
}

static bool take_parameters(struct judge *judge, const struct tck_table *table) {
    for (size_t row = 0; row < table->rows; row++) {
        if (judge->parameter_count == PARAMETERS_MAX) return stop(judge, TCK_WRONG, "too many parameters");
        judge->parameters[judge->parameter_count++] =
            (struct tck_parameter){table->cells[row * 2], table->cells[row * 2 + 1]};
    }
    return true;
}

static bool execute(struct judge *judge, struct slice query) {
    snapshot_free(&judge->before);
    if (!take_snapshot(judge, &judge->before)) return false;
    run(judge, query, true);
    return true;
}

static bool judge_step(struct judge *judge, const struct tck_step *step) {
    const struct slice text = step->text;
    if (says(text, "an empty graph") || says(text, "any graph")) {
        judge->subject->clear(judge->subject->context);
        return true;
    }
    if (says(text, "the binary-tree")) return load_graph(judge, text);
    if (says(text, "parameters are:")) return take_parameters(judge, &step->table);
    if (says(text, "there exists a procedure"))
        return judge->subject->procedure(judge->subject->context, slice_from(text, strlen("there exists a procedure ")),
                                         &step->table) ||
               stop(judge, TCK_UNSUPPORTED, "a procedure of the scenario");
    if (says(text, "having executed:")) {
        run(judge, step->document, false);
        return stop_at_fault(judge, "the preparation fails");
    }
    if (says(text, "executing query:") || says(text, "executing control query:")) return execute(judge, step->document);
    if (says(text, "the result should be empty")) return judge_empty(judge);
    if (says(text, "the result should be"))
        return judge_rows(judge, step, says(text, "the result should be, in order"),
                          memmem(text.data, text.size, "ignoring element order", 22) != NULL);
    if (says(text, "no side effects") || says(text, "the side effects should be:")) return judge_effects(judge, step);
    if (memmem(text.data, text.size, "should be raised", 16)) return judge_fault(judge, text);
    return stop(judge, TCK_WRONG, "an unknown step: %.*s", (int)text.size, text.data);
}

enum tck_verdict tck_judge(const struct tck_subject *subject, const struct tck_scenario *scenario, const char *graphs,
                           char *reason, size_t reason_size) {
    struct judge judge = {
        .subject = subject, .graphs = graphs, .reason = reason, .reason_size = reason_size, .verdict = TCK_PASSED};
    reason[0] = '\0';
    arena_init(&judge.result.arena, 1 << 16);
    subject->clear(subject->context);
    const struct tck_step *step = scenario->steps;
    while (step && judge_step(&judge, step)) step = step->next;
    snapshot_free(&judge.before);
    arena_deinit(&judge.result.arena);
    return judge.verdict;
}
