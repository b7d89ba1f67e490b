/*
 * test_env: what a test program may be told from outside (tests/README.md); product code asks for none of it.
 */
#ifndef TESTS_HARNESS_TEST_ENV_H
#define TESTS_HARNESS_TEST_ENV_H

#include <stdint.h>

/* LOAM_TEST_SCALE, in percent (100 unless set): `full` scaled by it, at least 1. For numbers of runs, seeds,
 * operations. */
uint64_t test_scaled(uint64_t full);

/* LOAM_TEST_SEED when set (decimal or 0x...), else `standard`: the first seed of a suite. */
uint64_t test_seed(uint64_t standard);

/* Another variable of that kind: of one suite, to replay one case. */
uint64_t test_number(const char *name, uint64_t standard);

/* The same as text; "" unless set. */
const char *test_text(const char *name);

/* LOAM_BUILD_DIR, where loamd and loam of this flavour are; "build" unless set. Static string. */
const char *test_build_dir(void);

#endif
