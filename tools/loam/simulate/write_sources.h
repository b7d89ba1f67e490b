/* write_sources: where writes come from: a trace in a file, a workload that is made up, a share of either. */
#ifndef TOOLS_LOAM_SIMULATE_WRITE_SOURCES_H
#define TOOLS_LOAM_SIMULATE_WRITE_SOURCES_H

#include "engine/base/prng.h"
#include "tools/loam/simulate/write_trace.h"

struct trace_source {
    struct write_source source; /* first */
    struct trace_reader *reader;
};
/* reader is borrowed. */
void trace_source_init(struct trace_source *trace, struct trace_reader *reader);

/* The keys whose hash falls into one part of `parts`, with all that happens to them; range deletes and drops of trees
 * stay. */
struct sampled_source {
    struct write_source source; /* first */
    struct write_source *from;
    uint64_t parts;
};
void sampled_source_init(struct sampled_source *sampled, struct write_source *from, uint64_t parts);

/* Workloads of `loam bench engine`, by their names there, and one that the bench does not have. */
enum { WORKLOAD_STEPS_MAX = 16, WORKLOAD_KEY_BYTES = 16, WORKLOAD_TREE = 1 };

enum workload_kind {
    WORKLOAD_FILLSEQ,
    WORKLOAD_FILLRANDOM,
    WORKLOAD_OVERWRITE,
    WORKLOAD_OVERWRITEHOT,
    WORKLOAD_DELETERANDOM,
    WORKLOAD_KINDS
};
const char *workload_name(enum workload_kind kind);
const char *workload_summary(enum workload_kind kind);

struct workload_source {
    struct write_source source; /* first */
    enum workload_kind steps[WORKLOAD_STEPS_MAX];
    unsigned count;
    uint64_t entries; /* keys, and writes of each step */
    uint32_t value_bytes;
    uint64_t seed;

    struct prng prng;
    unsigned step;
    uint64_t at;
    uint8_t key[WORKLOAD_KEY_BYTES];
};
/* names: with commas between. False: one is not known, or there are too many or none. */
bool workload_source_init(struct workload_source *workload, const char *names, uint64_t entries, uint32_t value_bytes,
                          uint64_t seed);

#endif
