/*
 * One flipped bit in a byte of a store: of the superblock, the manifest, an SST, a file of values, the log, options and
 * events, or of a backup. It is noticed (the store refuses to open, a read fails, verify finds it; a restore refuses),
 * and then the words name the file and an offset; or it is harmless: everything is there, to the byte, and verify finds
 * nothing either. It never becomes an answer, and nothing that was acknowledged is missing in silence.
 *
 * A million flips: make flips. Replay one: LOAM_TEST_SEED=seed LOAM_TEST_CASE=number build/tests/crash/engine_flip_test
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

#include "engine/base/hash.h"
#include "engine/care.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum {
    FLIPS = 10000,
    FLIPS_A_LIFE = 250,
    BATCHES = 40,
    FILES_MAX = 1024,
    BACKUPS = 2, /* one of the running store halfway, one of the store at rest, with its log */
    MS = 1000000,
};

#define BACKUPS_DIR "/backups"

enum class { SUPERBLOCK, MANIFEST, TABLE, LOG, VALUES, BACKUP, OTHERS, CLASSES };

static const char *const class_names[CLASSES] = {"superblock", "manifest", "sst", "log", "values", "backups", "others"};

static struct totals {
    uint64_t flips[CLASSES], refused[CLASSES], met[CLASSES], harmless[CLASSES];
    uint64_t dictionaries; /* of tables, as they were made */
} totals;

struct target {
    char path[IO_PATH_BYTES];
    uint64_t size;
    enum class class;
};

struct store {
    uint64_t seed, number; /* of the flip */
    struct workload *workload;
    struct workload_options drawn;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
    struct target files[FILES_MAX];
    size_t file_count;
    uint32_t held[BACKUPS + 1]; /* batches, of each backup from 1 */
    const struct target *hit;
    uint64_t offset;
    bool is_named; /* a finding was of this file */
};

static void broken(const struct store *store, const char *what, const char *text) {
    fail_msg("%s: %s\n  a bit flipped at %s:%" PRIu64 "; replay: LOAM_TEST_SEED=%" PRIu64 " LOAM_TEST_CASE=%" PRIu64
             " build/tests/crash/engine_flip_test",
             what, text, store->hit->path, store->offset, store->seed, store->number);
}

/* ---- A store ----------------------------------------------------------------------------------------------------- */

static void boot_io(struct store *store) {
    store->io = sim_io_create(store->sim, store->disk, NULL);
    store->engine = NULL;
}

static enum status boot(struct store *store, struct error *error) {
    boot_io(store);
    return engine_open(store->io, "/store", &store->drawn.options, &store->engine, error);
}

static void stop(struct store *store) {
    struct engine_stats stats = {0};
    if (store->engine) engine_get_stats(store->engine, &stats);
    totals.dictionaries += stats.dictionaries;
    engine_close(store->engine);
    io_destroy(store->io);
}

static enum class class_of(const char *path) {
    if (strncmp(path, BACKUPS_DIR, sizeof BACKUPS_DIR - 1) == 0) return BACKUP;
    if (strstr(path, "/wal/") != NULL) return LOG;
    if (strstr(path, ".manifest") != NULL) return MANIFEST;
    if (strstr(path, ".sst") != NULL) return TABLE;
    if (strstr(path, ".val") != NULL) return VALUES;
    return strstr(path, "SUPERBLOCK") != NULL ? SUPERBLOCK : OTHERS;
}

static void add_file(void *context, const char *path, uint64_t size) {
    struct store *store = context;
    if ((strncmp(path, "/store/", 7) != 0 && class_of(path) != BACKUP) || size == 0) return;
    assert_true(store->file_count < FILES_MAX);
    struct target *target = &store->files[store->file_count++];
    *target = (struct target){.size = size, .class = class_of(path)};
    memcpy(target->path, path, strlen(path) + 1);
}

static void back_up(struct store *store, uint64_t number, uint32_t n) {
    struct backup_report report;
    struct error error = {0};
    const enum status status = store->engine != NULL
                                   ? engine_backup(store->engine, BACKUPS_DIR, NULL, &report, &error)
                                   : engine_care_backup(store->io, "/store", BACKUPS_DIR, NULL, &report, &error);
    if (status != STATUS_OK) fail_msg("seed %" PRIu64 ": backup: %s", store->seed, error.text);
    assert_int_equal(report.number, number);
    store->held[number] = n;
}

/* Something in every kind of file; all of it durable. */
static void live(struct store *store) {
    struct error error = {0};
    struct engine_batch batch;
    engine_batch_init(&batch);
    if (boot(store, &error) != STATUS_OK) fail_msg("%s", error.text);
    for (uint32_t n = 1; n <= BATCHES; n++) {
        const struct engine_write_options options = {.sync = true};
        bool durable;
        assert_int_equal(
            workload_write(store->workload, store->io, store->engine, n, false, &batch, &options, &durable), STATUS_OK);
        if (n % 16 == 0) assert_int_equal(engine_flush(store->engine), STATUS_OK);
        if (n == BATCHES / 2) back_up(store, 1, n);
        io_run(store->io, io_now_ns(store->io) + MS);
    }
    stop(store);
    boot_io(store);
    back_up(store, 2, BATCHES);
    stop(store);
    engine_batch_deinit(&batch);
    sim_disk_walk(store->disk, add_file, store);
}

/* ---- One flip ---------------------------------------------------------------------------------------------------- */

/* Half of the flips go to a kind of file first, so that small files have their share. */
static void draw_place(struct store *store, struct prng *prng) {
    uint64_t bytes = 0;
    const enum class class = (enum class)prng_below(prng, CLASSES);
    const bool any = prng_chance(prng, 1, 2);
    store->hit = NULL;
    for (size_t i = 0; i < store->file_count; i++) {
        const struct target *target = &store->files[i];
        if (!any && target->class != class) continue;
        bytes += target->size;
        if (prng_below(prng, bytes) < target->size) store->hit = target;
    }
    if (store->hit == NULL) store->hit = &store->files[0];
    store->offset = prng_below(prng, store->hit->size);
}

static bool is_damage(enum status status) {
    return status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_IO || status == STATUS_NOT_FOUND ||
           status == STATUS_VERSION || status == STATUS_MISMATCH;
}

static const char *name_of(const char *path) {
    return strrchr(path, '/') + 1;
}

/* "offset N" in it, with N no more than a unit away. */
static bool tells_place(const struct store *store, const char *text) {
    return strstr(text, name_of(store->hit->path)) != NULL && strstr(text, "offset") != NULL;
}

static void visit_finding(void *context, const struct engine_finding *finding) {
    struct store *store = context;
    char line[ERROR_TEXT_BYTES];
    snprintf(line, sizeof line, "%s: offset %" PRIu64 ": %s", finding->file, finding->offset, finding->text);
    store->is_named = store->is_named || tells_place(store, line);
}

/* An SST is checked to the last byte, whether or not a read needs it. (A slot of the superblock is, too, but the
 * opening writes the older one anew.) */
static bool must_be_noticed(const struct store *store) {
    struct io_entry entry;
    /* One that no edit names any more was removed at the opening, or goes with the work that is still to be done. */
    while (io_job_assist(store->io)) continue;
    return store->hit->class == TABLE && io_stat(store->io, store->hit->path, &entry) == STATUS_OK;
}

static void examine(struct store *store) {
    struct error error = {0};
    uint32_t n = 0;
    const enum class class = store->hit->class;
    store->is_named = false;
    enum status status = workload_recovered(store->engine, &n);
    if (status == STATUS_OK) status = workload_compare(store->workload, store->engine, n, &error);
    if (status == STATUS_MISMATCH) broken(store, "the flip became an answer", error.text);
    if (status != STATUS_OK && !is_damage(status)) broken(store, "a read", status_name(status));
    if (status != STATUS_OK) {
        engine_last_error(store->engine, &error);
        if (!tells_place(store, error.text)) broken(store, "a read failed without naming the place", error.text);
    }
    const enum status verdict = engine_verify(store->engine, visit_finding, store);
    if (status != STATUS_OK && verdict == STATUS_OK) broken(store, "verify missed what a read met", error.text);
    if (status == STATUS_OK && verdict == STATUS_OK && n < BATCHES)
        broken(store, "acknowledged batches are missing", "and nobody says so");
    if (verdict != STATUS_OK && !store->is_named) {
        engine_last_error(store->engine, &error);
        broken(store, "verify does not name the place", error.text);
    }
    if (verdict == STATUS_OK && must_be_noticed(store)) broken(store, "not noticed", "though a check covers it");
    if (verdict == STATUS_OK)
        totals.harmless[class]++;
    else
        totals.met[class]++;
}

/* Tables and files of values are read whole by a restore. */
static bool is_checked_whole(const char *path) {
    return strstr(path, ".sst") != NULL || strstr(path, ".val") != NULL;
}

/* Of the backup that was hit: it is refused with words, or what it makes is whole. */
static void examine_backup(struct store *store) {
    static const char restored[] = "/restored";
    struct error error = {0};
    uint32_t n = 0;
    const uint64_t number = strtoull(store->hit->path + sizeof BACKUPS_DIR, NULL, 10);
    assert_in_range(number, 1, BACKUPS);
    enum status status = engine_care_restore(store->io, BACKUPS_DIR, number, restored, &error);
    if (status != STATUS_OK) {
        if (!is_damage(status)) broken(store, "a restore refuses for another reason", status_name(status));
        if (!tells_place(store, error.text)) broken(store, "a restore refuses without naming the place", error.text);
        totals.refused[BACKUP]++;
        return;
    }
    if (is_checked_whole(store->hit->path)) broken(store, "restored", "though a check covers it");
    status = engine_open(store->io, restored, &store->drawn.options, &store->engine, &error);
    if (status != STATUS_OK) broken(store, "what was restored does not open", error.text);
    status = workload_recovered(store->engine, &n);
    if (status != STATUS_OK || n != store->held[number])
        broken(store, "what was restored is of another time", status_name(status));
    status = workload_compare(store->workload, store->engine, n, &error);
    if (status != STATUS_OK) broken(store, "what was restored differs", error.text);
    status = engine_verify(store->engine, NULL, NULL);
    if (status != STATUS_OK) broken(store, "verify of what was restored", status_name(status));
    totals.harmless[BACKUP]++;
}

static void examine_store(struct store *store) {
    struct error error = {0};
    const enum status status = engine_open(store->io, "/store", &store->drawn.options, &store->engine, &error);
    if (status == STATUS_OK) {
        examine(store);
        return;
    }
    if (!is_damage(status)) broken(store, "refused for another reason", status_name(status));
    if (!tells_place(store, error.text)) broken(store, "refused without naming the place", error.text);
    totals.refused[store->hit->class]++;
}

static void run_flip(const struct store *original, uint64_t number) {
    struct store store = *original;
    struct prng prng;
    prng_init(&prng, hash_mix(original->seed, number));
    store.number = number;
    store.drawn.options.kinds = store.drawn.kinds;
    store.disk = sim_disk_clone(original->disk, prng_next(&prng));
    do draw_place(&store, &prng);
    while (sim_disk_damage(store.disk, store.hit->path, store.offset, SIM_DAMAGE_FLIP) != STATUS_OK);
    totals.flips[store.hit->class]++;
    boot_io(&store);
    if (store.hit->class == BACKUP)
        examine_backup(&store);
    else
        examine_store(&store);
    stop(&store);
    sim_disk_destroy(store.disk);
}

static uint64_t all_flips(void) {
    uint64_t sum = 0;
    for (unsigned class = 0; class < CLASSES; class ++) sum += totals.flips[class];
    return sum;
}

/* Every second life has large tables (the workload whose seed ends so puts many rows at once) of small blocks, which
 * gain by a dictionary. */
static void draw_options(struct prng *prng, uint64_t seed, struct workload_options *drawn) {
    workload_draw_options(prng, drawn);
    drawn->options.wal = ENGINE_WAL_OWN;
    if (seed % 2) return;
    for (size_t i = 0; i < MODEL_KINDS; i++) {
        drawn->kinds[i].upper = drawn->kinds[i].bottom = ENGINE_COMPRESSION_ZSTD;
        drawn->kinds[i].dictionary_bytes = 256;
        drawn->kinds[i].value_threshold_bytes = 0;
    }
    drawn->options.block_bytes = 128;
    drawn->options.file_bytes = 256 << 10;
    drawn->options.memtable_bytes = 64 << 10;
    drawn->options.format_level = ENGINE_FORMAT_LEVEL_LATEST;
}

static void run_life(uint64_t seed, uint64_t only) {
    static struct store store;
    struct prng prng;
    prng_init(&prng, hash_mix(seed, 0x666c6970));
    store = (struct store){.seed = seed,
                           .workload = workload_create(seed % 2 ? seed : seed * 8 + 4, BATCHES, 10),
                           .sim = sim_create(seed)};
    draw_options(&prng, seed, &store.drawn);
    store.disk = sim_disk_create(seed);
    live(&store);
    for (uint64_t number = 1; number <= FLIPS_A_LIFE; number++)
        if (only == 0 || only == number) run_flip(&store, number);
    sim_disk_destroy(store.disk);
    sim_destroy(store.sim);
    workload_destroy(store.workload);
}

static void a_flipped_bit_is_noticed_with_its_place_or_harmless(void **state) {
    (void)state;
    const uint64_t only = test_number("LOAM_TEST_CASE", 0), wanted = only != 0 ? 1 : test_scaled(FLIPS);
    for (uint64_t seed = test_seed(1); all_flips() < wanted; seed++) run_life(seed, only);
    for (unsigned i = 0; i < CLASSES; i++)
        print_message("%-10s %8" PRIu64 " flips: %8" PRIu64 " refused at open, %8" PRIu64 " met later, %8" PRIu64
                      " harmless\n",
                      class_names[i], totals.flips[i], totals.refused[i], totals.met[i], totals.harmless[i]);
    print_message("%" PRIu64 " flips, 0 wrong answers; %" PRIu64 " tables were made with a dictionary\n", all_flips(),
                  totals.dictionaries);
    if (wanted >= FLIPS)
        for (unsigned i = 0; i + 1 < CLASSES; i++) assert_true(totals.refused[i] + totals.met[i] > 0);
    assert_true(wanted < FLIPS || totals.dictionaries > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_flipped_bit_is_noticed_with_its_place_or_harmless)};
    return cmocka_run_group_tests_name("engine flips", tests, NULL, NULL);
}
