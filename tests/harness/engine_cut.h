/*
 * engine_cut: the power goes at one I/O of an engine's life. The disk is cloned there, the clone loses any part of what
 * is unsynced, and an engine opened on what is left:
 *  - what it holds is exactly the model after some batch n: no part of a batch, no reordering, no value of another
 *    time;
 *  - n is at least the last batch that was acknowledged as durable, at most the last that was handed in; without a log
 *    of its own at least what a flush installed, at most what the owner's log was said to hold;
 *  - verify finds nothing;
 *  - the format level is the store's, or the one of an upgrade that was asked for, and that one once it was said to be
 *    done;
 *  - finished checkpoints and backups hold exactly what they held when they were made.
 * Some recoveries are cut, too, and each recovered store goes on and is cut again.
 *
 * In a third of the cases (where something was unsynced) an unsynced write also went astray: it stands over stored
 * sectors of another place. Then the store may refuse to open, or fail a read, in words; but what it does answer must
 * be true, what a read meets verify must find, and acknowledged batches are not missing in silence. Half of those that
 * were noticed are repaired, with a cut in the midst: the store opens, verifies, and shows no value that nobody wrote.
 */
#ifndef TESTS_HARNESS_ENGINE_CUT_H
#define TESTS_HARNESS_ENGINE_CUT_H

#include "tests/harness/engine_life.h"

/* What was reached, over all cases. */
struct cut_totals {
    uint64_t points; /* moments at which the power went */
    uint64_t recoveries_cut;
    uint64_t lost_batches;  /* handed in, not kept: rightly so */
    uint64_t kept_unsynced; /* kept without a promise */
    uint64_t torn;          /* pages that were kept in part */
    uint64_t checkpoints_read, backups_read;
    uint64_t strays, strays_refused, strays_met, strays_harmless;
    uint64_t strays_shorter; /* zeros over the last of a log or manifest: as if never written */
    uint64_t repairs, repairs_cut;
    uint64_t guesses;      /* repaired, and the log writes into trees that no edit names any more */
    uint64_t unrepairable; /* an owner's store whose manifest is lost, or nothing of one */
};

/* One case: the I/O's number is its seed. The test fails with the life's seed and that number. */
void cut_run(const struct life *life, const struct sim_disk *disk, uint64_t number, struct cut_totals *totals);

#endif
