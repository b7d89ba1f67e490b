/* raft_page: a self-contained page of the logs side by side. */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_PAGE_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_PAGE_H

#include "engine/base/buf.h"

/* object: what `loam inspect --raft --json` prints. NO_MEMORY. */
MUST_CHECK enum status raft_page_make(struct buf *to, struct slice object);

#endif
