/* raft_json: views and their comparison as JSON; the schema stands in tools/loam/README.md. */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_JSON_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_JSON_H

#include "tools/loam/inspect/raftview/raft_compare.h"
#include "tools/loam/inspect/raftview/raft_words.h"

enum { RAFT_JSON_RUNS_MAX = 20000, RAFT_JSON_SIZES_MAX = 4096 /* of a run, entry by entry */ };

/* One object, without a newline. */
void raft_json_directories(struct out *out, const struct raft_compare *compare);

#endif
