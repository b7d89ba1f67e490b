/*
 * raft_compare: the logs of a cluster's nodes side by side: where they agree, where they part, what stands on a
 * majority, who could be elected with these logs, and what that means for entries that nobody knows to be committed.
 * Pure: views in, spans and findings out.
 *
 * Two logs that have an entry of the same term at the same index are the same up to there (Raft's log matching); so
 * what is compared is terms, and bytes only to see whether that promise holds.
 */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_COMPARE_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_COMPARE_H

#include "tools/loam/inspect/raftview/raft_view.h"

enum {
    RAFT_COMPARE_NODES_MAX = RAFT_MEMBERS_MAX,
    RAFT_COMPARE_SPANS_MAX = 4096, /* more are counted */
    RAFT_COMPARE_PROBLEMS_MAX = 16,
};

/* What becomes of entries of one term at one place when these nodes, and no others, elect a leader. */
enum raft_fate {
    RAFT_FATE_COMMITTED, /* some node knows it */
    RAFT_FATE_STAYS,     /* whoever can be elected has them */
    RAFT_FATE_MAY_GO,    /* some who can be elected lack them; or a voter's log is not here */
    RAFT_FATE_GOES,      /* nobody who can be elected has them */
};

/* Entries at a place on which all who have something there agree, or of one of several terms that were given to it. */
struct raft_branch {
    uint64_t first_term, last_term;
    unsigned holders; /* bits: number in the comparison; whoever has it in his store counts */
    bool on_quorum;   /* of the newest configuration */
    enum raft_fate fate;
};

/* Indexes at which every node is in one state. */
struct raft_span {
    uint64_t first, last;
    uint8_t at[RAFT_COMPARE_NODES_MAX];     /* enum raft_view_at */
    uint8_t branch[RAFT_COMPARE_NODES_MAX]; /* where HELD */
    unsigned branch_count;                  /* more than one: the logs part; 0: nobody has a row */
    struct raft_branch branches[RAFT_COMPARE_NODES_MAX];
};

struct raft_standing {
    uint64_t agrees_to;      /* with the best log; store included */
    uint64_t behind;         /* entries of the best log that it lacks */
    uint64_t parts_at;       /* first index where it has another term than the best log; 0 = nowhere */
    uint64_t lost;           /* entries */
    bool is_voter, can_lead; /* could be elected: a majority's logs are no better than its own */
    unsigned votes;          /* that it could get */
};

struct raft_compare {
    const struct raft_view *const *views; /* borrowed */
    size_t count;
    size_t best;                             /* of the greatest last term, and of those the longest */
    uint64_t commit;                         /* the greatest that a node knows */
    struct raft_configuration configuration; /* the newest; without voters: nobody has met anybody */
    uint64_t configuration_index;            /* 0: no change of members is recorded, they are who have met */
    unsigned missing_voters;                 /* whose directories are not here */
    struct raft_standing standings[RAFT_COMPARE_NODES_MAX];
    uint64_t parts_at;       /* the first of all; 0 = nowhere */
    struct raft_span *spans; /* owned; ascending */
    size_t span_count;       /* may be above RAFT_COMPARE_SPANS_MAX, of which the last are kept */
    char problems[RAFT_COMPARE_PROBLEMS_MAX][RAFT_VIEW_TEXT_BYTES];
    size_t problem_count;
};

/* views: borrowed until raft_compare_deinit. NO_MEMORY; TOO_LARGE: more than RAFT_COMPARE_NODES_MAX. */
MUST_CHECK enum status raft_compare_make(const struct raft_view *const *views, size_t count,
                                         struct raft_compare *compare);
void raft_compare_deinit(struct raft_compare *compare);
static inline size_t raft_compare_spans_kept(const struct raft_compare *compare) {
    return compare->span_count < RAFT_COMPARE_SPANS_MAX ? compare->span_count : RAFT_COMPARE_SPANS_MAX;
}
const char *raft_fate_name(enum raft_fate fate); /* "committed", "stays", "may go", "goes" */

#endif
