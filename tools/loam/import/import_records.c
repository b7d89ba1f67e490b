/*
 * import_records: the source of keys and values (records.h): SET, or GET to compare. The records are in memory: which
 * key comes again is known only so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/import/import_source.h"
#include "tools/loam/import/records.h"

struct record_source {
    struct import_source source;
    struct import_tally *tally;
    bool check;
    struct records records;
    size_t sent, judged;
    uint64_t hash; /* of what was written, or read back */
    struct slice args[3];
};

static struct record_source *of_source(struct import_source *source) {
    return (struct record_source *)(void *)source; /* its first member */
}

static enum status next_record(struct import_source *source, struct import_command *command, struct error *error) {
    struct record_source *state = of_source(source);
    (void)error;
    if (state->sent == state->records.count) return STATUS_END;
    state->args[0] = slice_from_text(state->check ? "GET" : "SET");
    state->args[1] = records_key(&state->records, state->sent);
    state->args[2] = records_value(&state->records, state->sent);
    command->args = state->args;
    command->arg_count = state->check ? 2 : 3;
    state->sent++;
    return STATUS_OK;
}

static enum status judge_record(struct import_source *source, unsigned slot, const struct resp_reply *reply,
                                struct error *error) {
    struct record_source *state = of_source(source);
    (void)slot;
    const size_t at = state->judged++;
    const struct slice key = records_key(&state->records, at), value = records_value(&state->records, at);
    if (reply->type == RESP_ERROR)
        return error_set(error, STATUS_INVALID, "record %zu (%.*s): the server says: %.*s", at + 1, (int)key.size,
                         (const char *)key.data, (int)reply->text.size, (const char *)reply->text.data);
    const struct slice stored = state->check ? reply->text : value;
    state->tally->bytes += key.size + value.size;
    if (state->check && (reply->type == RESP_NULL || !slice_equal(stored, value)))
        state->tally->wrong++;
    else
        state->tally->items++;
    if (reply->type != RESP_NULL) state->hash = records_hash_next(state->hash, key, stored);
    return STATUS_OK;
}

static void record_progress(const struct import_source *source, uint64_t *done, uint64_t *total) {
    const struct record_source *state = (const struct record_source *)(const void *)source;
    *done = state->judged;
    *total = state->records.count;
}

static bool report_records(const struct import_source *source) {
    const struct record_source *state = (const struct record_source *)(const void *)source;
    uint64_t expected = 0;
    for (size_t i = 0; i < state->records.count; i++)
        expected = records_hash_next(expected, records_key(&state->records, i), records_value(&state->records, i));
    const bool equal = state->hash == expected && state->tally->wrong == 0;
    (void)printf("  hash %016" PRIx64 ", expected %016" PRIx64 ": %s\n", state->hash, expected,
                 equal ? "equal" : "DIFFERENT");
    return equal;
}

static void close_records(struct import_source *source) {
    struct record_source *state = of_source(source);
    records_deinit(&state->records);
    free(state);
}

enum status import_records_open(struct io *io, const struct import_options *options, struct import_tally *tally,
                                struct import_source **source, struct error *error) {
    struct record_source *state = calloc(1, sizeof *state);
    if (!state) return STATUS_NO_MEMORY;
    *state = (struct record_source){.source = {.items = "records",
                                               .next = next_record,
                                               .judge = judge_record,
                                               .progress = record_progress,
                                               .report = report_records,
                                               .close = close_records},
                                    .tally = tally,
                                    .check = options->check,
                                    .records = {.limit = (size_t)options->limit}};
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < options->path_count; i++)
        status = records_load(&state->records, io, options->paths[i], error);
    if (status == STATUS_OK && state->records.count == 0)
        status = error_set(error, STATUS_NOT_FOUND, "no records found");
    if (status != STATUS_OK) {
        close_records(&state->source);
        return status;
    }
    *source = &state->source;
    return STATUS_OK;
}
