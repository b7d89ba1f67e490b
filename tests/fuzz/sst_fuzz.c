/*
 * sst_fuzz: any bytes as an SST. An input is taken twice: as it is, and with all checks made right again, so that what
 * stands behind them is reached too. Taken as a file, it is opened, asked and walked; whatever it answers, it answers
 * within its bounds, and both ways of a walk agree.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/sst/block_format.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_read.h"
#include "tests/harness/mend.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

static const char path[] = "/fuzz.sst";

/* ---- Using it -------------------------------------------------------------------------------------------------- */

static void ask(struct sst *sst, struct slice key, uint64_t trailer) {
    struct sst_version version;
    enum status status = sst_get(sst, key, entry_sequence(trailer), 0, &version);
    check(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_CORRUPT);
    if (status != STATUS_OK) return;
    check(version.value.data >= version.block->data);
    check(version.value.data + version.value.size <= version.block->data + version.block->size);
    block_release(version.block);
}

static void walk(struct sst *sst) {
    struct sst_source source;
    sst_source_init(&source, sst, 0);
    uint64_t forward = 0, backward = 0, sum = 0;
    for (source_seek_first(&source.source); source.source.valid; source_next(&source.source)) {
        forward++;
        sum += hash64(source.source.value, source.source.trailer) + hash64(source.source.key, 1);
        if (forward % 16 == 1) ask(sst, source.source.key, source.source.trailer);
    }
    bool whole = source.source.status == STATUS_OK;
    check(whole || source.source.status == STATUS_CORRUPT);
    for (source_seek_last(&source.source); source.source.valid; source_prev(&source.source)) {
        backward++;
        sum -= hash64(source.source.value, source.source.trailer) + hash64(source.source.key, 1);
    }
    if (whole) check(forward == backward && sum == 0);
    source_seek(&source.source, slice_from_text("user:00042:name"), ENTRY_TRAILER_FIRST);
    source_seek_before(&source.source, slice_from_text("user:00042:name"), ENTRY_TRAILER_FIRST);
    source_close(&source.source);
}

static void use_file(struct slice bytes) {
    struct sst_identity identity;
    if (sst_header_decode(bytes, &identity, NULL) != STATUS_OK) return;
    struct io *io = sim_io_create_alone(1);
    struct sst_environment environment = {
        .io = io, .codec = codec_create(), .cache = block_cache_create(1 << 20, NULL)};
    struct io_file *file;
    check(environment.codec && environment.cache);
    check(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file) == STATUS_OK);
    check(io_file_write(file, 0, bytes.data, bytes.size) == STATUS_OK);
    io_file_close(file);
    struct sst *sst = NULL;
    struct error error;
    enum status status = sst_open(&environment, path, identity, 1, &sst, &error);
    check(status == STATUS_OK || error.text[0] != 0);
    if (status == STATUS_OK) {
        walk(sst);
        (void)range_set_cover(sst_range_deletes(sst), sst_properties(sst)->origin.tree, slice_from_text("banana"), 9);
        (void)sst_approximate_bytes(sst, slice_from_text("a"), slice_from_text("z"));
        status = sst_verify(sst, NULL, NULL);
        check(status == STATUS_OK || status == STATUS_CORRUPT);
    }
    sst_close(sst);
    block_cache_destroy(environment.cache);
    codec_destroy(environment.codec);
    io_destroy(io);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > INPUT_MAX) return 0;
    use_file(slice_make(data, size));
    if (size < SST_HEADER_BYTES + SST_FOOTER_BYTES) return 0;
    uint8_t *bytes = malloc(size);
    check(bytes != NULL);
    memcpy(bytes, data, size);
    mend_sst(bytes, size);
    use_file(slice_make(bytes, size));
    free(bytes);
    return 0;
}
