/*
 * wal_lab: a log on a simulated machine of its own, with what it must hold: the fixture of the log's unit tests. A
 * test's set-up makes it, and cmocka's *state is it.
 */
#ifndef TESTS_HARNESS_WAL_LAB_H
#define TESTS_HARNESS_WAL_LAB_H

#include "tests/harness/wal_model.h"

#define WAL_LAB_DIR "/wal"
enum { WAL_LAB_SEGMENT = 64 << 10 };

struct wal_lab {
    struct wal_machine machine;
    struct wal_model model;
    struct wal_options options; /* owner 42, the smallest segments; may be changed before an open */
    struct wal *wal;            /* NULL: it is not open */
    struct wal_recovery recovery;
    struct error error;

    /* The owner's on_commit may count here. */
    unsigned answers;
    enum status answer;
    uint64_t answer_lsn;
};
/* NULL: no memory. */
struct wal_lab *wal_lab_create(uint64_t seed);
/* A set-up as it is for a log that nobody asks to be durable: compact groups, loose segments. */
int wal_lab_set_up_loose(void **state);
int wal_lab_tear_down(void **state);
MUST_CHECK enum status wal_lab_try_open(struct wal_lab *lab);
/* These fail the test where the log does, and where it does not hold what it must. */
void wal_lab_open(struct wal_lab *lab);
void wal_lab_close(struct wal_lab *lab);
/* Unsynced records until one stands in segment `until`. */
void wal_lab_fill_to(struct wal_lab *lab, uint32_t until);
/* A durable commit of all that was appended. */
void wal_lab_commit(struct wal_lab *lab);

#endif
