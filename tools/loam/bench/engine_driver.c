/* engine_driver: see engine_driver.h. */
#include "tools/loam/bench/engine_driver.h"

#include <stdio.h>

const struct driver *const engine_drivers[BENCH_ENGINES_MAX] = {&engine_driver_loam, &engine_driver_rocksdb,
                                                                &engine_driver_leveldb, &engine_driver_lmdb};

enum status engine_driver_fail(const struct driver *driver, enum status status, const char *what, const char *text) {
    (void)fprintf(stderr, "loam bench engine: %s: %s: %s\n", driver->name, what, text);
    return status;
}
