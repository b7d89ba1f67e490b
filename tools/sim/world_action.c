#include "tools/sim/world_action.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "tools/sim/sim_alloc.h"

void world_command_add(struct world_command *command, const char *format, ...) {
    va_list arguments;
    check(command->count < WORLD_ARGS_MAX);
    char *text = command->texts[command->count];
    va_start(arguments, format);
    vsnprintf(text, WORLD_ARG_BYTES, format, arguments);
    va_end(arguments);
    command->args[command->count] = slice_from_text(text);
    command->count++;
}

const struct world_action_row *world_action_row(enum world_action action) {
    const struct world_action_rows *const stores[] = {&world_kv_actions, &world_series_actions, &world_graph_actions};
    size_t at = action;
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        if (at < stores[i]->count) {
            check(stores[i]->rows[at].action == action);
            return &stores[i]->rows[at];
        }
        at -= stores[i]->count;
    }
    check(false);
    return NULL;
}

bool world_read_number(struct slice text, int64_t *number) {
    char digits[24];
    char *end;
    if (text.size == 0 || text.size >= sizeof digits) return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    *number = strtoll(digits, &end, 10);
    return *end == '\0';
}

void world_take_tokens(struct world_operation *operation, size_t count) {
    sim_free(operation->tokens);
    operation->tokens = sim_alloc((count + 1) * sizeof *operation->tokens);
    operation->token_count = count;
}

static int by_token(const void *a, const void *b) {
    const uint64_t *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

void world_sort_tokens(struct world_operation *operation, size_t first) {
    qsort(operation->tokens + first, operation->token_count - first, sizeof *operation->tokens, by_token);
}
