/*
 * samples: `loam inspect --series NAME DIR`: a series of a store, its chunks, and of one chunk each sample with its
 * bits. Reads only, beside a running server or without one.
 */
#ifndef TOOLS_LOAM_INSPECT_SAMPLES_SAMPLES_H
#define TOOLS_LOAM_INSPECT_SAMPLES_SAMPLES_H

#include <stdbool.h>

/* argv: what stands behind `loam inspect`. */
bool samples_are_asked_for(int argc, char *const *argv);
int samples_run(int argc, char **argv);

#endif
