/* raftview: `loam inspect --raft`: nodes' directories, a cluster's, or running nodes. */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFTVIEW_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFTVIEW_H

/* argv: what stands behind `loam inspect`. Shows it on stdout; what could not be read, and why, on stderr. Returns the
 * exit code. Reads only. */
int raftview_run(int argc, char **argv);

#endif
