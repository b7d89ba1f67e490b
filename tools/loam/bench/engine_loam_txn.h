/* engine_loam_txn: transactions of this project's engine, for its driver. */
#ifndef TOOLS_LOAM_BENCH_ENGINE_LOAM_TXN_H
#define TOOLS_LOAM_BENCH_ENGINE_LOAM_TXN_H

#include "engine/engine.h"
#include "tools/loam/bench/engine_driver.h"

struct store_txn;

enum status loam_txn_open(struct engine *engine, uint32_t tree, struct store_txn **opened);
void loam_txn_close(struct store_txn *txn);
enum status loam_txn_begin(struct store_txn *txn);
enum status loam_txn_get(struct store_txn *txn, struct slice key, struct slice *value);
void loam_txn_done(struct store_txn *txn);
enum status loam_txn_put(struct store_txn *txn, struct slice key, struct slice value);
enum status loam_txn_commit(struct store_txn *txn);

#endif
