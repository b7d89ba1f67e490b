/* command_table: the rows of commands.def, found by binary search: the table is sorted (a test checks it). */
#include <strings.h>

#include "tools/loamd/call.h"
#include "tools/loamd/commands.h"

#define SLOW COMMAND_SLOW
#define NO_AUTH COMMAND_NO_AUTH
#define FAST COMMAND_FAST
#define ADMIN COMMAND_ADMIN
#define LAB COMMAND_LAB
#define ENDS COMMAND_ENDS
#define DENY_OOM COMMAND_DENY_OOM
#define SIZED COMMAND_SIZED
#define QUERY COMMAND_QUERY
#define ROW(name_, kind_, store_, arity_, flags_, first_, last_, step_, handler_, group_, since_, summary_,            \
            complexity_)                                                                                               \
    {.name = name_,                                                                                                    \
     .kind = COMMAND_##kind_,                                                                                          \
     .store = store_,                                                                                                  \
     .arity = arity_,                                                                                                  \
     .flags = flags_,                                                                                                  \
     .first_key = first_,                                                                                              \
     .last_key = last_,                                                                                                \
     .key_step = step_,                                                                                                \
     .handler = handler_,                                                                                              \
     .group = group_,                                                                                                  \
     .since = since_,                                                                                                  \
     .summary = summary_,                                                                                              \
     .complexity = complexity_},
static const struct command table[] = {
#include "tools/loamd/commands.def"
};
#undef ROW
enum { COMMAND_COUNT = sizeof table / sizeof table[0] };

const struct command *command_at(size_t i) {
    return i < COMMAND_COUNT ? &table[i] : NULL;
}

/* As strcasecmp of the name with a row's. */
static int compare_name(struct slice name, const char *row_name) {
    size_t size = strlen(row_name);
    size_t common = name.size < size ? name.size : size;
    int order = common ? strncasecmp((const char *)name.data, row_name, common) : 0;
    return order ? order : (name.size > size) - (name.size < size);
}

const struct command *command_find(struct slice name) {
    size_t low = 0, high = COMMAND_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(name, table[middle].name);
        if (order == 0) return &table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
