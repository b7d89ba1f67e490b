/*
 * engine_memory_test: memory_bytes and open_files hold on a real machine. The resident memory of a process that does
 * nothing else stays within the budget and a twentieth, whatever the engine is asked to do; each user's line is there;
 * and a budget that readers use up is told, not exceeded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/prng.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/temp_dir.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, KIND = 1, VALUE_MOST_BYTES = 500, LOOK_EVERY_BYTES = 200 << 10 };
#define MIB (UINT64_C(1) << 20)

/* What is put in, over and over: more than the budget, or most of a large one. Small rows cost the most beside their
 * bytes, so one budget is filled with them; what others are about does not hang on the number of rows. */
struct load {
    uint64_t budget;
    enum engine_compression compression;
    uint64_t keys;
    size_t value_bytes;
};

struct run {
    bool packs; /* zstd, with dictionaries: values have something in common then */
    size_t value_bytes;
    uint64_t look_every; /* calls */
    struct io *io;
    struct engine *engine;
    const char *dir;
    uint64_t budget, keys;
    uint64_t baseline, most; /* resident bytes */
    uint64_t looks;
    const char *phase, *worst;
    struct prng prng;
};

/* A line of /proc/self/status, in bytes. */
static uint64_t status_line(const char *name) {
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) kib = strtoull(line + strlen(name), NULL, 10);
    fclose(file);
    return kib << 10;
}

/* What is resident of mappings of files under `dir`. */
static uint64_t mapped_under(const char *dir) {
    char line[512];
    uint64_t bytes = 0;
    bool inside = false;
    FILE *file = fopen("/proc/self/smaps", "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        if (strchr(line, '-') && strstr(line, " r")) inside = strstr(line, dir) != NULL;
        if (inside && strncmp(line, "Rss:", 4) == 0) bytes += strtoull(line + 4, NULL, 10) << 10;
    }
    fclose(file);
    return bytes;
}

static void look(struct run *run) {
    const uint64_t anonymous = status_line("RssAnon:");
    const uint64_t mapped = run->looks++ % 16 == 0 ? mapped_under(run->dir) : 256 << 10;
    const uint64_t now = anonymous + mapped > run->baseline ? anonymous + mapped - run->baseline : 0;
    if (now <= run->most) return;
    run->most = now;
    run->worst = run->phase;
}

static struct slice key_of(uint64_t number, char key[17]) {
    snprintf(key, 17, "%016llx", (unsigned long long)(number * UINT64_C(0x9E3779B97F4A7C15)));
    return slice_make((const uint8_t *)key, 16);
}

static void put_all(struct run *run, const char *phase) {
    struct engine_batch batch;
    uint8_t value[VALUE_MOST_BYTES];
    char key[17];
    run->phase = phase;
    engine_batch_init(&batch);
    for (uint64_t i = 0; i < run->keys; i++) {
        prng_fill(&run->prng, value, run->value_bytes);
        if (run->packs) memset(value, 'a' + (int)(i % 16), run->value_bytes / 2);
        engine_batch_clear(&batch);
        if (engine_batch_put(&batch, TREE, key_of(prng_below(&run->prng, run->keys), key),
                             slice_make(value, run->value_bytes)) != STATUS_OK ||
            engine_write(run->engine, &batch, NULL) != STATUS_OK)
            _exit(3);
        if (i % run->look_every == 0) look(run);
    }
    engine_batch_deinit(&batch);
    look(run);
}

/* Far more than there are blocks. */
static void read_some(struct run *run) {
    char key[17];
    struct engine_value value;
    run->phase = "random reads";
    for (uint64_t i = 0; i < run->keys / 3; i++) {
        const enum status status =
            engine_get(run->engine, NULL, TREE, key_of(prng_below(&run->prng, run->keys), key), &value);
        if (status == STATUS_OK) engine_value_release(&value);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) _exit(4);
        if (i % run->look_every == 0) look(run);
    }
}

static void scan(struct run *run) {
    struct engine_iterator *iterator;
    run->phase = "scans";
    if (engine_iterator_open(run->engine, TREE, NULL, &iterator) != STATUS_OK) _exit(5);
    uint64_t seen = 0;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator))
        if (++seen % run->look_every == 0) look(run);
    for (engine_iterator_seek_last(iterator); engine_iterator_valid(iterator); engine_iterator_prev(iterator))
        if (++seen % run->look_every == 0) look(run);
    if (engine_iterator_status(iterator) != STATUS_OK || seen < run->keys) _exit(6);
    engine_iterator_close(iterator);
}

/* All stand at some place and read on from there in turn. */
static void iterate_at_many_places(struct run *run) {
    enum { ITERATORS = 400, STEPS = 300 };
    static struct engine_iterator *iterators[ITERATORS];
    char key[17];
    unsigned open = 0;
    run->phase = "many iterators";
    for (; open < ITERATORS; open++) {
        const enum status status = engine_iterator_open(run->engine, TREE, NULL, &iterators[open]);
        if (status == STATUS_NO_MEMORY) break; /* told, not exceeded */
        if (status != STATUS_OK) _exit(7);
        engine_iterator_seek(iterators[open], key_of(prng_below(&run->prng, run->keys), key));
        look(run);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        for (unsigned i = 0; i < open; i++)
            if (engine_iterator_valid(iterators[i])) engine_iterator_next(iterators[i]);
        look(run);
    }
    for (unsigned i = 0; i < open; i++) engine_iterator_close(iterators[i]);
    if (open < 20) _exit(8);
}

static void compact(struct run *run) {
    run->phase = "compaction";
    if (engine_flush(run->engine) != STATUS_OK || engine_compact(run->engine) != STATUS_OK) _exit(9);
    look(run);
}

static void create_tree(struct run *run) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    if (engine_batch_create_tree(&batch, TREE, KIND) != STATUS_OK ||
        engine_write(run->engine, &batch, NULL) != STATUS_OK)
        _exit(10);
    engine_batch_deinit(&batch);
}

/* In a process of its own; what it found is told through the pipe. */
static void live(const char *dir, const struct load *load, int told) {
    struct run run = {.dir = dir, .budget = load->budget, .phase = "open", .worst = "nothing"};
    struct engine_tree_kind kind = {
        .id = KIND, .name = "k", .filter_bits_per_key = 10, .upper = load->compression, .bottom = load->compression};
    run.packs = load->compression == ENGINE_COMPRESSION_ZSTD;
    run.value_bytes = load->value_bytes;
    run.look_every = LOOK_EVERY_BYTES / load->value_bytes;
    if (run.packs) kind.dictionary_bytes = 4 << 10; /* small tables have one, too: as many as there can be */
    struct engine_options options = {.kinds = &kind, .kind_count = 1, .memory_bytes = load->budget};
    struct engine_stats stats;
    run.keys = test_scaled(load->keys);
    prng_init(&run.prng, test_seed(1));
    if (io_create(&(struct io_options){.compaction_threads = 2}, &run.io, NULL) != STATUS_OK) _exit(2);
    run.baseline = status_line("RssAnon:");
    if (engine_open(run.io, dir, &options, &run.engine, NULL) != STATUS_OK) _exit(2);
    create_tree(&run);
    put_all(&run, "fill");
    put_all(&run, "overwrite");
    read_some(&run);
    scan(&run);
    iterate_at_many_places(&run);
    compact(&run);
    read_some(&run);
    put_all(&run, "overwrite again");
    engine_get_stats(run.engine, &stats);
    engine_close(run.engine);
    io_destroy(run.io);
    dprintf(told, "%llu %llu %s\n", (unsigned long long)run.most, (unsigned long long)stats.memory_most, run.worst);
    _exit(0);
}

static void a_process_stays_within(const struct load *load) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    (void)load;
    (void)live;
    print_message("SKIP: a sanitizer has memory of its own\n");
    skip();
#else
    char dir[TEMP_DIR_BYTES], store[TEMP_DIR_BYTES + 4], text[256] = "";
    struct io *io;
    int told[2], status;
    unsigned long long resident = 0, counted = 0;
    char worst[64] = "";
    temp_dir_make(dir, "memory");
    snprintf(store, sizeof store, "%s/db", dir);
    assert_int_equal(pipe(told), 0);
    const pid_t child = fork();
    if (child == 0) live(store, load, told[1]);
    assert_true(child > 0);
    close(told[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    const ssize_t got = read(told[0], text, sizeof text - 1);
    close(told[0]);
    assert_int_equal(io_create(&(struct io_options){.compaction_threads = 1}, &io, NULL), STATUS_OK);
    temp_dir_remove(io, dir);
    io_destroy(io);
    assert_int_equal(status, 0);
    assert_true(got > 0 && sscanf(text, "%llu %llu %63[^\n]", &resident, &counted, worst) == 3);
    print_message("budget %llu MiB: resident at most %.1f MiB (%.1f %%), at %s; counted at most %.1f MiB\n",
                  (unsigned long long)(load->budget / MIB), (double)resident / (double)MIB,
                  100.0 * (double)resident / (double)load->budget, worst, (double)counted / (double)MIB);
    assert_true(resident <= load->budget + load->budget / 20);
    if (test_scaled(100) >= 100) assert_true(resident >= load->budget / 2); /* it is made use of */
    assert_true(counted <= load->budget);
#endif
}

static void sixty_four_mebibytes_are_enough_and_not_exceeded(void **state) {
    (void)state;
    a_process_stays_within(&(struct load){64 * MIB, ENGINE_COMPRESSION_NONE, 600000, 100});
}

static void compressed_blocks_are_counted_as_they_lie_in_memory(void **state) {
    (void)state;
    a_process_stays_within(&(struct load){64 * MIB, ENGINE_COMPRESSION_ZSTD, 200000, 300});
}

static void two_hundred_and_fifty_six_mebibytes_are_not_exceeded(void **state) {
    (void)state;
    a_process_stays_within(&(struct load){256 * MIB, ENGINE_COMPRESSION_NONE, 320000, VALUE_MOST_BYTES});
}

/* ---- In the simulator -------------------------------------------------------------------------------------------- */

static void work(struct io *io) {
    while (io_job_assist(io)) continue;
}

static uint64_t open_files(struct engine *engine) {
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    return stats.open_files;
}

static struct engine *open_in(struct io *io, struct engine_options *options) {
    struct engine *engine = lab_open(io, "db", options);
    lab_create_tree(engine, TREE, LAB_PLAIN);
    return engine;
}

static void fill(struct engine *engine, int from, int to) {
    char key[16], value[128];
    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "%06d", i);
        snprintf(value, sizeof value, "%0100d", i);
        lab_put(engine, TREE, key, value);
    }
}

static void expect_from_to(struct engine *engine, int from, int to) {
    char key[16], value[128];
    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "%06d", i);
        snprintf(value, sizeof value, "%0100d", i);
        lab_expect(engine, NULL, TREE, key, value);
    }
}

static void tables_that_were_not_asked_for_lately_are_closed(void **state) {
    (void)state;
    enum { KEYS = 4000, MOST = 8 };
    struct io *io = sim_io_create_alone(1);
    struct engine_options options = lab_options();
    struct engine_iterator *iterator;
    struct engine_stats stats;
    options.open_files = MOST;
    options.file_bytes = 4 << 10;
    struct engine *engine = open_in(io, &options);
    fill(engine, 0, KEYS);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    engine_get_stats(engine, &stats);
    assert_true(stats.levels[ENGINE_LEVELS - 1].files > 2 * MOST);
    for (int i = 0; i < KEYS; i += 20) {
        expect_from_to(engine, i, i + 20);
        work(io);
        assert_true(open_files(engine) <= MOST);
    }
    /* A reader keeps those that it may be reading, and no longer. */
    assert_int_equal(engine_iterator_open(engine, TREE, NULL, &iterator), STATUS_OK);
    int seen = 0;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        work(io);
        seen++;
    }
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    assert_int_equal(seen, KEYS);
    engine_iterator_close(iterator);
    expect_from_to(engine, 0, KEYS);
    work(io);
    assert_true(open_files(engine) <= MOST);
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    engine_close(engine);
    io_destroy(io);
}

static void a_budget_that_iterators_use_up_is_told_and_comes_back_with_them(void **state) {
    (void)state;
    enum { ITERATORS = 64, KEYS_BETWEEN = 4000 };
    static struct engine_iterator *iterators[ITERATORS];
    struct io *io = sim_io_create_alone(1);
    struct engine_options options = lab_options();
    struct engine_stats stats;
    struct engine_batch batch;
    char key[16], value[1000];
    options.memory_bytes = 8 << 20;
    options.memtable_bytes = 512 << 10;
    options.cache_bytes = 8 << 20;
    struct engine *engine = open_in(io, &options);
    engine_batch_init(&batch);
    memset(value, 'v', sizeof value);
    enum status status = STATUS_OK;
    int written = 0, open = 0;
    for (; status == STATUS_OK && open < ITERATORS; open++) { /* each keeps a memtable */
        status = engine_iterator_open(engine, TREE, NULL, &iterators[open]);
        for (int i = 0; i < 600 && status == STATUS_OK; i++, written++) {
            snprintf(key, sizeof key, "%06d", written);
            engine_batch_clear(&batch);
            assert_int_equal(
                engine_batch_put(&batch, TREE, slice_from_text(key), slice_make((uint8_t *)value, sizeof value)),
                STATUS_OK);
            status = engine_write(engine, &batch, NULL);
        }
        engine_get_stats(engine, &stats);
        assert_true(stats.memory_total <= stats.memory_limit);
    }
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_true(stats.memory_used[ENGINE_MEMORY_MEMTABLES] > stats.memory_limit / 4);
    for (int i = 0; i < open; i++) engine_iterator_close(iterators[i]);
    engine_batch_clear(&batch);
    work(io);
    fill(engine, 0, KEYS_BETWEEN);
    expect_from_to(engine, 0, KEYS_BETWEEN);
    engine_batch_deinit(&batch);
    engine_close(engine);
    io_destroy(io);
}

static void the_lines_of_the_statistics_add_up(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct engine_options options = lab_options();
    struct engine_iterator *iterator;
    struct engine_stats stats;
    struct buf text = BUF_EMPTY;
    struct engine *engine = open_in(io, &options);
    fill(engine, 0, 1000);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    expect_from_to(engine, 0, 1000);
    assert_int_equal(engine_iterator_open(engine, TREE, NULL, &iterator), STATUS_OK);
    engine_get_stats(engine, &stats);
    uint64_t sum = 0;
    for (unsigned i = 0; i < ENGINE_MEMORY_USERS; i++) sum += stats.memory_used[i];
    assert_int_equal(sum, stats.memory_total);
    assert_true(stats.memory_used[ENGINE_MEMORY_MEMTABLES] > 0 && stats.memory_used[ENGINE_MEMORY_TABLES] > 0);
    assert_true(stats.memory_used[ENGINE_MEMORY_CACHE] >= stats.cache_bytes);
    assert_true(stats.memory_used[ENGINE_MEMORY_READERS] > 0 && stats.memory_used[ENGINE_MEMORY_STATE] > 0);
    assert_int_equal(stats.memory_used[ENGINE_MEMORY_SLACK], 0);
    engine_iterator_close(iterator);
    work(io);
    engine_get_stats(engine, &stats);
    assert_int_equal(stats.memory_used[ENGINE_MEMORY_READERS], 0);
    assert_int_equal(stats.memory_used[ENGINE_MEMORY_JOBS], 0);
    assert_int_equal(engine_print_stats(engine, &text), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, 0), STATUS_OK);
    assert_non_null(strstr((const char *)text.data, "\"memory\":{\"limit\":0,\"memtables\":"));
    buf_deinit(&text);
    engine_close(engine);
    io_destroy(io);
}

static void a_budget_that_makes_no_sense_is_refused_in_words(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct engine_options options = lab_options();
    struct engine *engine = NULL;
    struct error error;
    options.memory_bytes = 1 << 20;
    assert_int_equal(engine_open(io, "db", &options, &engine, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "memory_bytes is 1048576"));
    options.memory_bytes = 8 << 20;
    options.memtable_bytes = 4 << 20;
    assert_int_equal(engine_open(io, "db", &options, &engine, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "memtable_bytes is 4194304"));
    io_destroy(io);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_were_not_asked_for_lately_are_closed),
        cmocka_unit_test(a_budget_that_iterators_use_up_is_told_and_comes_back_with_them),
        cmocka_unit_test(the_lines_of_the_statistics_add_up),
        cmocka_unit_test(a_budget_that_makes_no_sense_is_refused_in_words),
        cmocka_unit_test(sixty_four_mebibytes_are_enough_and_not_exceeded),
        cmocka_unit_test(compressed_blocks_are_counted_as_they_lie_in_memory),
        cmocka_unit_test(two_hundred_and_fifty_six_mebibytes_are_not_exceeded),
    };
    if (*test_text("LOAM_TEST_ONLY") != '\0') cmocka_set_test_filter(test_text("LOAM_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
