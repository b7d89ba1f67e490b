/*
 * timers: a pairing heap of TIMER operations, linked through the operations themselves, so that a timer costs no memory
 * and no system call: the loop waits until the root's deadline.
 *
 * Order: earliest deadline first, then earliest submission. Source: Fredman, Sedgewick, Sleator, Tarjan, "The pairing
 * heap" (1986).
 */
#include "engine/io/machine.h"

static bool comes_before(struct io_op *a, struct io_op *b) {
    if (a->deadline_ns != b->deadline_ns) return a->deadline_ns < b->deadline_ns;
    return op_state(a)->sequence < op_state(b)->sequence;
}

/* Both are roots; either may be NULL. */
static struct io_op *meld(struct io_op *a, struct io_op *b) {
    if (!a) return b;
    if (!b) return a;
    if (comes_before(b, a)) {
        struct io_op *swap = a;
        a = b;
        b = swap;
    }
    struct op_state *parent = op_state(a), *child = op_state(b);
    child->next = parent->child;
    child->previous = a;
    if (parent->child) op_state(parent->child)->previous = b;
    parent->child = b;
    return a;
}

/* Joins a list of siblings into one heap: pairs from left to right, then the pairs from right to left. */
static struct io_op *meld_siblings(struct io_op *first) {
    struct io_op *pairs = NULL; /* a stack, linked by next */
    while (first) {
        struct io_op *a = first, *b = op_state(a)->next;
        first = b ? op_state(b)->next : NULL;
        op_state(a)->next = NULL;
        if (b) op_state(b)->next = NULL;
        a = meld(a, b);
        op_state(a)->next = pairs;
        pairs = a;
    }
    struct io_op *root = NULL;
    while (pairs) {
        struct io_op *next = op_state(pairs)->next;
        op_state(pairs)->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void timers_add(struct timers *timers, struct io_op *op) {
    struct op_state *state = op_state(op);
    state->place = OP_PLACE_TIMER;
    state->child = state->next = state->previous = NULL;
    state->sequence = timers->sequence++;
    timers->root = meld(timers->root, op);
}

void timers_remove(struct timers *timers, struct io_op *op) {
    struct op_state *state = op_state(op);
    struct io_op *below = meld_siblings(state->child);
    if (op == timers->root) {
        timers->root = below;
        if (below) op_state(below)->previous = NULL;
        return;
    }
    struct op_state *previous = op_state(state->previous);
    if (previous->child == op)
        previous->child = state->next;
    else
        previous->next = state->next;
    if (state->next) op_state(state->next)->previous = state->previous;
    if (below) op_state(below)->previous = NULL;
    timers->root = meld(timers->root, below);
}

struct io_op *timers_pop_due(struct timers *timers, uint64_t now_ns) {
    struct io_op *op = timers->root;
    if (!op || op->deadline_ns > now_ns) return NULL;
    timers_remove(timers, op);
    return op;
}
