/*
 * repair_lab: verify and repair of the store "db" of an engine_lab, for tests that damage it: what is wrong with the
 * calls themselves fails the test, and says the seed of its machine.
 */
#ifndef TESTS_HARNESS_REPAIR_LAB_H
#define TESTS_HARNESS_REPAIR_LAB_H

#include "engine/care.h"
#include "tests/harness/engine_lab.h"

/* OK or CORRUPT. findings: how many; may be NULL. */
enum status repair_lab_verify(const struct lab_store *lab, uint64_t *findings);

/* lines: what it says, with a zero at the end. */
enum { REPAIR_DRY = 1, REPAIR_UNREADABLE_AS_LOST = 2 };
struct care_repair_report repair_lab_repair(const struct lab_store *lab, unsigned how, struct buf *lines);

/* A dry run that changes nothing, and a repair that is needed and says the same; then it verifies. lines: of the
 * repair. */
void repair_lab_mend(const struct lab_store *lab, unsigned how, struct buf *lines);

/* A file on the disk by the end of its path. */
struct repair_lab_file {
    char path[IO_PATH_BYTES];
    uint64_t size;
    unsigned count; /* of all such files */
};
/* The one behind `skip` others; a path of "" if there are not so many. Fails the test when there is none at all. */
struct repair_lab_file repair_lab_find(const struct lab_store *lab, const char *ending, unsigned skip);
unsigned repair_lab_count(const struct lab_store *lab, const char *ending);

#endif
