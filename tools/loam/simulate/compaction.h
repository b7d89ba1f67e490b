/* compaction: what `loam simulate compaction` found, and how it is told. */
#ifndef TOOLS_LOAM_SIMULATE_COMPACTION_H
#define TOOLS_LOAM_SIMULATE_COMPACTION_H

#include "tools/loam/out.h"
#include "tools/loam/simulate/replay.h"
#include "tools/loam/simulate/write_trace.h"

struct compaction_report {
    const char *source; /* the trace's path, or the workload's names */
    bool is_trace;
    uint64_t sample; /* one of so many keys; 1 = all */
    struct write_totals totals;
    struct trace_damage damage; /* of a trace */
    struct replay_plan plan;
    struct configurations configurations;
    struct replay_result *results; /* of each */
};

const char *compaction_pace_words(const struct compaction_report *report, char text[OUT_WORDS_BYTES]);
/* "0", "1.2 ms", "3.4 s", "12 min"; returns text. */
const char *duration_words(uint64_t ns, char text[OUT_WORDS_BYTES]);

void compaction_text(struct out *out, const struct compaction_report *report);
void compaction_json(struct out *out, const struct compaction_report *report);
void compaction_page(struct out *out, const struct compaction_report *report);

#endif
