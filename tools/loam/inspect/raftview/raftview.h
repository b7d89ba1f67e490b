/* raftview: `loam inspect --raft`: nodes' directories, a cluster's, or running nodes. */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFTVIEW_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFTVIEW_H

#include "engine/io.h"

enum raftview_form { RAFTVIEW_TEXT, RAFTVIEW_JSON, RAFTVIEW_PAGE };

/* Shows it on stdout; what could not be read, and why, on stderr. Returns the exit code. Reads only. */
int raftview_show(struct io *io, char *const *operands, int count, enum raftview_form form);

#endif
