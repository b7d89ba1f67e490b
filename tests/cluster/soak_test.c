/*
 * soak: three real processes under a long mixed load over a bounded key space. After a warm-up neither their memory nor
 * their disks may grow with the number of operations.
 *
 * Memory is what the allocator has handed out and not got back (INFO, used_memory_heap): unlike the resident set it is
 * exact, and no slack of the allocator hides a leak. Memtables and cached blocks (used_memory) rise and fall by more
 * than a leak does in a short run, and have bounds of their own; of the rest, which goes up and down with the live log,
 * the *floor* of a window of samples is compared: the least that a node held between 30 % and 50 % of the operations,
 * and between 80 % and 100 %. The resident set gets a bound, too, a wider one.
 *
 *   LOAM_SOAK_OPERATIONS   completed operations (make soak: 1,000,000; make test: 60,000, scaled)
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/decimal.h"
#include "engine/base/prng.h"
#include "raft/session.h"
#include "tests/harness/local_cluster.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/loam/client.h"
#include "tools/loam/info_text.h"

enum { NODES = 3, PAUSED = 3, CLIENTS = 4, BATCH = 100, KEYS = 4000, SAMPLES = 50, MS = 1000000 };
enum { EARLY_PAUSES = 4, PAUSES = EARLY_PAUSES + 1 };
enum { READY_MS = 20000, ANSWER_MS = 20000, MIB = 1 << 20, OPERATIONS = 60000, VALUE_MAX = 400 };

/* What the nodes are told, and what must hold then. */
enum {
    MEMTABLE_BYTES = 256 << 10,
    CACHE_BYTES = 2 << 20,
    LOG_LIMIT_BYTES = 4 << 20,
    SEGMENT_BYTES = 512 << 10,
    /* Floors may differ by so much per operation between them: a leak of 16 bytes an entry shows ... */
    HEAP_BYTES_PER_OPERATION = 8,
    /* ... or by this, in a short run: what the tip of a wave of the log can be, and what buffers grow to that are kept
     * for the next one to fall behind. 64 bytes show. */
    HEAP_SLACK_BYTES = MIB,
    /* Memtables (the active one, those that wait for their flush) and cached blocks. */
    ACCOUNTED_BYTES = CACHE_BYTES + 8 * MEMTABLE_BYTES,
    /* Where another node leads since, it has the buffers of a sender of snapshots, too. */
    NEW_LEADER_BYTES = 2 * MIB,
    RESIDENT_SLACK_BYTES = 16 * MIB,
    /* The live log, segments that wait for their next use, and what is being written. */
    DISK_LOG_BYTES = LOG_LIMIT_BYTES + 8 * SEGMENT_BYTES,
    /* Names, the rows of sessions, four files of level 0 before a compaction, and one that is being written. */
    DISK_STORE_BYTES = 16 * MIB,
};

struct sample {
    uint64_t operations; /* completed */
    uint64_t heap, accounted, resident, log, store, flushes, compactions, snapshots, applied, first_index, debt, leader;
    uint64_t paused_next; /* known to the leader: what it sends to the paused node next; 0 = another leads */
};

struct soak {
    struct local_cluster local;
    struct client *clients[CLIENTS];
    struct prng prng;
    uint64_t target, completed, refused;
    struct sample samples[NODES][SAMPLES + 1];
    unsigned sample_count;
    bool is_paused;
    unsigned pauses;
    bool passed;
};

/* ---- A cluster of its own ---------------------------------------------------------------------------------------- */

static void start_nodes(struct soak *soak) {
    static char limits[4][32];
    static const char *extra[] = {"--memtable-bytes",  limits[0], "--cache-bytes",       limits[1],
                                  "--log-limit-bytes", limits[2], "--log-segment-bytes", limits[3]};
    static const unsigned values[] = {MEMTABLE_BYTES, CACHE_BYTES, LOG_LIMIT_BYTES, SEGMENT_BYTES};
    struct error error = {0};
    for (size_t i = 0; i < 4; i++) snprintf(limits[i], sizeof limits[i], "%u", values[i]);
    soak->local.cluster.extra = extra;
    soak->local.cluster.extra_count = 8;
    for (unsigned node = 1; node <= NODES; node++)
        assert_ok(cluster_node_start(&soak->local.cluster, node, &error), &error);
    assert_ok(cluster_wait_ready(&soak->local.cluster, READY_MS, &error), &error);
}

static struct client *connect_to(struct soak *soak, unsigned node) {
    char address[IO_ADDRESS_BYTES];
    struct client *client = NULL;
    struct error error = {0};
    plan_address(&soak->local.cluster.plan, node, PLAN_CLIENTS, address);
    assert_ok(client_open(soak->local.cluster.io, address, ANSWER_MS, &client, &error), &error);
    return client;
}

/* What was freed into a thread's own cache counts as handed out, and those caches fill up for hours: there are none.
 * Other C libraries pass by the variable. */
static void count_exactly(void) {
    assert_int_equal(setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1), 0);
}

static int set_up(void **state) {
    static const struct local_ports ports = {.first_port = 33000, .step = 10, .steps = 30};
    struct soak *soak = calloc(1, sizeof *soak);
    *state = soak;
    assert_non_null(soak);
    count_exactly();
    local_cluster_plan(&soak->local, "soak", &ports);
    start_nodes(soak);
    for (unsigned i = 0; i < CLIENTS; i++) soak->clients[i] = connect_to(soak, i % (NODES - 1) + 1);
    return 0;
}

static int tear_down(void **state) {
    struct soak *soak = *state;
    for (unsigned i = 0; i < CLIENTS; i++) client_close(soak->clients[i]);
    local_cluster_stop(&soak->local, soak->passed);
    io_destroy(soak->local.cluster.io);
    free(soak);
    return 0;
}

/* ---- Load -------------------------------------------------------------------------------------------------------- */

static void queue_command(struct client *client, const char *const *words, size_t count) {
    assert_int_equal(client_queue_words(client, words, count), STATUS_OK);
}

/* 30 % SET, 20 % GET, 20 % APPEND, 20 % PEXPIRE, 10 % DEL: a string lives for a few APPENDs, so all stay short. */
static void queue_one(struct soak *soak, struct client *client) {
    static char filler[VALUE_MAX + 1];
    char key[32], number[32];
    if (filler[0] == 0) memset(filler, 'v', VALUE_MAX);
    uint64_t dice = prng_below(&soak->prng, 10), size = prng_between(&soak->prng, 20, VALUE_MAX);
    snprintf(key, sizeof key, "soak:%" PRIu64, prng_below(&soak->prng, KEYS));
    snprintf(number, sizeof number, "%" PRIu64, prng_between(&soak->prng, 50, 2000));
    if (dice < 3) queue_command(client, (const char *[]){"SET", key, filler + VALUE_MAX - size}, 3);
    if (dice == 3 || dice == 4) queue_command(client, (const char *[]){"GET", key}, 2);
    if (dice == 5 || dice == 6)
        queue_command(client, (const char *[]){"APPEND", key, filler + VALUE_MAX - size / 8}, 3);
    if (dice == 7 || dice == 8) queue_command(client, (const char *[]){"PEXPIRE", key, number}, 3);
    if (dice == 9) queue_command(client, (const char *[]){"DEL", key}, 2);
}

static void run_batch(struct soak *soak) {
    struct error error = {0};
    for (unsigned i = 0; i < CLIENTS; i++) {
        for (unsigned k = 0; k < BATCH; k++) queue_one(soak, soak->clients[i]);
        assert_ok(client_flush(soak->clients[i], &error), &error);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        for (unsigned k = 0; k < BATCH; k++) {
            const struct resp_reply *reply;
            assert_ok(client_receive(soak->clients[i], &reply, &error), &error);
            *(reply->type == RESP_ERROR ? &soak->refused : &soak->completed) += 1;
        }
    }
}

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

static uint64_t field(struct slice info, const char *name) {
    int64_t value = 0;
    if (!decimal_parse(info_field(info, name), &value)) fail_msg("INFO has no %s", name);
    return (uint64_t)value;
}

static uint64_t paused_next(struct slice info) {
    char name[16], line[512];
    snprintf(name, sizeof name, "peer_%d", PAUSED);
    struct slice peer = info_field(info, name);
    snprintf(line, sizeof line, "%.*s", (int)peer.size, (const char *)peer.data);
    const char *next = strstr(line, "next=");
    assert_non_null(next);
    return strtoull(next + 5, NULL, 10);
}

static uint64_t resident_bytes(struct soak *soak, unsigned node) {
    char path[64], text[128] = "";
    struct io_file *file;
    size_t got = 0;
    long pid;
    assert_int_not_equal(cluster_node_process(&soak->local.cluster, node, &pid), PROCESS_GONE);
    snprintf(path, sizeof path, "/proc/%ld/statm", pid);
    assert_int_equal(io_file_open(soak->local.cluster.io, path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, text, sizeof text - 1, &got), STATUS_OK);
    io_file_close(file);
    const char *second = strchr(text, ' ');
    assert_non_null(second);
    return strtoull(second, NULL, 10) * IO_PAGE_BYTES;
}

struct weighing {
    struct io *io;
    const char *path;
    uint64_t bytes;
};

static enum status weigh_entry(void *context, const struct io_entry *entry) {
    struct weighing *weighing = context;
    char path[2 * IO_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", weighing->path, entry->name);
    struct weighing inner = {.io = weighing->io, .path = path};
    weighing->bytes += entry->kind == IO_ENTRY_DIR ? 0 : entry->size;
    if (entry->kind != IO_ENTRY_DIR || io_dir_list(weighing->io, path, weigh_entry, &inner) != STATUS_OK)
        return STATUS_OK; /* directories come and go */
    weighing->bytes += inner.bytes;
    return STATUS_OK;
}

static uint64_t weigh(struct soak *soak, const char *path) {
    struct weighing weighing = {.io = soak->local.cluster.io, .path = path};
    assert_int_equal(io_dir_list(soak->local.cluster.io, path, weigh_entry, &weighing), STATUS_OK);
    return weighing.bytes;
}

static void look(struct soak *soak, unsigned node, struct sample *sample) {
    struct client *client = connect_to(soak, node);
    const struct resp_reply *reply;
    struct error error = {0};
    char dir[IO_PATH_BYTES], log[IO_PATH_BYTES + 8];
    assert_ok(client_call(client, (const char *[]){"INFO"}, 1, &reply, &error), &error);
    plan_path(&soak->local.cluster.plan, node, "", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    *sample = (struct sample){.operations = soak->completed,
                              .heap = field(reply->text, "used_memory_heap"),
                              .accounted = field(reply->text, "used_memory"),
                              .resident = resident_bytes(soak, node),
                              .log = weigh(soak, log),
                              .flushes = field(reply->text, "flushes"),
                              .compactions = field(reply->text, "compactions"),
                              .snapshots = field(reply->text, "raft_snapshots_installed"),
                              .applied = field(reply->text, "raft_applied"),
                              .first_index = field(reply->text, "raft_first_index"),
                              .debt = field(reply->text, "debt_bytes"),
                              .leader = field(reply->text, "raft_leader"),
                              .paused_next = paused_next(reply->text)};
    sample->store = weigh(soak, dir) - sample->log;
    client_close(client);
}

static void print_samples(const struct soak *soak) {
    printf("%8" PRIu64 " operations |", soak->completed);
    for (unsigned i = 0; i < NODES; i++) {
        const struct sample *sample = &soak->samples[i][soak->sample_count - 1];
        printf(" heap %5" PRIu64 " beside %5" PRIu64 " rss %6" PRIu64 " log %5" PRIu64 " store %5" PRIu64 " KiB%s",
               sample->heap >> 10, (sample->heap - sample->accounted) >> 10, sample->resident >> 10, sample->log >> 10,
               sample->store >> 10, i + 1 < NODES ? " |" : "\n");
    }
    (void)fflush(stdout);
}

static void take_samples(struct soak *soak) {
    for (unsigned node = 1; node <= NODES; node++) {
        struct sample *sample = &soak->samples[node - 1][soak->sample_count];
        if (node == PAUSED && soak->is_paused)
            *sample = sample[-1];
        else
            look(soak, node, sample);
    }
    soak->sample_count++;
    print_samples(soak);
}

/* ---- A node that misses so much that it needs a snapshot --------------------------------------------------------- */

static void signal_paused(struct soak *soak, enum process_signal signal) {
    long pid;
    assert_int_not_equal(cluster_node_process(&soak->local.cluster, PAUSED, &pid), PROCESS_GONE);
    assert_int_equal(process_signal(pid, signal), STATUS_OK);
    soak->is_paused = signal == PROCESS_PAUSE;
}

/* The leader has dropped the log that comes next, behind all that is on its way already. */
static bool must_have_a_snapshot(struct soak *soak) {
    for (unsigned node = 1; node <= NODES; node++) {
        struct sample sample;
        if (node == PAUSED) continue;
        look(soak, node, &sample);
        if (sample.leader == node && sample.paused_next > 0) return sample.first_index > sample.paused_next;
    }
    return false;
}

/*
 * Some times in the first 30 % of the operations, and once at 60 %. The first times belong to the warm-up: whoever has
 * sent or taken a snapshot keeps its buffers for the next, and how large they grow hangs on what was under way.
 */
static unsigned pause_percent(unsigned pause) {
    return pause < EARLY_PAUSES ? 2 + 7 * pause : 60;
}

/* On a fast machine the next pause would come before the snapshot of the last has arrived: one would do for both. */
static bool has_its_snapshots(struct soak *soak) {
    struct sample sample;
    look(soak, PAUSED, &sample);
    return sample.snapshots >= soak->pauses;
}

static void pause_or_resume(struct soak *soak) {
    if (soak->is_paused) {
        if (must_have_a_snapshot(soak)) signal_paused(soak, PROCESS_RESUME);
    } else if (soak->pauses < PAUSES && soak->completed > soak->target / 100 * pause_percent(soak->pauses) &&
               has_its_snapshots(soak)) {
        soak->pauses++;
        signal_paused(soak, PROCESS_PAUSE);
    }
}

/* ---- Judgement --------------------------------------------------------------------------------------------------- */

struct window {
    uint64_t rest, resident; /* floors */
    uint64_t leaders;        /* a bit for each */
};

static struct window look_back(const struct soak *soak, unsigned node, unsigned from_percent, unsigned to_percent) {
    struct window window = {.rest = UINT64_MAX, .resident = UINT64_MAX};
    for (unsigned i = 0; i < soak->sample_count; i++) {
        const struct sample *sample = &soak->samples[node - 1][i];
        uint64_t percent = sample->operations * 100 / soak->target;
        if (percent < from_percent || percent > to_percent) continue;
        const uint64_t rest = sample->heap - sample->accounted;
        if (rest < window.rest) window.rest = rest;
        if (sample->resident < window.resident) window.resident = sample->resident;
        window.leaders |= UINT64_C(1) << sample->leader;
    }
    assert_true(window.rest != UINT64_MAX);
    return window;
}

static void must_stay(const struct soak *soak, unsigned node, const char *what, uint64_t early, uint64_t late,
                      uint64_t slack) {
    const uint64_t operations = soak->target / 2; /* from window to window */
    uint64_t bound = operations * HEAP_BYTES_PER_OPERATION > slack ? operations * HEAP_BYTES_PER_OPERATION : slack;
    int64_t growth = (int64_t)late - (int64_t)early;
    printf("node %u: %s: floor %" PRIu64 " KiB early, %" PRIu64 " KiB late: %+.2f bytes an operation (bound: %.2f)\n",
           node, what, early >> 10, late >> 10, (double)growth / (double)operations,
           (double)bound / (double)operations);
    if (growth > (int64_t)bound)
        fail_msg("node %u: its memory (%s) grew by %" PRIi64 " bytes over %" PRIu64 " operations: something is kept",
                 node, what, growth, operations);
}

static void must_not_grow(const struct soak *soak, unsigned node) {
    struct window early = look_back(soak, node, 30, 50), late = look_back(soak, node, 80, 100);
    bool same_leader = early.leaders == late.leaders;
    must_stay(soak, node, "heap beside memtables and blocks", early.rest, late.rest,
              same_leader ? HEAP_SLACK_BYTES : HEAP_SLACK_BYTES + NEW_LEADER_BYTES);
    must_stay(soak, node, "resident", early.resident, late.resident, RESIDENT_SLACK_BYTES);
}

static void must_keep_its_accounts(const struct soak *soak, unsigned node) {
    for (unsigned i = 0; i < soak->sample_count; i++)
        assert_in_range(soak->samples[node - 1][i].accounted, 1, ACCOUNTED_BYTES);
}

static void must_fit_on_disk(const struct soak *soak, unsigned node) {
    uint64_t log = 0, store = 0;
    for (unsigned i = 0; i < soak->sample_count; i++) {
        const struct sample *sample = &soak->samples[node - 1][i];
        if (sample->log > log) log = sample->log;
        if (sample->store > store) store = sample->store;
    }
    const struct sample *rest = &soak->samples[node - 1][soak->sample_count - 1];
    printf("node %u: disk: log at most %" PRIu64 " KiB (bound: %d), store at most %" PRIu64
           " KiB (bound: %d), at rest %" PRIu64 " KiB; %" PRIu64 " flushes, %" PRIu64 " compactions\n",
           node, log >> 10, DISK_LOG_BYTES >> 10, store >> 10, DISK_STORE_BYTES >> 10, rest->store >> 10, rest->flushes,
           rest->compactions);
    assert_in_range(log, 1, DISK_LOG_BYTES);
    assert_in_range(store, 1, DISK_STORE_BYTES);
}

/* Waits until all have applied the same and compaction has come to rest. */
static void wait_for_rest(struct soak *soak) {
    const uint64_t give_up_ns = io_now_ns(soak->local.cluster.io) + (uint64_t)READY_MS * MS;
    for (;;) {
        struct sample samples[NODES];
        bool rests = true;
        for (unsigned i = 0; i < NODES; i++) look(soak, i + 1, &samples[i]);
        for (unsigned i = 0; i < NODES; i++)
            rests = rests && samples[i].applied == samples[0].applied && samples[i].debt == 0;
        if (rests) return;
        if (io_now_ns(soak->local.cluster.io) > give_up_ns) fail_msg("the nodes do not come to rest");
        io_sleep(soak->local.cluster.io, 50 * MS);
    }
}

/* A run in which the rare things did not happen proves nothing about them. */
static void must_have_met(const struct soak *soak) {
    for (unsigned i = 0; i < NODES; i++) {
        const struct sample *last = &soak->samples[i][soak->sample_count - 1];
        assert_true(last->flushes >= 5);
        assert_true(last->compactions >= 1);
    }
    assert_true(soak->samples[PAUSED - 1][soak->sample_count - 1].snapshots >= PAUSES);
    assert_true(soak->completed / (NODES - 1) > 2 * SESSION_WINDOW); /* both sessions' windows went round */
}

static void memory_and_disk_do_not_grow_with_the_number_of_operations(void **state) {
    struct soak *soak = *state;
    uint64_t seed = test_seed(1);
    soak->target = test_number("LOAM_SOAK_OPERATIONS", test_scaled(OPERATIONS));
    if (soak->target < 40000) soak->target = 40000; /* less proves nothing: floors need waves */
    struct sample first;
    look(soak, 1, &first);
    if (first.heap == 0) {
        printf("SKIP: this allocator does not tell what it has handed out (a sanitizer's)\n");
        soak->passed = true;
        skip();
    }
    seed_starts("memory_and_disk_do_not_grow_with_the_number_of_operations", seed);
    prng_init(&soak->prng, seed);
    while (soak->completed < soak->target || soak->is_paused) {
        run_batch(soak);
        pause_or_resume(soak);
        if (soak->sample_count < SAMPLES && soak->completed >= soak->target / SAMPLES * (soak->sample_count + 1))
            take_samples(soak);
    }
    wait_for_rest(soak);
    if (soak->sample_count <= SAMPLES) take_samples(soak);
    printf("%" PRIu64 " operations completed, %" PRIu64 " refused\n", soak->completed, soak->refused);
    must_have_met(soak);
    for (unsigned node = 1; node <= NODES; node++) must_fit_on_disk(soak, node);
    for (unsigned node = 1; node <= NODES; node++) must_keep_its_accounts(soak, node);
    for (unsigned node = 1; node <= NODES; node++) must_not_grow(soak, node);
    soak->passed = true;
    seed_passes();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_and_disk_do_not_grow_with_the_number_of_operations, set_up, tear_down),
    };
    return seed_report(cmocka_run_group_tests_name("soak", tests, NULL, NULL), "build/tests/cluster/soak_test");
}
