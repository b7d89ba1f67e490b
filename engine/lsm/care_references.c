/*
 * care_references: what tables refer to, counted as the manifest lists it, and judged one by one. See care_values.h.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/care_values.h"

/* ---- Of a state -------------------------------------------------------------------------------------------------- */

struct gathering {
    struct recovered *recovered;
    struct edit_value_file *files;
    size_t count, capacity;
    struct error *error;
};

static enum status note(struct gathering *gathering, uint64_t table, uint64_t number) {
    const struct edit_value_file *file = recovered_value_file(gathering->recovered, number);
    if (!file)
        return error_set(gathering->error, STATUS_CORRUPT,
                         "table %" PRIu64 " refers to file of values %" PRIu64 ", which no edit names", table, number);
    if (gathering->count == gathering->capacity) {
        const size_t more = gathering->capacity ? gathering->capacity * 2 : 16;
        struct edit_value_file *grown = realloc(gathering->files, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        gathering->files = grown;
        gathering->capacity = more;
    }
    gathering->files[gathering->count++] = *file;
    return STATUS_OK;
}

static enum status note_table(void *context, const struct edit_file *meta) {
    struct gathering *gathering = context;
    struct decoder decoder = decoder_make(meta->values);
    struct value_count count;
    enum status status;
    while ((status = value_count_next(&decoder, &count)) == STATUS_OK) {
        const enum status noted = note(gathering, meta->number, count.number);
        if (noted != STATUS_OK) return noted;
    }
    if (status == STATUS_END) return STATUS_OK;
    return error_set(gathering->error, status, "table %" PRIu64 ": its list of files of values is malformed",
                     meta->number);
}

static int compare_numbers(const void *a, const void *b) {
    const struct edit_value_file *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

enum status care_state_values(struct recovered *recovered, struct edit_value_file **files, size_t *count,
                              struct error *error) {
    struct gathering gathering = {.recovered = recovered, .error = error};
    const enum status status = recovered_each_file(recovered, note_table, &gathering);
    size_t kept = 0;
    if (gathering.count > 1) qsort(gathering.files, gathering.count, sizeof *gathering.files, compare_numbers);
    for (size_t i = 0; i < gathering.count; i++)
        if (i == 0 || gathering.files[i].number != gathering.files[i - 1].number)
            gathering.files[kept++] = gathering.files[i];
    *files = gathering.files;
    *count = kept;
    return status;
}

/* ---- Of a table -------------------------------------------------------------------------------------------------- */

void care_references_deinit(struct care_references *references) {
    free(references->counts);
    references->counts = NULL;
    references->count = references->capacity = 0;
}

/* The count of file `number`, made if need be; NULL: no memory. */
static struct value_count *count_of(struct care_references *references, uint64_t number) {
    size_t low = 0, high = references->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (references->counts[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < references->count && references->counts[low].number == number) return &references->counts[low];
    if (references->count == references->capacity) {
        const size_t more = references->capacity ? references->capacity * 2 : 8;
        struct value_count *grown = realloc(references->counts, more * sizeof *grown);
        if (!grown) return NULL;
        references->counts = grown;
        references->capacity = more;
    }
    struct value_count *at = references->counts + low;
    memmove(at + 1, at, (references->count - low) * sizeof *at);
    *at = (struct value_count){.number = number};
    references->count++;
    return at;
}

enum status care_references_add(struct care_references *references, struct slice bytes) {
    struct value_reference reference;
    const enum status status = value_reference_decode(bytes, &reference);
    if (status != STATUS_OK) return status;
    struct value_count *count = count_of(references, reference.file);
    if (!count) return STATUS_NO_MEMORY;
    count->records++;
    count->bytes += reference.bytes;
    return STATUS_OK;
}

static enum status judge(struct care_references *references, struct care_values *values, const struct source *source) {
    struct value_reference reference;
    const char *why = NULL;
    references->references++;
    enum status status = care_values_judge(values, source->value, source->key, &why);
    if (status == STATUS_CORRUPT) {
        references->lost_count++;
        if (references->lost) references->lost(references->context, source->key, source->trailer, source->value, why);
    }
    if (status != STATUS_OK && status != STATUS_CORRUPT) return status;
    if (value_reference_decode(source->value, &reference) != STATUS_OK) {
        references->needs_damaged = true;
        return STATUS_OK; /* counts for nothing */
    }
    references->needs_damaged = references->needs_damaged || !care_values_find(values, reference.file)->is_sound;
    return care_references_add(references, source->value);
}

enum status care_references_walk(struct care_references *references, struct care_values *values, struct sst *sst) {
    struct sst_source source;
    enum status status = STATUS_OK;
    if (sst_properties(sst)->references == 0) return STATUS_OK; /* it verifies: so there are none */
    sst_source_init(&source, sst, SST_READ_AHEAD);
    for (source_seek_first(&source.source); source.source.valid && status == STATUS_OK; source_next(&source.source))
        if (entry_kind(source.source.trailer) == ENTRY_REFERENCE) status = judge(references, values, &source.source);
    if (status == STATUS_OK) status = source.source.status;
    source_close(&source.source);
    return status;
}

enum status care_references_encode(const struct care_references *references, struct buf *to) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < references->count && status == STATUS_OK; i++)
        status = value_count_encode(to, &references->counts[i]);
    return status;
}
