/* vertex: `loam inspect --vertex GRAPH NODE DIR`: a node of a graph, its lists of edges block by block, and where in
 * the store each version of its rows lies. Read-only, beside a running server too. */
#ifndef TOOLS_LOAM_INSPECT_VERTEX_VERTEX_H
#define TOOLS_LOAM_INSPECT_VERTEX_VERTEX_H

/* argv without the command's name. The exit code. */
int vertex_run(int argc, char **argv);

#endif
