/*
 * care_values: see care_values.h. Invariant: a value is handed out only after its record's check, the reference's check
 * and its key agreed, whatever the rest of its file is worth.
 */
#include "engine/lsm/care_values.h"

#include <stdlib.h>

#include "engine/lsm/file_names.h"
#include "engine/values/value_read.h"

void care_values_deinit(struct care_values *values) {
    for (size_t i = 0; i < values->count; i++) io_file_close(values->files[i].file);
    free(values->files);
    buf_deinit(&values->bytes);
    values->files = NULL;
    values->count = values->capacity = 0;
}

/* ---- One file whole ---------------------------------------------------------------------------------------------- */

struct naming {
    const struct care_sink *sink;
    const char *path;
};

static void tell(const struct care_sink *sink, const char *path, uint64_t offset, const char *text) {
    if (sink) sink->find(sink->context, path, offset, text);
}

static void take_finding(void *context, uint64_t offset, const char *text) {
    const struct naming *naming = context;
    tell(naming->sink, naming->path, offset, text);
}

enum status care_values_verify(const struct sst_environment *environment, const char *path,
                               const struct edit_value_file *meta, const struct care_sink *sink) {
    struct naming naming = {sink, path};
    struct value_reader *reader = NULL;
    struct error error = {.status = STATUS_OK};
    const struct sst_identity identity = {.store = meta->store, .file = meta->number};
    enum status status = value_reader_open(environment, path, identity, meta->number, &reader, &error);
    if (status == STATUS_NOT_FOUND || status == STATUS_MISMATCH) status = STATUS_CORRUPT;
    if (status != STATUS_OK) {
        tell(sink, path, 0, error.text[0] ? error.text : status_text(status));
        return status;
    }
    const struct value_footer *footer = value_reader_footer(reader);
    const bool differs = footer->file_bytes != meta->bytes || footer->records != meta->records;
    if (differs) tell(sink, path, 0, "holds other values than the manifest says");
    status = value_reader_verify(reader, take_finding, &naming);
    value_reader_close(reader);
    return status == STATUS_OK && differs ? STATUS_CORRUPT : status;
}

/* ---- Those of a directory ---------------------------------------------------------------------------------------- */

static size_t place_of(const struct care_values *values, uint64_t number) {
    size_t low = 0, high = values->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (values->files[middle].meta.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct care_value_file *care_values_find(const struct care_values *values, uint64_t number) {
    const size_t at = place_of(values, number);
    return at < values->count && values->files[at].meta.number == number ? &values->files[at] : NULL;
}

static struct care_value_file *insert(struct care_values *values, uint64_t number) {
    const size_t at = place_of(values, number);
    if (values->count == values->capacity) {
        const size_t more = values->capacity ? values->capacity * 2 : 16;
        struct care_value_file *grown = realloc(values->files, more * sizeof *grown);
        if (!grown) return NULL;
        values->files = grown;
        values->capacity = more;
    }
    memmove(values->files + at + 1, values->files + at, (values->count - at) * sizeof *values->files);
    values->files[at] = (struct care_value_file){.meta = {.number = number}};
    values->count++;
    return &values->files[at];
}

/* Its own word for which store built it, and how much it holds: of the header, or of the footer. */
static void ask(struct care_value_file *file, uint64_t *store) {
    uint8_t bytes[VALUE_FOOTER_BYTES];
    struct sst_identity identity;
    struct value_footer footer;
    size_t got = 0;
    if (io_file_size(file->file, &file->size) != STATUS_OK) return;
    file->meta.bytes = file->size;
    if (io_file_read(file->file, 0, bytes, VALUE_HEADER_BYTES, &got) == STATUS_OK && got == VALUE_HEADER_BYTES &&
        value_header_decode(slice_make(bytes, got), &identity, NULL) == STATUS_OK)
        *store = identity.store;
    if (file->size < VALUE_FOOTER_BYTES) return;
    if (io_file_read(file->file, file->size - VALUE_FOOTER_BYTES, bytes, sizeof bytes, &got) == STATUS_OK &&
        got == sizeof bytes && value_footer_decode(slice_make(bytes, got), file->size, &footer, NULL) == STATUS_OK) {
        *store = footer.identity.store;
        file->meta.records = footer.records;
    }
}

static enum status look(struct care_values *values, struct care_value_file *file) {
    char path[IO_PATH_BYTES];
    const struct edit_value_file *known = values->known ? values->known(values->context, file->meta.number) : NULL;
    enum status status = file_path(path, values->dir, FILE_VALUES, file->meta.number);
    if (status != STATUS_OK) return status;
    file->meta.store = known ? known->store : values->store;
    file->meta.instance = known ? known->instance : 0;
    status = io_file_open(values->environment->io, path, IO_OPEN_READ, &file->file);
    if (status == STATUS_OK)
        ask(file, &file->meta.store);
    else
        file->file = NULL;
    if (status != STATUS_NO_MEMORY)
        status = care_values_verify(values->environment, path, known ? known : &file->meta, values->sink);
    if (status == STATUS_IO) values->refused = file->meta.number;
    file->is_sound = status == STATUS_OK;
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

enum status care_values_look(struct care_values *values, uint64_t number, struct care_value_file **file) {
    *file = care_values_find(values, number);
    if (*file) return STATUS_OK;
    *file = insert(values, number);
    return *file ? look(values, *file) : STATUS_NO_MEMORY;
}

/* ---- One value --------------------------------------------------------------------------------------------------- */

static enum status no(const char **why, const char *text) {
    *why = text;
    return STATUS_CORRUPT;
}

/* Reads `size` bytes of the record into values->bytes. */
static enum status read_record(struct care_values *values, const struct care_value_file *file, uint64_t offset,
                               size_t size, const char **why) {
    size_t got = 0;
    buf_clear(&values->bytes);
    enum status status = buf_reserve(&values->bytes, size);
    if (status != STATUS_OK) return status;
    status = io_file_read(file->file, offset, values->bytes.data, size, &got);
    if (status == STATUS_NO_MEMORY) return status;
    if (status == STATUS_IO) values->refused = file->meta.number;
    values->bytes.size = size;
    return status == STATUS_OK && got == size ? STATUS_OK : no(why, "it can't be read");
}

/* The record that a reference names, in values->bytes: all of it when `whole`, else its front and key. */
static enum status find_record(struct care_values *values, struct slice bytes, struct slice key, bool whole,
                               struct value_record *record, const char **why) {
    struct value_reference reference;
    struct care_value_file *file;
    size_t size = 0;
    if (value_reference_decode(bytes, &reference) != STATUS_OK) return no(why, "the reference is malformed");
    enum status status = care_values_look(values, reference.file, &file);
    if (status != STATUS_OK) return status;
    if (!file->file) return no(why, "its file of values is missing");
    if (reference.offset > file->size || reference.bytes > file->size - reference.offset)
        return no(why, "its file of values ends before it");
    const size_t front = VALUE_RECORD_HEADER_BYTES + key.size;
    if (front > reference.bytes) return no(why, "another key's value lies in its place");
    if (!file->is_sound) whole = true; /* nobody has read the rest */
    status = read_record(values, file, reference.offset, whole ? reference.bytes : front, why);
    if (status != STATUS_OK) return status;
    const uint8_t *found = values->bytes.data;
    if (value_record_peek(buf_slice(&values->bytes), record, &size) != STATUS_OK) return no(why, "it does not verify");
    if (size != reference.bytes || record->check != reference.check) return no(why, "another value lies in its place");
    const struct sst_identity identity = {.store = file->meta.store, .file = reference.file};
    if (whole && value_record_decode(buf_slice(&values->bytes), &identity, reference.offset, record) != STATUS_OK)
        return no(why, "it does not verify");
    if (coding_get_u32(found + 16) != key.size ||
        !slice_equal(slice_make(found + VALUE_RECORD_HEADER_BYTES, key.size), key))
        return no(why, "another key's value lies in its place");
    return STATUS_OK;
}

enum status care_values_judge(struct care_values *values, struct slice reference, struct slice key, const char **why) {
    struct value_record record;
    return find_record(values, reference, key, false, &record, why);
}

enum status care_values_read(struct care_values *values, struct slice reference, struct slice key, struct buf *value) {
    struct value_record record;
    const char *why;
    enum status status = find_record(values, reference, key, true, &record, &why);
    if (status != STATUS_OK) return status;
    buf_clear(value);
    status = buf_reserve(value, record.raw_bytes ? record.raw_bytes : 1);
    if (status == STATUS_OK)
        status =
            codec_decompress(values->environment->codec, record.codec, record.payload, value->data, record.raw_bytes);
    if (status == STATUS_OK) value->size = record.raw_bytes;
    return status;
}
