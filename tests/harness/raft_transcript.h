/*
 * raft_transcript: plays the interaction transcripts of etcd-io/raft on our core, and writes down what happens in their
 * words, so that both can be compared line by line.
 *
 * Two strengths of agreement:
 *  - exact: every line of every answer is the same, in the same place, but for etcd's log lines (INFO, DEBUG, WARN
 * ...), which tell of its own functions;
 *  - final: of each node the last hard state, role and leader that a Ready showed, the log as the Readies built it up,
 * and every answer of status, raft-log, raft-state and compact are the same.
 */
#ifndef TESTS_HARNESS_RAFT_TRANSCRIPT_H
#define TESTS_HARNESS_RAFT_TRANSCRIPT_H

#include "engine/base/buf.h"

struct raft_transcript_result {
    bool found; /* the file is there */
    bool exact, final;
    unsigned directives;
    char unsupported[128]; /* a directive or option that is none of ours, "" = none: then nothing was compared */
    struct buf difference; /* the first case that is not exact: ours and theirs; owned by the caller */
};

/* name: in raft-scripts/interaction. NO_MEMORY and the like are checked, not returned: this is a test's tool. */
void raft_transcript_run(const char *name, struct raft_transcript_result *result);

#endif
