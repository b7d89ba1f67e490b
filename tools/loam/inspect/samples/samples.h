/*
 * samples: `loam inspect --series NAME DIR`: a series of a store, its chunks, and of one chunk each sample with its
 * bits. Reads only, beside a running server or without one.
 */
#ifndef TOOLS_LOAM_INSPECT_SAMPLES_SAMPLES_H
#define TOOLS_LOAM_INSPECT_SAMPLES_SAMPLES_H

/* argv: what stands behind `loam inspect`, --series among it. Returns the exit code. */
int samples_run(int argc, char **argv);

#endif
