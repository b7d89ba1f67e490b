/*
 * wal_kill_test: a process that ends in the midst of a commit that is not synced. First every point at which the copy
 * of a group into the segment may stop, in a simulated file; then real processes that are killed while they write.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/wal_scan.h"
#include "tests/harness/test_env.h"
#include "tests/harness/wal_model.h"

enum { SEGMENT = 64 << 10, OWNER = 42, COMMITS = 300 /* through several segments, recycled ones among them */ };
static const char dir[] = "/wal";

/* ---- Where a copy may stop --------------------------------------------------------------------------------------- */

struct bench {
    struct wal_machine machine;
    struct wal_model model;
    struct wal_options options;
    struct wal *wal;
    struct prng prng;
    uint64_t torn, unstamped; /* how often the scan said so */
};

static void open_log(struct bench *bench) {
    struct error error;
    enum status status =
        wal_model_open(&bench->model, bench->machine.io, dir, &bench->options, &bench->wal, NULL, &error);
    if (status != STATUS_OK) fail_msg("open: %s: %s", status_name(status), error.text);
    if (wal_model_judge(&bench->model) != NULL) fail_msg("%s", wal_model_judge(&bench->model));
}

static void commit_one(struct bench *bench) {
    uint64_t lsn;
    if (bench->options.compact) {
        assert_int_equal(wal_model_put(&bench->model, bench->wal, &lsn), STATUS_OK);
    } else {
        assert_int_equal(wal_model_append(&bench->model, bench->wal, &lsn), STATUS_OK);
        assert_int_equal(wal_commit(bench->wal, false), STATUS_OK);
    }
    bench->model.durable = bench->model.next; /* for us: no power goes here */
}

static void newest_path(const struct bench *bench, char path[64]) {
    snprintf(path, 64, "%s/%08x.wal", dir, (unsigned)(wal_end(bench->wal) >> 32));
}

static void read_file(struct bench *bench, const char *path, uint8_t bytes[SEGMENT]) {
    struct io_file *file;
    size_t got;
    assert_int_equal(io_file_open(bench->machine.io, path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, bytes, SEGMENT, &got), STATUS_OK);
    assert_int_equal(got, SEGMENT);
    io_file_close(file);
}

/* The same while the bytes come piece by piece, each when it is asked for. */
static void assert_pieces_tell_the_same(struct bench *bench, const uint8_t *bytes, const struct wal_scan *whole,
                                        enum wal_verdict expected, uint64_t groups) {
    static uint8_t come[SEGMENT];
    struct wal_scan scan;
    struct error error;
    enum wal_verdict verdict;
    struct wal_group group;
    size_t have = 0;
    memset(come, 0xa5, sizeof come);
    assert_int_equal(wal_scan_init(&scan, slice_make(come, SEGMENT), &whole->header, NULL, &error), STATUS_OK);
    wal_scan_have(&scan, 0);
    do {
        assert_int_equal(wal_scan_next(&scan, &verdict, &group), STATUS_OK);
        if (verdict == WAL_FOUND_GROUP) groups--;
        if (verdict != WAL_FOUND_UNREAD) continue;
        assert_true(have < SEGMENT);
        const size_t piece = 1 + prng_below(&bench->prng, 9000), most = SEGMENT - have;
        memcpy(come + have, bytes + have, piece < most ? piece : most);
        have += piece < most ? piece : most;
        wal_scan_have(&scan, have);
    } while (verdict == WAL_FOUND_GROUP || verdict == WAL_FOUND_UNREAD);
    assert_int_equal(verdict, expected);
    assert_int_equal(groups, 0);
    assert_true(scan.position == whole->position && scan.last_group == whole->last_group &&
                scan.highest_group == whole->highest_group && scan.durable == whole->durable &&
                scan.durable_position == whole->durable_position && scan.what == whole->what && scan.at == whole->at &&
                scan.at_group == whole->at_group);
    wal_scan_deinit(&scan);
}

/* How many groups the bytes hold; fails when they are faulty. */
static uint64_t groups_in(struct bench *bench, const uint8_t *bytes) {
    struct wal_segment_header header;
    struct wal_scan scan;
    struct error error;
    enum wal_verdict verdict;
    struct wal_group group;
    uint64_t groups = 0;
    assert_int_equal(wal_segment_header_decode(slice_make(bytes, SEGMENT), &header, &error), STATUS_OK);
    assert_int_equal(wal_scan_init(&scan, slice_make(bytes, SEGMENT), &header, NULL, &error), STATUS_OK);
    do {
        assert_int_equal(wal_scan_next(&scan, &verdict, &group), STATUS_OK);
        if (verdict == WAL_FOUND_FAULTY) fail_msg("faulty at %llu: %s", (unsigned long long)scan.at, scan.what);
        groups += verdict == WAL_FOUND_GROUP;
    } while (verdict == WAL_FOUND_GROUP);
    bench->torn += verdict == WAL_FOUND_TORN;
    bench->unstamped += verdict == WAL_FOUND_END && scan.what != NULL;
    assert_pieces_tell_the_same(bench, bytes, &scan, verdict, groups);
    wal_scan_deinit(&scan);
    return groups;
}

/* Some of the sector's bytes behind its head are new. */
static void change_body(struct bench *bench, uint8_t *sector, const uint8_t *wanted) {
    const uint64_t way = prng_below(&bench->prng, 3);
    const size_t till = IO_HEAD_BYTES + prng_below(&bench->prng, IO_SECTOR_BYTES - IO_HEAD_BYTES + 1);
    for (size_t at = IO_HEAD_BYTES; at < IO_SECTOR_BYTES; at++) {
        const bool now = way == 0 ? at < till : way == 1 ? at >= till : prng_chance(&bench->prng, 1, 2);
        if (now) sector[at] = wanted[at];
    }
}

/* Each point at which the change from `before` to `after` may stop, as IO_OPEN_MAPPED says. */
static void stop_everywhere(struct bench *bench, const uint8_t *before, const uint8_t *after) {
    static uint8_t file[SEGMENT];
    const uint64_t groups = groups_in(bench, before);
    memcpy(file, before, SEGMENT);
    for (size_t sector = SEGMENT / IO_SECTOR_BYTES; sector-- > 0;) {
        uint8_t *to = file + sector * IO_SECTOR_BYTES;
        const uint8_t *wanted = after + sector * IO_SECTOR_BYTES;
        if (memcmp(to, wanted, IO_SECTOR_BYTES) == 0) continue;
        for (int i = 0; i < 6; i++) {
            memcpy(to, before + sector * IO_SECTOR_BYTES, IO_SECTOR_BYTES);
            change_body(bench, to, wanted);
            assert_int_equal(groups_in(bench, file), groups);
        }
        memcpy(to + IO_HEAD_BYTES, wanted + IO_HEAD_BYTES, IO_SECTOR_BYTES - IO_HEAD_BYTES);
        assert_int_equal(groups_in(bench, file), groups);
        memcpy(to, wanted, IO_HEAD_BYTES);
        const bool complete = memcmp(file, after, SEGMENT) == 0;
        assert_int_equal(groups_in(bench, file), groups + complete);
    }
    assert_memory_equal(file, after, SEGMENT);
}

static void bench_init(struct bench *bench, uint64_t seed, bool compact) {
    *bench = (struct bench){.options = {.owner = OWNER, .segment_bytes = SEGMENT, .compact = compact}};
    wal_machine_init(&bench->machine, seed);
    wal_model_init(&bench->model, seed, 3000);
    prng_init(&bench->prng, seed);
    open_log(bench);
}

static void bench_deinit(struct bench *bench) {
    wal_close(bench->wal);
    wal_model_deinit(&bench->model);
    wal_machine_deinit(&bench->machine);
}

static void stop_copies(bool compact) {
    static uint8_t before[SEGMENT], after[SEGMENT];
    const uint64_t seed = test_seed(11);
    struct bench bench;
    print_message("seed %llu\n", (unsigned long long)seed);
    bench_init(&bench, seed, compact);
    const uint64_t commits = test_scaled(COMMITS);
    for (uint64_t i = 0; i < commits; i++) {
        char path[64], now[64];
        newest_path(&bench, path);
        read_file(&bench, path, before);
        const uint64_t lsn = wal_end(bench.wal);
        commit_one(&bench);
        newest_path(&bench, now);
        read_file(&bench, now, after);
        if (strcmp(path, now) == 0) {
            stop_everywhere(&bench, before, after);
        } else {
            bench.model.dropped = bench.model.next - 1;
            wal_drop_before(bench.wal, lsn);
            while (io_job_assist(bench.machine.io)) continue;
        }
    }
    struct wal_stats stats;
    wal_get_stats(bench.wal, &stats);
    if (commits >= COMMITS) assert_true(stats.segments_recycled > 0); /* a scaled run ends in the first ones */
    assert_true(bench.torn > 0);
    assert_true(bench.unstamped > 0);
    bench_deinit(&bench);
}

static void a_copy_that_stops_anywhere_leaves_every_earlier_group(void **state) {
    (void)state;
    stop_copies(false);
}
static void a_compact_copy_that_stops_anywhere_leaves_every_earlier_group(void **state) {
    (void)state;
    stop_copies(true);
}

static void a_log_goes_on_behind_a_copy_that_stopped(void **state) {
    (void)state;
    static uint8_t before[SEGMENT], after[SEGMENT];
    const uint64_t seed = test_seed(12);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint64_t round = 0; round < test_scaled(40); round++) {
        struct bench bench;
        char path[64];
        bench_init(&bench, seed + round, round % 2 != 0);
        for (uint64_t i = 0; i <= round % 7; i++) commit_one(&bench);
        newest_path(&bench, path);
        read_file(&bench, path, before);
        const uint64_t kept = bench.model.next;
        commit_one(&bench);
        read_file(&bench, path, after);
        wal_close(bench.wal);
        bench.wal = NULL;
        size_t last = SEGMENT / IO_SECTOR_BYTES;
        do last--;
        while (memcmp(before + last * IO_SECTOR_BYTES, after + last * IO_SECTOR_BYTES, IO_SECTOR_BYTES) == 0);
        change_body(&bench, before + last * IO_SECTOR_BYTES, after + last * IO_SECTOR_BYTES);
        struct io_file *file;
        assert_int_equal(io_file_open(bench.machine.io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
        assert_int_equal(io_file_write(file, 0, before, SEGMENT), STATUS_OK);
        io_file_close(file);
        bench.model.durable = kept;
        open_log(&bench);
        assert_int_equal(bench.model.seen_next, kept);
        wal_model_adopt(&bench.model);
        for (int i = 0; i < 5; i++) commit_one(&bench);
        wal_close(bench.wal);
        open_log(&bench);
        assert_int_equal(bench.model.seen_next, kept + 5);
        bench_deinit(&bench);
    }
}

/* ---- Processes that are killed ----------------------------------------------------------------------------------- */

struct victim {
    char log_dir[300];
    struct wal_options options;
    struct wal_model model; /* what is in the log when it begins */
    _Atomic uint64_t *acknowledged;
};

/* Writes until it is killed. */
static void write_for_ever(struct victim *victim) {
    struct io *io;
    struct wal *wal;
    uint64_t lsn;
    if (io_create(&(struct io_options){0}, &io, NULL) != STATUS_OK) _exit(2);
    if (wal_model_open(&victim->model, io, victim->log_dir, &victim->options, &wal, NULL, NULL) != STATUS_OK) _exit(3);
    for (;;) {
        if (wal_model_put(&victim->model, wal, &lsn) != STATUS_OK) _exit(4);
        const bool sync = victim->model.next % 400 == 0;
        if (sync && wal_commit(wal, true) != STATUS_OK) _exit(5);
        atomic_store(victim->acknowledged, victim->model.next);
    }
}

static enum status remove_entry(void *context, const struct io_entry *entry) {
    const struct victim *victim = context;
    char path[IO_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", victim->log_dir, entry->name);
    return unlink(path) == 0 ? STATUS_OK : STATUS_IO;
}

static void a_killed_process_loses_nothing_that_it_had_committed(void **state) {
    (void)state;
    const uint64_t seed = test_seed(13);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct victim victim = {.options = {.owner = OWNER, .segment_bytes = 1 << 20}};
    char parent[256];
    struct prng prng;
    prng_init(&prng, seed);
    snprintf(parent, sizeof parent, "%s/wal-kill-XXXXXX", test_build_dir());
    assert_non_null(mkdtemp(parent));
    snprintf(victim.log_dir, sizeof victim.log_dir, "%s/log", parent);
    victim.acknowledged = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(victim.acknowledged != MAP_FAILED);
    wal_model_init(&victim.model, seed, 700);
    struct io *io = NULL;
    for (uint64_t round = 0; round < test_scaled(25); round++) {
        const uint64_t before = victim.model.next;
        atomic_store(victim.acknowledged, before);
        const uint64_t target = before + 1 + prng_below(&prng, 4000);
        victim.options.compact = round % 3 != 0;
        const pid_t child = fork(); /* no thread of ours runs now */
        assert_true(child >= 0);
        if (child == 0) write_for_ever(&victim);
        int code = 0;
        while (atomic_load(victim.acknowledged) < target && waitpid(child, &code, WNOHANG) == 0) continue;
        assert_int_equal(kill(child, SIGKILL), 0);
        if (!WIFEXITED(code) || WEXITSTATUS(code) == 0) assert_int_equal(waitpid(child, &code, 0), child);
        assert_true(WIFSIGNALED(code));
        const uint64_t acknowledged = atomic_load(victim.acknowledged);

        struct wal *wal;
        struct error error;
        assert_int_equal(io_create(&(struct io_options){0}, &io, NULL), STATUS_OK);
        victim.model.next = acknowledged + 1; /* one may have been under way */
        victim.model.durable = acknowledged;
        const enum status status =
            wal_model_open(&victim.model, io, victim.log_dir, &victim.options, &wal, NULL, &error);
        if (status != STATUS_OK) fail_msg("round %d: %s: %s", (int)round, status_name(status), error.text);
        if (wal_model_judge(&victim.model) != NULL)
            fail_msg("round %d: %s", (int)round, wal_model_judge(&victim.model));
        assert_true(victim.model.seen_next >= acknowledged && victim.model.seen_next <= acknowledged + 1);
        wal_model_adopt(&victim.model);
        wal_close(wal);
        if (round + 1 < test_scaled(25)) io_destroy(io);
    }
    assert_int_equal(io_dir_list(io, victim.log_dir, remove_entry, &victim), STATUS_OK);
    io_destroy(io);
    assert_int_equal(rmdir(victim.log_dir), 0);
    assert_int_equal(rmdir(parent), 0);
    assert_int_equal(munmap((void *)victim.acknowledged, 4096), 0);
    wal_model_deinit(&victim.model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_that_stops_anywhere_leaves_every_earlier_group),
        cmocka_unit_test(a_compact_copy_that_stops_anywhere_leaves_every_earlier_group),
        cmocka_unit_test(a_log_goes_on_behind_a_copy_that_stopped),
        cmocka_unit_test(a_killed_process_loses_nothing_that_it_had_committed),
    };
    return cmocka_run_group_tests_name("wal_kill", tests, NULL, NULL);
}
