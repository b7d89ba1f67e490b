/*
 * test_env: environment variables.
 */
#include "tests/harness/test_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A number that cannot be read ends the program: a mistyped seed must not replay another one. */
uint64_t test_number(const char *name, uint64_t standard) {
    const char *text = getenv(name);
    if (!text || !*text) return standard;
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno == 0 && *end == '\0' && *text != '-') return value;
    fprintf(stderr, "%s=%s is not a number\n", name, text);
    exit(1);
}

uint64_t test_scaled(uint64_t full) {
    uint64_t percent = test_number("LOAM_TEST_SCALE", 100);
    uint64_t scaled = full / 100 * percent + full % 100 * percent / 100;
    return scaled ? scaled : 1;
}

uint64_t test_seed(uint64_t standard) {
    return test_number("LOAM_TEST_SEED", standard);
}

const char *test_text(const char *name) {
    const char *text = getenv(name);
    return text ? text : "";
}

const char *test_build_dir(void) {
    const char *dir = getenv("LOAM_BUILD_DIR");
    return dir && *dir ? dir : "build";
}
