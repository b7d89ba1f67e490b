/*
 * linearize: is there one order of the operations that respects real time and that the model could have answered?
 * (Herlihy and Wing 1990.)
 *
 * The search is that of Wing and Gong (1993) with Lowe's cache of configurations (2017): depth first over the
 * operations that no other one precedes, never twice from the same (set of placed operations, state). Keys are judged
 * apart (a history is linearizable if and only if each key's is); an operation has one key. Operations that change
 * nothing are placed at once where they fit; of equal pending ones only the oldest is tried; a pending one that changes
 * nothing is never tried; having used up fewer pending ones is never worse. Memory and steps are bounded: past a bound
 * the verdict is UNDECIDED. Histories with up to 16 clients at a time on a key and distinct values take some ten steps
 * an operation; twice as many may reach the bound.
 */
#ifndef TOOLS_JUDGE_LINEARIZE_H
#define TOOLS_JUDGE_LINEARIZE_H

#include "engine/base/buf.h"
#include "tools/judge/history.h"

/* A sequential object. A state is a run of bytes; equal bytes are equal states. */
struct linearize_model {
    const char *name;
    const char *const *kind_names; /* by history_op.kind */
    uint32_t kind_count;
    struct slice initial; /* of a key that nobody has touched */

    /*
     * May `op`, run in `state`, answer what its client was told? (A pending one may answer anything.) If so *possible
     * is true and the state after it is appended to `next` (empty on entry). Only NO_MEMORY can fail.
     */
    enum status (*step)(const struct history_op *op, struct slice state, bool *possible, struct buf *next);

    /*
     * True if `op` with its answer leaves every state as it is, so that it may be placed at once wherever it is
     * possible; of a pending one: if no answer could have meant a change.
     */
    bool (*is_pure)(const struct history_op *op);

    /*
     * Optional: false if the returned `op` can have its answer neither in `state` nor in any state that some of
     * `others` (in any order, each once) lead to from there. It cuts branches early; a wrong false makes verdicts
     * wrong.
     */
    bool (*is_reachable)(const struct history_op *op, struct slice state, const struct history_op *const *others,
                         size_t count);
};

enum linearize_verdict { LINEARIZE_YES, LINEARIZE_NO, LINEARIZE_UNDECIDED };

struct linearize_options {
    uint64_t max_steps; /* model steps for one key; 0: the default */
    size_t max_bytes;   /* memory for one key; 0: the default */
};

#define LINEARIZE_DEFAULT_STEPS ((uint64_t)20 * 1000 * 1000)
#define LINEARIZE_DEFAULT_BYTES ((size_t)256 * 1024 * 1024)

struct linearize_report {
    enum linearize_verdict verdict; /* NO if any key says no, else UNDECIDED if any key is, else YES */
    size_t keys;
    size_t operations; /* that were looked at */
    uint64_t steps;
    size_t undecided_keys; /* with NO: those that a short look did not decide */
    struct buf text;       /* NO, UNDECIDED: the first such key explained, in lines; not ended by a NUL */
};

const char *linearize_verdict_name(enum linearize_verdict verdict);

/* Judges `history`. OK with a report (the caller calls linearize_report_deinit), NO_MEMORY, or INVALID when an op's
 * kind is not the model's. */
MUST_CHECK enum status linearize(const struct linearize_model *model, const struct history *history,
                                 const struct linearize_options *options, struct linearize_report *report);
void linearize_report_deinit(struct linearize_report *report);

#endif
