/*
 * engine_transact: the workloads of transactions: each reads two keys, so that nobody may change them before it is
 * through, and writes the first. One that meets a conflict is begun anew until it goes through; conflicts are counted.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_TRANSACT_H
#define TOOLS_LOAM_BENCH_ENGINE_TRANSACT_H

#include "tools/loam/bench/engine_lane.h"

/* Keys drawn from all. */
enum status transact(struct lane *lane);
/* From the first BENCH_HOT_KEYS, or as many as the settings say. */
enum status transact_hot(struct lane *lane);

#endif
