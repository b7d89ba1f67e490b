/* tsdb_feed: the order in which samples come; see tsdb_systems.h. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/bench/tsdb_systems.h"

void tsdb_feed_name(const struct tsdb_feed *feed, uint64_t copy, size_t series, char name[TSDB_NAME_BYTES]) {
    (void)snprintf(name, TSDB_NAME_BYTES, "%.200s#%" PRIu64, feed->data->series[series].name, copy);
}

enum status tsdb_feed_run(const struct tsdb_feed *feed,
                          enum status (*put)(void *context, const struct tsdb_feed_batch *batch), void *context) {
    enum status status = STATUS_OK;
    uint64_t sent = 0;
    for (uint64_t copy = 0; copy < feed->copies; copy++) {
        bool more = true;
        for (size_t first = 0; more; first += feed->batch) {
            more = false;
            for (size_t s = 0; s < feed->data->files.count; s++) {
                const size_t total = feed->data->series[s].count;
                if (first >= total) continue;
                size_t count = total - first < feed->batch ? total - first : (size_t)feed->batch;
                if (feed->limit && feed->limit - sent < count) count = (size_t)(feed->limit - sent);
                if (count == 0) return STATUS_OK;
                const struct tsdb_feed_batch batch = {.copy = copy, .series = s, .first = first, .count = count};
                status = put(context, &batch);
                if (status != STATUS_OK) return status;
                sent += count;
                more = true;
            }
        }
    }
    return status;
}
