/*
 * io_facts: what the files of the conformance suite share: a fixture per fact and ways to wait for operations. A fact's
 * file lists its facts in one table, which io_conformance.c joins.
 */
#ifndef TESTS_HARNESS_IO_FACTS_H
#define TESTS_HARNESS_IO_FACTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/io.h"
#include "tests/harness/io_conformance.h"

struct io_fact {
    const char *name; /* a sentence */
    void (*check)(void **state);
};
struct io_fact_table {
    const struct io_fact *facts;
    size_t count;
};

extern const struct io_fact_table io_file_facts;
extern const struct io_fact_table io_operation_facts;
extern const struct io_fact_table io_socket_facts;
extern const struct io_fact_table io_job_facts;

struct io_fixture {
    const struct io_factory *factory;
    struct io *io;
    char directory[IO_PATH_BYTES];
    char path[IO_PATH_BYTES]; /* of the last fixture_path */
};

static inline struct io_fixture *fixture_of(void **state) {
    return *state;
}

static inline struct io *fixture_io(void **state) {
    return fixture_of(state)->io;
}

/* "directory/name"; borrowed until the next call. */
const char *fixture_path(struct io_fixture *fixture, const char *name);
/* Opens it for reading and writing, made if absent; asserts that this works. */
struct io_file *fixture_open(struct io_fixture *fixture, const char *name);

void assert_status(enum status actual, enum status expected);

/* An operation that counts its completions. */
struct counted_op {
    struct io_op op;
    unsigned completions;
};
void counted_op_done(struct io_op *op); /* expects op inside a counted_op */

/* Runs the loop until *value >= wanted; fails the test after ten seconds of the io's clock. */
void run_until(struct io *io, const unsigned *value, unsigned wanted);
/* Submits, runs until done, and returns the status. `counted` is zeroed but for the arguments in its op. */
enum status run_op(struct io *io, struct counted_op *counted);

/* Fills with bytes that depend on seed and place. */
void fill_pattern(uint8_t *to, size_t size, uint64_t seed);

#endif
