/*
 * sst_unpack: the dictionary of a file that is opened. Invariant: what is digested has the check that the properties
 * name, and header and properties agree that it is there: with another file's dictionary a block would decompress to
 * other bytes, and nothing would tell.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/sst/sst_file.h"

static enum status digest(struct sst *sst, struct slice bytes) {
    const struct sst_handle *handle = &sst->properties.dictionary;
    struct sst_unit unit;
    enum status status = sst_unit_decode(bytes, &sst->identity, handle->offset, &unit);
    if (status != STATUS_OK) return status;
    if (unit.check != handle->check || unit.section != SST_SECTION_DICTIONARY || unit.codec != CODEC_NONE)
        return STATUS_CORRUPT;
    return dictionary_unpacker_create(unit.payload, &sst->unpacker);
}

enum status sst_open_dictionary(struct sst *sst, uint32_t features, struct error *error) {
    const struct sst_handle *handle = &sst->properties.dictionary;
    const bool told = features & SST_FEATURE_DICTIONARY;
    if (told != (handle->size > 0))
        return error_set(error, STATUS_CORRUPT, "header (offset 0) and properties do not agree on a dictionary");
    if (handle->size == 0) return STATUS_OK;
    if (handle->size > SST_DICTIONARY_UNIT_MAX || handle->size > sst_footer_data_end(&sst->footer) - handle->offset)
        return error_set(error, STATUS_CORRUPT, "its dictionary of %u bytes does not fit", handle->size);
    uint8_t *bytes = malloc(handle->size);
    if (!bytes) return STATUS_NO_MEMORY;
    enum status status = sst_file_read(sst, handle->offset, bytes, handle->size);
    if (status == STATUS_OK) status = digest(sst, slice_make(bytes, handle->size));
    free(bytes);
    if (status == STATUS_OK || status == STATUS_NO_MEMORY) return status;
    return error_set(error, status, "the dictionary at offset %" PRIu64 " (%u bytes) %s", handle->offset, handle->size,
                     status == STATUS_IO ? "can't be read" : "is damaged: blocks that were packed by it can't be read");
}
