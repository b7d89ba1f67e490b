/*
 * lease: reads that a leader serves without asking anybody ("LeaseGuard", Davis, Demirbas, Deng, 2025). The log is the
 * lease: it lasts so long from the moment when the newest committed entry of the leader's own term was made; and every
 * node, when it comes to lead, commits nothing until the last entry of former terms has stood in its own log for its
 * *guard* (it "guards"). Whoever leads next has that committed entry (Leader Completeness, 3.6.3), and received it
 * after it was made: so while a leader holds a lease nobody else commits. Elections are as they were; no message is
 * added.
 *
 * Each side measures elapsed time on its own steady clock. All that is asked of clocks is that they run no more than
 * drift_permille faster or slower than true time: lease <= guard * (1 - drift) / (1 + drift).
 *
 * Which moment is taken where, so that a stale clock errs to the safe side: a leader dates an entry by the last CLOCK
 * before it was made (too early: the lease ends too early); a node dates the end of its log by the next CLOCK after it
 * has changed (too late: it guards too long); a read is served by lease only if a CLOCK has come after the read (a
 * leader that was paused in between finds its lease over; one that is paused later answers as of the CLOCK, at which it
 * was the only one to commit, and that lies between question and answer).
 *
 * Beyond what the paper has: nodes tell each other how long they guard (RAFT_EVENT_GUARD), and a lease is no longer
 * than the shortest guard of all members, so that neither a difference in options nor a member of a version without
 * guards does harm; a lease begins anew with each configuration, and none is held while a change of it is pending; a
 * leader that has told another to campaign holds none for the rest of its term, for which that other need not guard.
 * What the paper has and this has not: inherited leases, the reads of a new leader that still guards. With a guard no
 * longer than an election timeout there is nothing left to guard when an election has come about by itself.
 */
#ifndef RAFT_CORE_LEASE_H
#define RAFT_CORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

enum { LEASE_MARKS_MAX = 32 };

/* A leader's: when it made which entry. Not every entry has one: those in between count as made at the mark before. */
struct lease_mark {
    uint64_t index, made_ms;
};

struct lease {
    uint64_t clocks; /* CLOCK events so far */

    /* Any node's: since when the end of the log stands. */
    bool end_is_new; /* it has changed since the last CLOCK */
    uint64_t end_ms;
    bool was_recovered;    /* before the first CLOCK: the log is a former life's */
    uint64_t recovered_ms; /* 0 = it is not */

    /* A leader's, this term. */
    bool guards;
    bool is_given_up;
    uint64_t from_ms; /* the newest committed entry of this term and configuration was made; 0 = there is none */
    struct lease_mark marks[LEASE_MARKS_MAX]; /* ring, ascending, above the commit index */
    unsigned mark_head, mark_count;
    uint64_t newest_ms; /* the last entry was made */

    uint64_t wanted_ms; /* when the reads began that are counted: whether an entry is worth its while */
    unsigned wanted;
    uint64_t served; /* reads, in this life */
};

#endif
