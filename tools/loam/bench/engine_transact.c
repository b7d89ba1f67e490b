/* engine_transact: see engine_transact.h. Invariant: what a lane writes depends on its seed alone; conflicts do not
 * draw again. */
#include "tools/loam/bench/engine_transact.h"

static enum status read_guarded(struct lane *lane, struct store_txn *txn, struct slice key) {
    struct slice value;
    const enum status status = lane->driver->txn_get(txn, key, &value);
    if (status == STATUS_OK) {
        if (value.size) lane->touched += value.data[0];
        lane->driver->txn_done(txn);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Once; CONFLICT. */
static enum status try_one(struct lane *lane, struct store_txn *txn, uint64_t first, uint64_t second,
                           struct slice value) {
    uint8_t room[2][BENCH_KEY_BYTES];
    const struct slice written = lane_key(lane, first, room[0]);
    enum status status = lane->driver->txn_begin(txn);
    if (status == STATUS_OK) status = read_guarded(lane, txn, written);
    if (status == STATUS_OK) status = read_guarded(lane, txn, lane_key(lane, second, room[1]));
    if (status == STATUS_OK) status = lane->driver->txn_put(txn, written, value);
    return status == STATUS_OK ? lane->driver->txn_commit(txn) : status;
}

static enum status transact_among(struct lane *lane, uint64_t keys) {
    struct store_txn *txn;
    enum status status = lane->driver->txn_open(lane->store, &txn);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (status == STATUS_OK && lane->operations < lane->count) {
        const uint64_t first = prng_below(&lane->prng, keys), second = prng_below(&lane->prng, keys);
        const struct slice value = lane_value(lane);
        while ((status = try_one(lane, txn, first, second, value)) == STATUS_CONFLICT) lane->conflicts++;
        lane->bytes += BENCH_KEY_BYTES + value.size;
        lane_lap(lane, 1);
    }
    lane->driver->txn_close(txn);
    return status;
}

enum status transact(struct lane *lane) {
    return transact_among(lane, lane->space);
}

enum status transact_hot(struct lane *lane) {
    const uint64_t keys = lane->settings->hot_keys ? lane->settings->hot_keys : BENCH_HOT_KEYS;
    return transact_among(lane, keys < lane->space ? keys : lane->space);
}
