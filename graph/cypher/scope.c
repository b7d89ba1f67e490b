/* scope: names to variables. A stack of declarations; a name finds the latest, in constant time. */
#include "graph/cypher/checking.h"

struct variable *scope_find(const struct checking *checking, struct slice name) {
    const uint32_t symbol = symbols_find(&checking->symbols, name);
    return symbol == SYMBOL_NONE ? NULL : checking->bound[symbol];
}

/* An array of pointers with room for one more than `count`. */
static bool grow(struct checking *checking, struct variable ***items, uint32_t *capacity, uint32_t count) {
    if (count < *capacity) return true;
    const uint32_t wanted = count ? count * 2 : 16;
    struct variable **more = cypher_alloc(&checking->memory, wanted * sizeof(struct variable *));
    if (!more) return false;
    if (*capacity) memcpy(more, *items, *capacity * sizeof(struct variable *));
    *items = more;
    *capacity = wanted;
    return true;
}

bool scope_slot(struct checking *checking, struct cypher_place place, uint32_t *slot) {
    *slot = checking->statement->slot_count;
    if (*slot >= CYPHER_SLOTS_MAX)
        return check_fault(checking, CYPHER_FAULT_TOO_LARGE, place,
                           "too many variables, named and unnamed: split the query, or use UNWIND");
    checking->statement->slot_count++;
    return true;
}

struct variable *scope_declare_slot(struct checking *checking, struct slice name, uint16_t type, uint32_t slot) {
    struct variable *variable = cypher_alloc(&checking->memory, sizeof *variable);
    if (!variable) return NULL;
    const struct cypher_place nowhere = {0, 0};
    if (symbols_add(&checking->symbols, name, &variable->symbol))
        return check_fault(checking, CYPHER_FAULT_NO_MEMORY, nowhere, "out of memory"), NULL;
    if (!grow(checking, &checking->bound, &checking->bound_capacity, variable->symbol) ||
        !grow(checking, &checking->visible, &checking->visible_capacity, checking->visible_count))
        return NULL;
    variable->name = name;
    variable->type = type;
    variable->slot = slot;
    variable->element = CYPHER_TYPE_ANY;
    variable->clause = checking->clause;
    variable->shadowed = checking->bound[variable->symbol];
    checking->bound[variable->symbol] = variable;
    checking->visible[checking->visible_count++] = variable;
    return variable;
}

struct variable *scope_declare(struct checking *checking, struct slice name, uint16_t type) {
    const struct cypher_place nowhere = {0, 0};
    uint32_t slot;
    return scope_slot(checking, nowhere, &slot) ? scope_declare_slot(checking, name, type, slot) : NULL;
}

void scope_leave(struct checking *checking, uint32_t mark) {
    while (checking->visible_count > mark) {
        const struct variable *variable = checking->visible[--checking->visible_count];
        checking->bound[variable->symbol] = variable->shadowed;
    }
}

/* --- faults --- */

bool check_fault(struct checking *checking, enum cypher_fault_code code, struct cypher_place place, const char *what) {
    cypher_fault_set(checking->fault, code, place, "%s", what);
    return false;
}

bool check_fault_name(struct checking *checking, enum cypher_fault_code code, struct cypher_place place,
                      struct slice name, const char *what) {
    enum { SHOWN_BYTES = 60 };
    const bool cut = name.size > SHOWN_BYTES;
    cypher_fault_set(checking->fault, code, place, "'%.*s%s' %s", (int)(cut ? SHOWN_BYTES : name.size),
                     (const char *)name.data, cut ? "..." : "", what);
    return false;
}

bool check_unsupported(struct checking *checking, struct cypher_place place, const char *what) {
    cypher_fault_unsupported(checking->fault, place, what);
    return false;
}

bool check_work(struct checking *checking) {
    enum { WORK_MAX = 50 * 1000 * 1000 };
    const struct cypher_place nowhere = {0, 0};
    if (checking->work <= WORK_MAX) return true;
    return check_fault(checking, CYPHER_FAULT_TOO_LARGE, nowhere,
                       "the columns and expressions of a WITH or RETURN are too many to be compared");
}
