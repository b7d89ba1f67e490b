/*
 * raft_lab_facts: what the files of facts about the core share: one lab per fact, and verbs that fail the fact where a
 * lab only answers.
 */
#ifndef TESTS_HARNESS_RAFT_LAB_FACTS_H
#define TESTS_HARNESS_RAFT_LAB_FACTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/raft_lab.h"

extern struct lab *lab; /* of the fact that runs: cmocka's set-up and tear-down make and end it */

int lab_set_up(void **state);
int lab_tear_down(void **state);

/* Nodes 1..nodes are voters; an election takes ten ticks, a heartbeat one. */
void lab_begin(unsigned nodes, bool by_hand);
/* Fails if a safety property or an invariant was broken. */
void lab_must_be_well(void);
/* Lets node id win an election that nobody disturbs. */
void lab_elect(uint64_t id);
void lab_receive(const struct raft_message *message); /* by whom it is addressed to, as if a peer had sent it */
void lab_tick_times(uint64_t id, unsigned ticks);
/* The latest message of that kind that is still on its way; NULL = none. Borrowed until the lab moves. */
const struct raft_message *lab_find_sent(enum raft_message_kind kind, uint64_t from, uint64_t to);
void lab_forget_messages(void);

#endif
