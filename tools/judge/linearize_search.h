/*
 * linearize_search: the search for one order of the operations on one key (linearize.h), with what is needed to explain
 * a failure.
 */
#ifndef TOOLS_JUDGE_LINEARIZE_SEARCH_H
#define TOOLS_JUDGE_LINEARIZE_SEARCH_H

#include "tools/judge/linearize.h"
#include "tools/judge/linearize_seen.h"

enum { LINEARIZE_TAIL = 12 }; /* operations before the failure that an explanation shows */

/* An operation of the key, in the order of invocation. */
struct linearize_item {
    const struct history_op *op;
    struct linearize_event *call;
    bool is_pending;
    bool is_pure;
    bool is_placed;
    uint32_t bit;  /* its number among the returned ones, or among the pending ones */
    uint32_t twin; /* item + 1 of the next older pending one that does the same; 0: none */
};

/* A call or a return, in a list in the order of time from which placed operations are taken out. */
struct linearize_event {
    struct linearize_event *prev;
    struct linearize_event *next;
    struct linearize_event *match; /* of a call: its return, or NULL */
    uint32_t item;
    bool is_return;
};

struct linearize_move {
    uint32_t item;
    uint32_t state_before;
    bool is_forced; /* a pure operation: no other choice was worth trying */
};

struct linearize_search {
    const struct linearize_model *model;
    bool looks_ahead; /* cuts branches by the model's is_reachable; `blocked` is then only where the search got, not a
                         proof */
    struct linearize_item *items;
    size_t item_count;
    struct linearize_event *events; /* [0] is the head of the list, then calls and returns in the order of time */
    size_t event_count;             /* with the head */
    size_t returned_left;           /* returned operations that are not placed yet */
    size_t returned_count;
    size_t pending_count;

    uint64_t *returned_bits; /* placed ones */
    uint64_t *pending_bits;
    size_t first_unplaced;            /* the lowest returned bit that is not set */
    uint64_t *words;                  /* a configuration, built here */
    const struct history_op **others; /* those that may come before one, listed here */

    uint32_t state;
    struct linearize_seen seen;
    struct linearize_move *moves; /* a stack: the order so far */
    size_t move_count;
    struct buf next; /* the state that a step gives */
    uint64_t steps;
    uint64_t max_steps;

    /* The furthest return that no order could get past, and one order that came up to it. */
    const struct linearize_event *blocked; /* NULL: none yet */
    size_t blocked_placed;
    uint32_t blocked_state;
    uint32_t tail[LINEARIZE_TAIL];
    size_t tail_count;
};

/* Over `count` operations of one key, none refused, by time of invocation. NO_MEMORY leaves nothing to deinit. */
MUST_CHECK enum status linearize_search_init(struct linearize_search *search, const struct linearize_model *model,
                                             const struct history_op *const *ops, size_t count,
                                             const struct linearize_options *options);
void linearize_search_deinit(struct linearize_search *search);

MUST_CHECK enum status linearize_search_run(struct linearize_search *search, enum linearize_verdict *verdict);

/* Appends lines that say why the search gave `verdict` (NO or UNDECIDED). */
MUST_CHECK enum status linearize_explain(const struct linearize_search *search, enum linearize_verdict verdict,
                                         struct buf *text);

#endif
