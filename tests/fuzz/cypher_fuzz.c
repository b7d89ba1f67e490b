/*
 * cypher_fuzz: any bytes as a query. What parses is printed, and what is printed reads back as the same; what passes
 * the checks has a plan that can be explained. Whatever is refused says why, in one line.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/cypher/parser.h"
#include "graph/cypher/plan.h"
#include "tests/harness/cypher_print.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_back(slice_make(data, size));
    plan_it(slice_make(data, size));
    return 0;
}
