/*
 * transcript_summary: how far an answer of ours agrees with a transcript's: line by line, and in what it tells of each
 * node in the end (raft_transcript.h says what the two strengths are).
 */
#ifndef TESTS_HARNESS_TRANSCRIPT_SUMMARY_H
#define TESTS_HARNESS_TRANSCRIPT_SUMMARY_H

#include "tests/harness/datadriven.h"
#include "tests/harness/raft_transcript.h"

enum { TRANSCRIPT_NODES_MAX = 8, TRANSCRIPT_LOG_MAX = 64 };

/* Takes result->exact away, and keeps the first difference, where the answers differ but for log lines. */
void transcript_compare(const struct datadriven_case *c, struct slice ours, struct raft_transcript_result *result);

/* What a transcript tells of each node in the end, from its answers in their order. */
struct transcript_summary;
struct transcript_summary *transcript_summary_create(void);
void transcript_summary_destroy(struct transcript_summary *summary);
void transcript_summary_add(struct transcript_summary *summary, const struct datadriven_case *c, struct slice text);
bool transcript_summary_equal(const struct transcript_summary *a, const struct transcript_summary *b);

#endif
