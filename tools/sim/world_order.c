/*
 * world_order: real time against a witness. The answers of an object's operations tell in which of its states each one
 * saw or left it; whatever had ended before an operation began must be in what it saw.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_private.h"

static int by_invocation(const void *a, const void *b) {
    const struct world_step *first = a, *second = b;
    if (first->invoked_ns != second->invoked_ns) return first->invoked_ns < second->invoked_ns ? -1 : 1;
    return (first->operation > second->operation) - (first->operation < second->operation);
}

static int by_return(const void *a, const void *b) {
    const struct world_step *const *first = a, *const *second = b;
    return ((*first)->returned_ns > (*second)->returned_ns) - ((*first)->returned_ns < (*second)->returned_ns);
}

void world_steps_add(struct world *world, struct world_steps *steps, size_t number, uint64_t shows, uint64_t above) {
    const struct world_operation *operation = &world->history[number];
    struct world_step *step = &steps->items[steps->count++];
    *step = (struct world_step){.invoked_ns = operation->invoked_ns,
                                .returned_ns = operation->outcome == WORLD_DONE ? operation->returned_ns : UINT64_MAX,
                                .shows = shows,
                                .above = above,
                                .operation = number};
}

void world_steps_judge(struct world *world, const char *object, unsigned key, struct world_steps *steps) {
    const struct world_step **ended = sim_alloc((steps->count + 1) * sizeof *ended);
    qsort(steps->items, steps->count, sizeof *steps->items, by_invocation);
    for (size_t i = 0; i < steps->count; i++) ended[i] = &steps->items[i];
    qsort(ended, steps->count, sizeof *ended, by_return);
    uint64_t floor = 0;
    size_t next = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const struct world_step *step = &steps->items[i];
        for (; next < steps->count && ended[next]->returned_ns < step->invoked_ns; next++) {
            if (ended[next]->shows > floor) floor = ended[next]->shows;
        }
        if (step->shows >= floor + step->above) continue;
        world_break(world, WORLD_BROKEN,
                    "not linearizable: %s %u: operation %" PRIu64 " shows state %" PRIu64 " of it, but state %" PRIu64
                    " had been acknowledged or read before it began",
                    object, key, step->operation, step->shows, floor);
    }
    sim_free(ended);
}
