/* engine_workloads: what each workload does with an engine. Invariant: a lane's work is a pure loop over its count;
 * what is waited for and measured around it stands in engine_run.c. */
#include "tools/loam/bench/engine_workloads.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/engine_lane.h"
#include "tools/loam/bench/engine_transact.h"

/* ---- Writes ------------------------------------------------------------------------------------------------------ */

static bool goes_on(const struct lane *lane) {
    return lane->operations < lane->count && !(lane->stop && atomic_load_explicit(lane->stop, memory_order_relaxed));
}

/* A writer at a stated rate waits until its next operation is due. */
static void keep_rate(struct lane *lane) {
    const uint64_t rate = lane->settings->write_rate;
    const uint64_t due_ns = lane->start_ns + (uint64_t)((double)lane->operations * 1e9 / (double)rate);
    const uint64_t now_ns = io_now_ns(lane->io);
    if (now_ns < due_ns) io_sleep(lane->io, due_ns - now_ns);
    lane->at_ns = io_now_ns(lane->io);
}

static enum status put(struct lane *lane, struct store_writer *writer, uint64_t number) {
    uint8_t key[BENCH_KEY_BYTES];
    struct slice value = lane_value(lane);
    lane->bytes += BENCH_KEY_BYTES + value.size;
    enum status status = lane->driver->put(writer, lane_key(lane, number, key), value, lane->durable);
    lane_lap(lane, 1);
    return status;
}

static enum status fill_in_order(struct lane *lane) {
    struct store_writer *writer;
    enum status status = lane->driver->writer_open(lane->store, &writer);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) status = put(lane, writer, lane->operations);
    lane->driver->writer_close(writer);
    return status;
}

static enum status fill_at_random(struct lane *lane) {
    struct store_writer *writer;
    enum status status = lane->driver->writer_open(lane->store, &writer);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) status = put(lane, writer, prng_below(&lane->prng, lane->space));
    lane->driver->writer_close(writer);
    return status;
}

/* Beside readers: puts of keys that are there already. */
static enum status overwrite_beside(struct lane *lane) {
    struct store_writer *writer;
    enum status status = lane->driver->writer_open(lane->store, &writer);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) {
        if (lane->refill && lane->operations % lane->space == 0) prng_init(&lane->prng, lane->seed);
        if (lane->settings->write_rate) keep_rate(lane);
        status = put(lane, writer, prng_below(&lane->prng, lane->space));
        atomic_store_explicit(&lane->begun, true, memory_order_release);
    }
    lane->driver->writer_close(writer);
    return status;
}

static enum status fill_in_batches(struct lane *lane) {
    struct store_writer *writer;
    enum status status = lane->driver->writer_open(lane->store, &writer);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    for (uint64_t i = 0; status == STATUS_OK && i < lane->count;) {
        uint64_t end = lane->count - i < BENCH_BATCH ? lane->count : i + BENCH_BATCH;
        uint64_t size = end - i;
        for (; status == STATUS_OK && i < end; i++) {
            uint8_t key[BENCH_KEY_BYTES];
            struct slice value = lane_value(lane);
            lane->bytes += BENCH_KEY_BYTES + value.size;
            status = lane->driver->batch_add(writer, lane_key(lane, i, key), value);
        }
        if (status == STATUS_OK) status = lane->driver->batch_write(writer);
        lane_lap(lane, size);
    }
    lane->driver->writer_close(writer);
    return status;
}

static enum status delete_at_random(struct lane *lane) {
    struct store_writer *writer;
    enum status status = lane->driver->writer_open(lane->store, &writer);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) {
        uint8_t key[BENCH_KEY_BYTES];
        status = lane->driver->delete (writer, lane_key(lane, prng_below(&lane->prng, lane->space), key));
        lane->bytes += BENCH_KEY_BYTES;
        lane_lap(lane, 1);
    }
    lane->driver->writer_close(writer);
    return status;
}

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

static enum status get(struct lane *lane, struct store_reader *reader, struct slice key) {
    struct slice value;
    enum status status = lane->driver->get(reader, key, &value);
    if (status == STATUS_OK) {
        lane->found++;
        lane_touch(lane, value);
        lane->driver->done(reader);
    }
    lane_lap(lane, 1);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status read_at_random(struct lane *lane) {
    struct store_reader *reader;
    enum status status = lane->driver->reader_open(lane->store, &reader);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) {
        uint8_t key[BENCH_KEY_BYTES];
        status = get(lane, reader, lane_key(lane, prng_below(&lane->prng, lane->space), key));
    }
    lane->driver->reader_close(reader);
    return status;
}

static enum status read_missing(struct lane *lane) {
    struct store_reader *reader;
    enum status status = lane->driver->reader_open(lane->store, &reader);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) {
        uint8_t key[BENCH_KEY_BYTES];
        status = get(lane, reader, lane_missing_key(lane, prng_below(&lane->prng, lane->space), key));
    }
    lane->driver->reader_close(reader);
    return status;
}

/* A walk is timed as a whole: a reading of the clock would cost as much as a step. */
static enum status walk(struct lane *lane, bool forward) {
    const struct driver *driver = lane->driver;
    enum status (*start)(struct store_cursor *, struct slice *, struct slice *) =
        forward ? driver->first : driver->last;
    enum status (*step)(struct store_cursor *, struct slice *, struct slice *) =
        forward ? driver->next : driver->previous;
    struct store_cursor *cursor;
    enum status status = driver->cursor_open(lane->store, true, &cursor);
    if (status != STATUS_OK) return status;
    struct slice key = {0}, value = {0};
    lane_begin(lane);
    for (status = start(cursor, &key, &value); status == STATUS_OK; status = step(cursor, &key, &value)) {
        lane->operations++;
        lane->bytes += key.size;
        lane_touch(lane, value);
    }
    lane->found = lane->operations;
    driver->cursor_close(cursor);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_in_order(struct lane *lane) {
    return walk(lane, true);
}
static enum status read_in_reverse(struct lane *lane) {
    return walk(lane, false);
}

/* The cursor stays open. */
static enum status seek_at_random(struct lane *lane) {
    struct store_cursor *cursor;
    enum status status = lane->driver->cursor_open(lane->store, false, &cursor);
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    while (goes_on(lane)) {
        uint8_t bytes[BENCH_KEY_BYTES];
        struct slice key, value, from = lane_key(lane, prng_below(&lane->prng, lane->space), bytes);
        status = lane->driver->seek(cursor, from, &key, &value);
        for (unsigned nexts = 0; status == STATUS_OK; nexts++) {
            lane->found++;
            lane_touch(lane, value);
            if (nexts == BENCH_SEEK_NEXTS) break;
            status = lane->driver->next(cursor, &key, &value);
        }
        if (status != STATUS_OK && status != STATUS_END) break;
        status = STATUS_OK;
        lane_lap(lane, 1);
    }
    lane->driver->cursor_close(cursor);
    return status;
}

/* ---- Behind mass deletes ------------------------------------------------------------------------------------------
 */

static uint64_t deleted_first(const struct lane *lane) {
    return lane->space / 4;
}

uint64_t workload_deleted_keys(uint64_t space) {
    return space / 2 < BENCH_DELETED_ROW ? space / 2 : BENCH_DELETED_ROW;
}

static enum status delete_row(struct lane *lane) {
    struct store_writer *writer;
    enum status status = lane->driver->writer_open(lane->store, &writer);
    if (status != STATUS_OK) return status;
    const uint64_t first = deleted_first(lane), count = workload_deleted_keys(lane->space);
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++) {
        uint8_t key[BENCH_KEY_BYTES];
        status = lane->driver->delete (writer, lane_key(lane, first + i, key));
    }
    lane->driver->writer_close(writer);
    return status;
}

/* Each with a cursor of its own, as one that is older sees an older state; one entry is read. */
static enum status seek_into_row(struct lane *lane) {
    enum status status = STATUS_OK;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) {
        uint8_t bytes[BENCH_KEY_BYTES];
        struct store_cursor *cursor;
        struct slice key, value;
        const uint64_t number = deleted_first(lane) + prng_below(&lane->prng, workload_deleted_keys(lane->space));
        status = lane->driver->cursor_open(lane->store, false, &cursor);
        if (status != STATUS_OK) break;
        status = lane->driver->seek(cursor, lane_key(lane, number, bytes), &key, &value);
        if (status == STATUS_OK) {
            lane->found++;
            lane_touch(lane, value);
        }
        lane->driver->cursor_close(cursor);
        if (status == STATUS_END) status = STATUS_OK;
        lane_lap(lane, 1);
    }
    return status;
}

/* Before anything was flushed or compacted; the deletes are not timed. */
static enum status delete_and_seek(struct lane *lane) {
    const enum status status = delete_row(lane);
    return status == STATUS_OK ? seek_into_row(lane) : status;
}

/* ---- Others ------------------------------------------------------------------------------------------------------ */

/* Timed as a whole; the entries that it leaves count. */
static enum status compact(struct lane *lane) {
    lane_begin(lane);
    return lane->driver->compact ? lane->driver->compact(lane->store) : STATUS_OK;
}

/* Closed and opened; the first get is in the time, as an engine may put off what it needs until then. */
static enum status open_again(struct lane *lane) {
    char dir[BENCH_PATH_BYTES];
    bench_engine_dir(lane->settings, lane->driver->name, dir);
    enum status status = STATUS_OK;
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) {
        struct store_reader *reader;
        uint8_t key[BENCH_KEY_BYTES];
        lane->driver->close(lane->store);
        lane->store = NULL;
        lane->at_ns = io_now_ns(lane->io);
        status = lane->driver->open(lane->io, lane->settings, dir, false, &lane->store);
        if (status != STATUS_OK) return status;
        status = lane->driver->reader_open(lane->store, &reader);
        if (status != STATUS_OK) return status;
        status = get(lane, reader, lane_key(lane, prng_below(&lane->prng, lane->space), key));
        lane->driver->reader_close(reader);
    }
    return status;
}

enum {
    DEVICE_FILE_BYTES = 16 << 20,
    DEVICE_TRIALS = 400, /* pages, half of them each way */
    DEVICE_TURN = 20,    /* before it is the other's */
};

static enum status write_zeros(struct io_file *file) {
    static const uint8_t zeros[64 << 10];
    enum status status = STATUS_OK;
    for (uint64_t at = 0; status == STATUS_OK && at < DEVICE_FILE_BYTES; at += sizeof zeros)
        status = io_file_write(file, at, zeros, sizeof zeros);
    return status == STATUS_OK ? io_file_sync(file) : status;
}

/* One page, durable. direct: past the system's cache, where that is granted. */
static enum status write_page(struct io_file *file, uint64_t number, const uint8_t *page, bool direct) {
    const uint64_t at = number * IO_PAGE_BYTES % DEVICE_FILE_BYTES;
    if (direct) return io_file_write_sync(file, at, page, IO_PAGE_BYTES);
    const enum status status = io_file_write(file, at, page, IO_PAGE_BYTES);
    return status == STATUS_OK ? io_file_sync(file) : status;
}

/* Which of the two ways is faster here. */
static enum status choose_way(struct lane *lane, struct io_file *file, const uint8_t *page, bool *direct) {
    uint64_t took_ns[2] = {0};
    enum status status = STATUS_OK;
    for (uint64_t i = 0; status == STATUS_OK && i < DEVICE_TRIALS; i++) {
        const unsigned way = i / DEVICE_TURN % 2;
        const uint64_t start = io_now_ns(lane->io);
        status = write_page(file, i, page, way);
        took_ns[way] += io_now_ns(lane->io) - start;
    }
    *direct = took_ns[1] < took_ns[0];
    return status;
}

static enum status put_all(struct lane *lane) {
    struct store_writer *writer = NULL;
    enum status status = lane->driver->writer_open(lane->store, &writer);
    for (uint64_t i = 0; status == STATUS_OK && i < lane->count; i++) {
        uint8_t key[BENCH_KEY_BYTES];
        const struct slice name = lane_key(lane, prng_below(&lane->prng, lane->space), key);
        status = lane->driver->put(writer, name, lane_value(lane), i + 2 >= lane->count);
    }
    if (writer) lane->driver->writer_close(writer);
    return status;
}

/* Puts that stay in the log and a memtable, not timed; closed, and opened with the log in the system's cache, and on
 * the device: the last two puts are synced (what comes behind a sync proves it), so that no engine has to make sure of
 * it at open. The first get is in the time. */
static enum status replay(struct lane *lane) {
    char dir[BENCH_PATH_BYTES];
    bench_engine_dir(lane->settings, lane->driver->name, dir);
    lane_begin(lane);
    enum status status = put_all(lane);
    lane->driver->close(lane->store);
    lane->store = NULL;
    if (status != STATUS_OK) return status;
    lane_begin(lane);
    status = lane->driver->open(lane->io, lane->settings, dir, false, &lane->store);
    if (status != STATUS_OK) return status;
    struct store_reader *reader;
    uint8_t key[BENCH_KEY_BYTES];
    struct slice value;
    status = lane->driver->reader_open(lane->store, &reader);
    if (status != STATUS_OK) return status;
    status = lane->driver->get(reader, lane_key(lane, prng_below(&lane->prng, lane->space), key), &value);
    if (status == STATUS_OK) lane->driver->done(reader);
    lane->driver->reader_close(reader);
    lane_lap(lane, lane->count);
    return status;
}

/* What the device can do: one page written and made durable at a time, in a file that has its size and blocks already:
 * through the cache and fdatasync, or past it, whichever is faster. */
static enum status sync_device(struct lane *lane) {
    static _Alignas(IO_PAGE_BYTES) uint8_t page[IO_PAGE_BYTES];
    char path[BENCH_PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/rawsync", lane->settings->dir);
    memcpy(page, lane->noise, sizeof page);
    struct io_file *file;
    enum status status =
        io_file_open(lane->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE | IO_OPEN_DIRECT, &file);
    if (status != STATUS_OK) return status;
    bool direct = false;
    status = write_zeros(file);
    if (status == STATUS_OK) status = choose_way(lane, file, page, &direct);
    lane_begin(lane);
    while (status == STATUS_OK && goes_on(lane)) {
        status = write_page(file, lane->operations, page, direct);
        lane_lap(lane, 1);
    }
    io_file_close(file);
    enum status removed = io_remove(lane->io, path);
    return status == STATUS_OK ? removed : status;
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const struct workload engine_workloads[] = {
    {"fillseq", "puts, keys in order", fill_in_order, .threads = 1, .fresh = true, .writes = true},
    {"deleterandom", "deletes of keys at random", delete_at_random, .threads = 1, .writes = true},
    {"fillrandom", "puts, keys at random", fill_at_random, .threads = 1, .fresh = true, .writes = true},
    {"overwrite", "puts at random on what is there", fill_at_random, .threads = 1, .writes = true},
    {"readrandom", "gets of keys at random", read_at_random, .threads = 1},
    {"readmissing", "gets of keys that are not there", read_missing, .threads = 1},
    {"seekrandom", "seeks, and 10 entries behind each", seek_at_random, .threads = 1},
    {"readseq", "a walk over all", read_in_order, .threads = 1},
    {"readreverse", "a walk back", read_in_reverse, .threads = 1},
    {"readwhilewriting", "gets beside a thread that overwrites", read_at_random, overwrite_beside, .threads = 1},
    {"open", "closed and opened, and one get", open_again, .threads = 1, .reopens = true},
    {"replay", "opened with puts in its log that were not flushed", replay, .threads = 1, .fresh = true,
     .reopens = true, .replays = true},
    {"replay1k", "the same with values of 1 KB", replay, .threads = 1, .fresh = true, .reopens = true, .replays = true,
     .large = true},
    {"seekdeleted", "100 k deletes in order, and at once seeks into them", delete_and_seek, .threads = 1,
     .seeks_deleted = true, .deletes_row = true},
    {"seekgone", "the same seeks, at rest", seek_into_row, .threads = 1, .seeks_deleted = true},
    {"txn", "transactions that read two keys and write one", transact, .writes = true, .transacts = true},
    {"txnhot", "the same, of few keys", transact_hot, .writes = true, .transacts = true},
    {"compact", "all levels into one", compact, .threads = 1, .writes = true, .compacts = true},
    {"fillbatch", "puts in order, 1000 in a batch", fill_in_batches, .threads = 1, .fresh = true, .writes = true},
    {"rawsync", "a page made durable in a preallocated file", sync_device, .threads = 1, .alone = true},
    {"fillsync", "puts at random, each synced", fill_at_random, .threads = 1, .fresh = true, .writes = true,
     .durable = true},
    {"fillsync16", "the same from 16 threads", fill_at_random, .threads = BENCH_SYNC_WRITERS, .fresh = true,
     .writes = true, .durable = true},
    {"fill1k", "puts at random, values of 1 KB", fill_at_random, .threads = 1, .fresh = true, .writes = true,
     .large = true},
    {"read1k", "gets of these", read_at_random, .threads = 1, .large = true},
};
const unsigned engine_workload_count = sizeof engine_workloads / sizeof *engine_workloads;

uint32_t workload_find(const char *name, size_t size) {
    for (uint32_t i = 0; i < engine_workload_count; i++) {
        const char *known = engine_workloads[i].name;
        if (strlen(known) == size && memcmp(known, name, size) == 0) return i;
    }
    return UINT32_MAX;
}

unsigned workload_threads(const struct workload *workload, const struct bench_settings *settings) {
    return workload->transacts ? (unsigned)settings->writers : workload->threads;
}

/* Half a memtable of keys and values. */
static uint64_t replayed_puts(const struct workload *workload, const struct bench_settings *settings) {
    const uint64_t value_bytes = workload->large ? BENCH_LARGE_VALUE_BYTES : settings->value_bytes;
    const uint64_t count = settings->memtable_bytes / 2 / (BENCH_KEY_BYTES + value_bytes);
    return count && count < settings->entries ? count : settings->entries;
}

uint64_t workload_operations(const struct workload *workload, const struct bench_settings *settings) {
    if (workload->compacts) return 1;
    if (workload->replays) return replayed_puts(workload, settings);
    if (workload->reopens) return BENCH_OPENS;
    if (workload->seeks_deleted) return BENCH_DELETED_SEEKS;
    uint64_t count = workload->writes ? settings->entries : settings->reads;
    if (workload->durable || workload->alone) count = settings->sync_writes;
    if (workload->durable) count *= workload->threads > 1 ? 4 : 1;
    if (workload->transacts || workload->large || workload->beside || workload->work == seek_at_random) count /= 4;
    return count ? count : 1;
}
