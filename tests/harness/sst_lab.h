/*
 * sst_lab: an SST in a simulated machine of its own, built of entries that the test has at hand: what the file answers
 * is compared with them.
 */
#ifndef TESTS_HARNESS_SST_LAB_H
#define TESTS_HARNESS_SST_LAB_H

#include "engine/sst/sst_build.h"
#include "engine/sst/sst_read.h"

enum { SST_LAB_ENTRIES_MAX = 3000, SST_LAB_RANGES_MAX = 40 };

extern const char sst_lab_path[];
extern const struct sst_identity sst_lab_identity;

struct sst_lab_entry {
    struct buf key, value;
    uint64_t trailer;
};

struct sst_lab_range {
    struct slice begin, end; /* borrowed from entries */
    uint64_t sequence;
};

struct sst_lab {
    struct io *io;
    struct sst_environment environment;
    struct sst_build_options options;
    struct sst_lab_entry entries[SST_LAB_ENTRIES_MAX]; /* ascending, for a build */
    size_t count;
    struct sst_lab_range ranges[SST_LAB_RANGES_MAX];
    size_t range_count;
    unsigned errors; /* told to on_error */
    struct error error;
};

/* For cmocka: *state is a struct sst_lab. */
int sst_lab_set_up(void **state);
int sst_lab_set_up_mapped(void **state); /* not compressed, and read where it is mapped */
int sst_lab_tear_down(void **state);

void sst_lab_forget(struct sst_lab *f); /* the entries and ranges */
void sst_lab_add(struct sst_lab *f, struct slice key, uint64_t trailer, struct slice value);
/* "key000000", "key000002", ...: puts with sequences 1, 2, ... */
void sst_lab_add_numbers(struct sst_lab *f, unsigned count);

enum status sst_lab_build(struct sst_lab *f);
/* These fail the test when the engine does. */
struct sst *sst_lab_open(struct sst_lab *f, uint64_t cache_file);
struct sst *sst_lab_build_and_open(struct sst_lab *f);
/* The source stands on entry `at`; on none if there is no such. */
void sst_lab_expect(const struct sst_lab *f, const struct source *source, size_t at);

#endif
