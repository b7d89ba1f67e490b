/* raft_words: what more than one print of this folder says. */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_WORDS_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_WORDS_H

#include "tools/loam/out.h"

/* "entry 7" or "entries 7 to 9"; `letter` is "e" or "E". */
void raft_words_entries(struct out *out, const char *letter, uint64_t first, uint64_t last);

#endif
