/*
 * manifest_fuzz: any bytes as a manifest, as a superblock slot, as an edit and as a batch. A manifest is taken twice:
 * as it is, and with all checks made right again, so that what stands behind them is reached too.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/lsm/batch.h"
#include "engine/lsm/manifest_format.h"
#include "engine/lsm/recovered.h"
#include "engine/lsm/superblock.h"
#include "tests/harness/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded is encoded and decoded again: nothing may be lost. */
static void check_edit(struct slice bytes) {
    struct edit edit, again;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    edit_init(&edit, EDIT_CREATE);
    edit_init(&again, EDIT_CREATE);
    if (edit_decode(bytes, &edit, NULL) == STATUS_OK) {
        check(edit_encode(&edit, &first) == STATUS_OK);
        check(edit_decode(buf_slice(&first), &again, NULL) == STATUS_OK);
        check(edit_encode(&again, &second) == STATUS_OK);
        check(slice_equal(buf_slice(&first), buf_slice(&second)));
    }
    edit_deinit(&edit);
    edit_deinit(&again);
    buf_deinit(&first);
    buf_deinit(&second);
}

static void check_manifest(struct slice bytes) {
    struct recovered recovered;
    struct manifest_recovery recovery;
    recovered_init(&recovered);
    const enum status status = manifest_parse(bytes, NULL, 0, recovered_apply, &recovered, &recovery, NULL);
    check(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_VERSION);
    if (status == STATUS_OK) {
        check(recovery.edits > 0 && recovered.last_edit - recovered.first_edit + 1 == recovery.edits);
        check(recovery.end > IO_PAGE_BYTES);
    }
    recovered_deinit(&recovered);
}

static void check_batch(struct slice bytes) {
    struct batch_header header;
    struct slice operations;
    struct batch_reader reader;
    struct batch_operation operation;
    if (batch_header_decode(bytes, &header, &operations) != STATUS_OK) return;
    batch_reader_init(&reader, operations, header.count);
    while (batch_reader_next(&reader, &operation) == STATUS_OK)
        check(operation.key.size <= ENGINE_KEY_MAX_BYTES && operation.value.size <= ENGINE_VALUE_MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct superblock superblock;
    const struct slice bytes = slice_make(data, size);
    check_edit(bytes);
    check_batch(bytes);
    check_manifest(bytes);
    if (size >= IO_SECTOR_BYTES) {
        const enum status status = superblock_parse(data, 0, &superblock);
        check(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_VERSION);
    }
    uint8_t *copy = malloc(size ? size : 1);
    check(copy != NULL);
    if (size) memcpy(copy, data, size);
    mend_manifest(copy, size);
    check_manifest(slice_make(copy, size));
    free(copy);
    return 0;
}
