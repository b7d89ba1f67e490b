/* raft_text: a node's log, and several side by side, for people. */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_TEXT_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_TEXT_H

#include "tools/loam/inspect/raftview/raft_compare.h"
#include "tools/loam/inspect/raftview/raft_words.h"

/* columns: of the terminal. compare: with the others of its cluster; one alone has its strip here. */
void raft_text_node(struct out *out, const struct raft_view *view, const struct raft_compare *compare,
                    unsigned columns);
void raft_text_compare(struct out *out, const struct raft_compare *compare, unsigned columns);

#endif
