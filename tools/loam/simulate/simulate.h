/* simulate: the subcommands of `loam simulate`. Each has the arguments behind its name, and returns the exit code. */
#ifndef TOOLS_LOAM_SIMULATE_SIMULATE_H
#define TOOLS_LOAM_SIMULATE_SIMULATE_H

int simulate_compaction(int argc, char **argv);
int simulate_record(int argc, char **argv);

#endif
