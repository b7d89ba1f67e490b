/* sst_lab: see sst_lab.h. */
#include "tests/harness/sst_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/sim/sim_io.h"

const char sst_lab_path[] = "/000001.sst";
const struct sst_identity sst_lab_identity = {.store = 0x1122334455667788, .file = 1};

static void note_error(void *context, const struct error *error) {
    struct sst_lab *f = context;
    f->errors++;
    f->error = *error;
}

int sst_lab_set_up(void **state) {
    struct sst_lab *f = calloc(1, sizeof *f);
    if (!f) return -1;
    f->io = sim_io_create_alone(1);
    f->environment = (struct sst_environment){
        .io = f->io,
        .codec = codec_create(),
        .cache = block_cache_create(1 << 20, NULL),
        .on_error = note_error,
        .context = f,
    };
    f->options = (struct sst_build_options){
        .identity = sst_lab_identity,
        .origin = {.tree = 3,
                   .kind = 9,
                   .cause = SST_CAUSE_FLUSH,
                   .level = 0,
                   .job = 5,
                   .created_ms = 1000,
                   .oldest_time_ms = -7},
        .codec = CODEC_LZ4,
        .filter_bits_per_key = 10,
        .block_bytes = 512,
    };
    *state = f;
    return 0;
}

int sst_lab_set_up_mapped(void **state) {
    if (sst_lab_set_up(state) != 0) return -1;
    struct sst_lab *f = *state;
    f->options.codec = CODEC_NONE;
    f->environment.map_tables = true;
    return 0;
}

void sst_lab_forget(struct sst_lab *f) {
    for (size_t i = 0; i < SST_LAB_ENTRIES_MAX; i++) {
        buf_deinit(&f->entries[i].key);
        buf_deinit(&f->entries[i].value);
    }
    f->count = f->range_count = 0;
}

int sst_lab_tear_down(void **state) {
    struct sst_lab *f = *state;
    sst_lab_forget(f);
    block_cache_destroy(f->environment.cache);
    codec_destroy(f->environment.codec);
    io_destroy(f->io);
    free(f);
    return 0;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

void sst_lab_add(struct sst_lab *f, struct slice key, uint64_t trailer, struct slice value) {
    struct sst_lab_entry *entry = &f->entries[f->count++];
    assert_int_equal(buf_assign(&entry->key, key), STATUS_OK);
    assert_int_equal(buf_assign(&entry->value, value), STATUS_OK);
    entry->trailer = trailer;
}

void sst_lab_add_numbers(struct sst_lab *f, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char key[32];
        size_t size = (size_t)snprintf(key, sizeof key, "key%06u", i * 2);
        sst_lab_add(f, slice_make(key, size), entry_trailer(i + 1, ENTRY_PUT),
                    slice_from_text("0123456789012345678901234567"));
    }
}

/* ---- Building and opening ---------------------------------------------------------------------------------------- */

enum status sst_lab_build(struct sst_lab *f) {
    struct sst_build *build = NULL;
    enum status status = sst_build_create(&f->environment, sst_lab_path, &f->options, &build);
    for (size_t i = 0; i < f->range_count / 2 && status == STATUS_OK; i++) {
        status = sst_build_range_delete(build, f->ranges[i].begin, f->ranges[i].end, f->ranges[i].sequence);
    }
    for (size_t i = 0; i < f->count && status == STATUS_OK; i++) {
        const struct sst_lab_entry *entry = &f->entries[i];
        status = sst_build_add(build, buf_slice(&entry->key), entry->trailer, buf_slice(&entry->value));
    }
    for (size_t i = f->range_count / 2; i < f->range_count && status == STATUS_OK; i++) {
        status = sst_build_range_delete(build, f->ranges[i].begin, f->ranges[i].end, f->ranges[i].sequence);
    }
    if (status == STATUS_OK) status = sst_build_finish(build);
    if (status == STATUS_OK) status = sst_build_sync(build);
    if (status == STATUS_OK) assert_int_equal(sst_build_entries(build), f->count + f->range_count);
    sst_build_destroy(build);
    return status;
}

struct sst *sst_lab_open(struct sst_lab *f, uint64_t cache_file) {
    struct sst *sst = NULL;
    struct error error;
    enum status status = sst_open(&f->environment, sst_lab_path, sst_lab_identity, cache_file, &sst, &error);
    if (status != STATUS_OK) fail_msg("%s", error.text);
    return sst;
}

struct sst *sst_lab_build_and_open(struct sst_lab *f) {
    static uint64_t cache_file;
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    return sst_lab_open(f, ++cache_file);
}

void sst_lab_expect(const struct sst_lab *f, const struct source *source, size_t at) {
    assert_int_equal(source->status, STATUS_OK);
    assert_int_equal(source->valid, at < f->count);
    if (at >= f->count) return;
    const struct sst_lab_entry *entry = &f->entries[at];
    assert_true(slice_equal(source->key, buf_slice(&entry->key)));
    assert_int_equal(source->trailer, entry->trailer);
    assert_true(slice_equal(source->value, buf_slice(&entry->value)));
    assert_int_equal(source->head, entry_head(source->key));
}
