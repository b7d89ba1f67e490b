/*
 * raft_lab_check: what a lab holds against everything its nodes do. Each check compares a deed with all that any node
 * did before, so that five properties about all logs at all times cost a look-up each.
 */
#ifndef TESTS_HARNESS_RAFT_LAB_CHECK_H
#define TESTS_HARNESS_RAFT_LAB_CHECK_H

#include "tests/harness/raft_lab.h"

/* Keeps the first sentence. */
void lab_fail(struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Leader Append-Only; and that what is committed is not replaced. */
void lab_check_put(struct lab *lab, const struct lab_node *node, const struct raft_outcome *outcome);
/* Log Matching: (index, term) names one entry with one before it, for ever and everywhere. */
void lab_check_entry(struct lab *lab, const struct lab_node *node, uint64_t index);
/* Election Safety and Leader Completeness, when a node becomes leader; terms never fall. */
void lab_check_role(struct lab *lab, struct lab_node *node, const struct raft_ready *ready);
/* State Machine Safety; that what a leader commits is durable on a majority; that nothing is committed twice or left
 * out. */
void lab_check_commit(struct lab *lab, struct lab_node *node); /* after each event */
void lab_check_handed(struct lab *lab, struct lab_node *node, uint64_t first, uint64_t last);
void lab_check_applied(struct lab *lab, struct lab_node *node, const struct lab_entry *entry);
/* What speaks for the disk is on the disk: votes and acknowledgements; and what is acknowledged is the leader's. */
void lab_check_message(struct lab *lab, const struct lab_node *node, const struct raft_message *message);
/* Dissertation 6.4: nothing that was committed when the read was asked is missing. */
void lab_check_read(struct lab *lab, const struct lab_node *node, uint64_t floor, uint64_t index);
/* After a tick. 6.2: who leads and has heard from no majority for so long that it must have noticed, leads no more. */
void lab_check_quorum(struct lab *lab, struct lab_node *node);

#endif
