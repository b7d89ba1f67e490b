/* bench: the workloads of `loam bench`; each takes the arguments behind its name and returns the exit code. */
#ifndef TOOLS_LOAM_BENCH_BENCH_H
#define TOOLS_LOAM_BENCH_BENCH_H

int bench_cluster(int argc, char **argv);
int bench_engine(int argc, char **argv);
int bench_graph(int argc, char **argv);
int bench_tsdb(int argc, char **argv);

#endif
