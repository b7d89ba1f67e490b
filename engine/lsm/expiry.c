/* expiry: see expiry.h. */
#include "engine/lsm/expiry.h"

static enum engine_filter_decision decide(void *context, struct slice key, struct slice value, int64_t mark_time_ms) {
    (void)context;
    (void)key;
    return expiry_is_due(value, mark_time_ms) ? ENGINE_DROP : ENGINE_KEEP;
}

const struct engine_filter expiry_filter = {.name = EXPIRY_NAME, .decide = decide};

enum status expiry_show(struct slice *stored, int64_t time_ms) {
    if (stored->size < ENGINE_EXPIRY_BYTES) return STATUS_CORRUPT;
    if (expiry_is_due(*stored, time_ms)) return STATUS_NOT_FOUND;
    *stored = slice_from(*stored, ENGINE_EXPIRY_BYTES);
    return STATUS_OK;
}

void engine_expiry_encode(uint8_t to[ENGINE_EXPIRY_BYTES], int64_t expires_ms) {
    coding_put_u64(to, (uint64_t)expires_ms);
}
