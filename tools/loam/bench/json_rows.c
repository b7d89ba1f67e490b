/* json_rows: drawn from the number. */
#include "tools/loam/bench/json_rows.h"

#include <stdio.h>

#include "engine/base/prng.h"

size_t json_row(uint64_t number, char to[JSON_ROW_BYTES]) {
    static const char *const cities[] = {"Amsterdam", "Berlin", "Chicago", "Dublin", "Geneva", "Lisbon", "Nairobi"};
    static const char *const tags[] = {"premium", "newsletter", "returning", "wholesale", "trial"};
    struct prng prng;
    prng_init(&prng, number);
    const unsigned a = (unsigned)prng_below(&prng, 100000), b = (unsigned)prng_below(&prng, 100);
    int size =
        snprintf(to, JSON_ROW_BYTES,
                 "{\"id\":%llu,\"created_at\":\"2024-%02u-%02uT%02u:%02u:00Z\",\"status\":\"%s\",\"city\":\"%s\","
                 "\"total\":{\"amount\":%u.%02u,\"currency\":\"EUR\"},\"tags\":[",
                 (unsigned long long)number, 1 + a % 12, 1 + a % 28, a % 24, b % 60, b % 2 ? "open" : "shipped",
                 cities[prng_below(&prng, 7)], a, b);
    const unsigned count = (unsigned)prng_below(&prng, 6);
    for (unsigned i = 0; i < count; i++)
        size +=
            snprintf(to + size, JSON_ROW_BYTES - (size_t)size, "%s\"%s\"", i ? "," : "", tags[prng_below(&prng, 5)]);
    size += snprintf(to + size, JSON_ROW_BYTES - (size_t)size, "],\"session\":\"%016llx\"}",
                     (unsigned long long)prng_next(&prng));
    return (size_t)size;
}
