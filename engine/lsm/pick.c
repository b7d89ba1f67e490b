#include "engine/lsm/pick.h"
uint64_t pick_debt(const struct version *version, const struct engine_options *options, uint64_t *level0_most) {
    (void)version;
    (void)options;
    *level0_most = 0;
    return 0;
}
