/*
 * cypher_fuzz: any bytes as a query. What parses is printed, and what is printed reads back as the same; what passes
 * the checks has a plan that can be explained. Whatever is refused says why, in one line.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/cypher/parser.h"
#include "graph/cypher/plan.h"
#include "graph/query.h"
#include "tests/harness/cypher_print.h"
#include "tests/harness/graph_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault_text(const struct cypher_fault *fault) {
    check(fault->code != CYPHER_FAULT_NONE && fault->code < CYPHER_FAULT_COUNT);
    check(fault->text[0] != '\0' && strlen(fault->text) < sizeof fault->text && !strchr(fault->text, '\n'));
}

/* Brackets around everything may nest deeper than the text did. */
static void read_back(struct slice text) {
    struct arena arena;
    struct cypher_statement statement;
    struct cypher_fault fault;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    arena_init(&arena, 1 << 14);
    if (cypher_parse(&arena, text, &statement, &fault) == STATUS_OK) {
        cypher_print_statement(&statement, &first);
        const enum status status = cypher_parse(&arena, buf_slice(&first), &statement, &fault);
        check(status == STATUS_OK || status == STATUS_TOO_LARGE);
        if (status == STATUS_OK) cypher_print_statement(&statement, &second);
        check(status != STATUS_OK || slice_equal(buf_slice(&first), buf_slice(&second)));
    } else {
        check_fault_text(&fault);
    }
    buf_deinit(&first);
    buf_deinit(&second);
    arena_deinit(&arena);
}

static const struct cypher_procedure *find_procedure(void *context, struct slice name) {
    static const struct cypher_field arguments[] = {{"a", CYPHER_TYPE_NUMBER}, {"b", CYPHER_TYPE_ANY}};
    static const struct cypher_field fields[] = {{"x", CYPHER_TYPE_NODE}, {"y", CYPHER_TYPE_FLOAT}};
    static const struct cypher_procedure procedures[] = {
        {.name = "p", .arguments = arguments, .argument_count = 2, .fields = fields, .field_count = 2}};
    (void)context;
    return slice_equal(name, slice_from_text("p")) ? procedures : NULL;
}

static void plan_it(struct slice text) {
    const struct cypher_catalogue catalogue = {.find = find_procedure};
    struct arena arena;
    struct plan plan;
    struct cypher_fault fault;
    struct buf lines = BUF_EMPTY;
    arena_init(&arena, 1 << 14);
    if (cypher_prepare(&arena, text, &catalogue, &plan, &fault) == STATUS_OK) {
        check(plan.root->height <= PLAN_HEIGHT_MAX && plan.slot_count >= plan.statement->slot_count);
        check(plan_explain(&plan, &lines) == STATUS_OK && lines.size > 0 && lines.data[lines.size - 1] == '\n');
    } else {
        check_fault_text(&fault);
    }
    buf_deinit(&lines);
    arena_deinit(&arena);
}

/* --- running --- */

static enum status step_some(struct query *query, struct graph *graph) {
    enum { STEPS_MAX = 20, WORK = 200, MEMORY_BYTES = 8 << 20 };
    const struct query_options options = {.graph = graph, .seed = 1, .memory_limit_bytes = MEMORY_BYTES};
    enum status status = query_start(query, &options);
    if (status == STATUS_OK) status = STATUS_BUSY;
    for (unsigned i = 0; i < STEPS_MAX && status == STATUS_BUSY; i++) status = query_step(query, WORK);
    return status;
}

static void run_text(struct graph_lab *lab, struct slice text, bool commits) {
    struct query *query;
    if (query_prepare(text, &query) == STATUS_OK) {
        struct graph *graph = graph_lab_open(lab, "g");
        const enum status status = step_some(query, graph);
        check(status != STATUS_CORRUPT && status != STATUS_IO);
        query_stop(query);
        if (commits) graph_lab_commit(lab, graph);
    }
    query_destroy(query);
}

/* One for the life of the program: what is tried is never committed. */
static struct graph_lab *small_graph(void) {
    static struct graph_lab *lab;
    struct error error;
    if (lab) return lab;
    lab = calloc(1, sizeof *lab);
    check(lab != NULL);
    graph_lab_init(lab, NULL, 1, NULL);
    check(graph_lab_open_engine(lab, &error) == STATUS_OK);
    run_text(lab,
             slice_from_text("CREATE (a:A {x: 1})-[:T {w: 1.5}]->(b:B {x: 'b'})-[:T]->(c:A:B {x: [1, 2]})-[:U]->(a),"
                             " (c)-[:U]->(c), (d)"),
             true);
    return lab;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_back(slice_make(data, size));
    plan_it(slice_make(data, size));
    run_text(small_graph(), slice_make(data, size), false);
    return 0;
}
