/*
 * import_series: the source of time series: CSV files of time,value -> TS.CREATE once a series, TS.MADD with up to
 * BATCH_SAMPLES lines of it; with check, TS.RANGE over the same lines and a comparison bit for bit.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/decimal.h"
#include "tools/loam/import/import_source.h"
#include "tools/loam/import/line_reader.h"
#include "tools/loam/import/series_files.h"
#include "tools/loam/import/series_line.h"

enum { BATCH_SAMPLES = 256, ARGS_MAX = 1 + 3 * BATCH_SAMPLES, CREATE_ARGS = 5 + 2 * IMPORT_LABELS_MAX };

/* The command that is in flight in one slot, as its reply is judged by. */
struct sent {
    bool creates;
    size_t file;
    size_t count;
    uint64_t lines[BATCH_SAMPLES];
    int64_t times_ms[BATCH_SAMPLES];
    double values[BATCH_SAMPLES];
};

/* What TS.INFO says of all series together. */
struct stored {
    uint64_t series, samples, chunks, bytes;
};

struct series_source {
    struct import_source source;
    struct io *io;
    const struct import_options *options;
    struct import_tally *tally;
    struct series_files files;
    size_t file; /* the one that is read */
    bool is_open;
    bool must_create;
    struct line_reader reader;
    struct series_line_parser parser;
    uint64_t read_bytes; /* of the files before */
    uint64_t taken;      /* samples, against the limit */
    uint64_t there_before;
    struct stored stored;

    bool has_pending; /* check: a sample that goes backward begins the next command */
    struct series_sample pending;
    uint64_t pending_line;
    struct sent *sent; /* IMPORT_WINDOW of them */
    struct buf text;   /* what args point into, as offsets until it is complete */
    struct slice args[ARGS_MAX];
};

static struct series_source *of_source(struct import_source *source) {
    return (struct series_source *)(void *)source; /* its first member */
}

static const struct series_file *file_of(const struct series_source *state, size_t file) {
    return &state->files.files[file];
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static enum status open_file(struct series_source *state, struct error *error) {
    const struct series_file *file = file_of(state, state->file);
    enum status status = line_reader_open(&state->reader, state->io, file->path, error);
    if (status != STATUS_OK) return status;
    const char *unit = state->options->time_unit;
    series_line_begin(&state->parser, unit ? time_unit_find(unit) : TIME_UNIT_UNKNOWN);
    state->is_open = true;
    state->must_create = file->first_of_series && !state->options->check;
    return STATUS_OK;
}

static void close_file(struct series_source *state) {
    line_reader_close(&state->reader);
    state->read_bytes += file_of(state, state->file)->size_bytes;
    state->is_open = false;
    state->file++;
}

/* The next sample of the open file; END behind the last one, or at the limit. */
static enum status read_sample(struct series_source *state, struct series_sample *sample, struct error *error) {
    if (state->options->limit && state->taken == state->options->limit) return STATUS_END;
    for (;;) {
        struct slice line;
        const char *why = "";
        enum status status = line_reader_next(&state->reader, &line, error);
        if (status == STATUS_OK) status = series_line_parse(&state->parser, line, sample, &why);
        if (status == STATUS_NOT_FOUND) continue;
        if (status == STATUS_SYNTAX) {
            const char *path = file_of(state, state->file)->path;
            status = bad_lines_add(&state->tally->bad, error, path, state->reader.line, "%s", why);
            if (status == STATUS_OK) continue;
        }
        if (status == STATUS_OK) state->taken++;
        return status;
    }
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

/* TS.CREATE name [DUPLICATE_POLICY p] [LABELS name value ...] */
static enum status command_create(struct series_source *state, struct import_command *command, struct sent *sent) {
    const struct import_options *options = state->options;
    size_t count = 0;
    state->args[count++] = slice_from_text("TS.CREATE");
    state->args[count++] = slice_from_text(file_of(state, state->file)->series);
    if (options->on_duplicate) {
        state->args[count++] = slice_from_text("DUPLICATE_POLICY");
        state->args[count++] = slice_from_text(options->on_duplicate);
    }
    if (options->label_count) state->args[count++] = slice_from_text("LABELS");
    for (size_t i = 0; i < options->label_count; i++) {
        const char *equals = strchr(options->labels[i], '=');
        state->args[count++] = slice_make(options->labels[i], (size_t)(equals - options->labels[i]));
        state->args[count++] = slice_from_text(equals + 1);
    }
    _Static_assert(CREATE_ARGS <= ARGS_MAX, "all labels fit");
    sent->creates = true;
    sent->file = state->file;
    state->must_create = false;
    command->args = state->args;
    command->arg_count = count;
    return STATUS_OK;
}

/* Adds a sample to the command of this slot; args hold sizes until all text is there. */
static enum status take_sample(struct series_source *state, struct sent *sent, const struct series_sample *sample,
                               uint64_t line) {
    const size_t before = state->text.size;
    enum status status = buf_append_format(&state->text, "%" PRId64, sample->time_ms);
    const size_t time_size = state->text.size - before;
    if (status == STATUS_OK) status = buf_append_slice(&state->text, sample->text);
    if (status != STATUS_OK) return status;
    state->args[3 * sent->count + 2].size = time_size;
    state->args[3 * sent->count + 3].size = sample->text.size;
    sent->lines[sent->count] = line;
    sent->times_ms[sent->count] = sample->time_ms;
    sent->values[sent->count] = sample->value;
    sent->count++;
    return STATUS_OK;
}

/* Fills the slot from the open file. END if the file has no more; the slot may hold samples all the same. */
static enum status gather(struct series_source *state, struct sent *sent, struct error *error) {
    const bool in_order = state->options->check; /* a range that is read back has to be one */
    enum status status = STATUS_OK;
    while (status == STATUS_OK && sent->count < BATCH_SAMPLES) {
        struct series_sample sample = state->pending;
        uint64_t line = state->pending_line;
        if (!state->has_pending) {
            status = read_sample(state, &sample, error);
            line = state->reader.line;
        }
        state->has_pending = false;
        if (status != STATUS_OK) break;
        if (in_order && sent->count > 0 && sample.time_ms < sent->times_ms[sent->count - 1]) {
            state->has_pending = true;
            state->pending = sample;
            state->pending_line = line;
            return STATUS_OK;
        }
        status = take_sample(state, sent, &sample, line);
    }
    return status;
}

/* TS.MADD name time value ... */
static void command_add(struct series_source *state, struct import_command *command, const struct sent *sent) {
    const uint8_t *text = state->text.data;
    const struct slice name = slice_from_text(file_of(state, sent->file)->series);
    state->args[0] = slice_from_text("TS.MADD");
    for (size_t i = 0; i < sent->count; i++) {
        state->args[3 * i + 1] = name;
        for (size_t part = 2; part <= 3; part++) {
            state->args[3 * i + part].data = text;
            text += state->args[3 * i + part].size;
        }
    }
    command->args = state->args;
    command->arg_count = 1 + 3 * sent->count;
}

/* TS.RANGE name first last */
static enum status command_range(struct series_source *state, struct import_command *command, const struct sent *sent) {
    buf_clear(&state->text);
    enum status status = buf_append_format(&state->text, "%" PRId64, sent->times_ms[0]);
    const size_t first_size = state->text.size;
    if (status == STATUS_OK) status = buf_append_format(&state->text, "%" PRId64, sent->times_ms[sent->count - 1]);
    if (status != STATUS_OK) return status;
    state->args[0] = slice_from_text("TS.RANGE");
    state->args[1] = slice_from_text(file_of(state, sent->file)->series);
    state->args[2] = slice_make(state->text.data, first_size);
    state->args[3] = slice_from(buf_slice(&state->text), first_size);
    command->args = state->args;
    command->arg_count = 4;
    return STATUS_OK;
}

static enum status next_command(struct import_source *source, struct import_command *command, struct error *error) {
    struct series_source *state = of_source(source);
    struct sent *sent = &state->sent[command->slot];
    enum status status = STATUS_OK;
    sent->creates = false;
    sent->count = 0;
    buf_clear(&state->text);
    while (sent->count == 0) {
        if (!state->is_open && state->file == state->files.count) return STATUS_END;
        if (!state->is_open) status = open_file(state, error);
        if (status != STATUS_OK) return status;
        sent->file = state->file;
        if (state->must_create) return command_create(state, command, sent);
        status = gather(state, sent, error);
        if (status == STATUS_END) {
            close_file(state);
            status = STATUS_OK;
        }
        if (status != STATUS_OK) return status;
    }
    if (state->options->check) return command_range(state, command, sent);
    command_add(state, command, sent);
    return STATUS_OK;
}

/* ---- Replies ----------------------------------------------------------------------------------------------------- */

static enum status refused(const struct series_file *file, const struct resp_reply *reply, struct error *error) {
    const char *what = reply->type == RESP_ERROR ? "the server says: " : "the server's reply is not understood";
    const struct slice text = reply->type == RESP_ERROR ? reply->text : slice_make("", 0);
    return error_set(error, STATUS_INVALID, "%s (series %s): %s%.*s", file->path, file->series, what, (int)text.size,
                     (const char *)text.data);
}

static enum status judge_create(struct series_source *state, const struct sent *sent, const struct resp_reply *reply,
                                struct error *error) {
    if (reply->type != RESP_ERROR) return STATUS_OK;
    static const char exists[] = "key already exists";
    const size_t size = sizeof exists - 1;
    if (reply->text.size < size || memcmp(reply->text.data + reply->text.size - size, exists, size) != 0)
        return refused(file_of(state, sent->file), reply, error);
    state->there_before++;
    return STATUS_OK;
}

static enum status judge_add(struct series_source *state, const struct sent *sent, const struct resp_reply *reply,
                             struct error *error) {
    const struct series_file *file = file_of(state, sent->file);
    if (reply->type != RESP_ARRAY || reply->count != sent->count) return refused(file, reply, error);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sent->count; i++) {
        const struct resp_reply *one = &reply->elements[i];
        if (one->type == RESP_ERROR)
            status = bad_lines_add(&state->tally->bad, error, file->path, sent->lines[i], "the server says: %.*s",
                                   (int)one->text.size, (const char *)one->text.data);
        else
            state->tally->items++;
    }
    return status;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Bit for bit; only of NaN nothing but that it is one is known, since its text says no more. */
static bool is_same(const struct resp_reply *sample, int64_t time_ms, double value) {
    double stored = 0;
    if (sample->type != RESP_ARRAY || sample->count != 2 || sample->elements[0].integer != time_ms) return false;
    if (!decimal_parse_double(sample->elements[1].text, &stored)) return false;
    return (isnan(stored) && isnan(value)) || bits_of(stored) == bits_of(value);
}

static int64_t time_at(const struct resp_reply *reply, size_t i) {
    const struct resp_reply *sample = &reply->elements[i];
    return sample->type == RESP_ARRAY && sample->count == 2 ? sample->elements[0].integer : INT64_MAX;
}

static enum status judge_range(struct series_source *state, const struct sent *sent, const struct resp_reply *reply,
                               struct error *error) {
    if (reply->type != RESP_ARRAY) return refused(file_of(state, sent->file), reply, error);
    size_t at = 0;
    for (size_t i = 0; i < sent->count; i++) {
        while (at < reply->count && time_at(reply, at) < sent->times_ms[i]) at++;
        if (at < reply->count && is_same(&reply->elements[at], sent->times_ms[i], sent->values[i]))
            state->tally->items++;
        else
            state->tally->wrong++;
    }
    return STATUS_OK;
}

static enum status judge_reply(struct import_source *source, unsigned slot, const struct resp_reply *reply,
                               struct error *error) {
    struct series_source *state = of_source(source);
    const struct sent *sent = &state->sent[slot];
    if (sent->creates) return judge_create(state, sent, reply, error);
    state->tally->bytes += sent->count * (sizeof sent->times_ms[0] + sizeof sent->values[0]);
    return state->options->check ? judge_range(state, sent, reply, error) : judge_add(state, sent, reply, error);
}

static void series_progress(const struct import_source *source, uint64_t *done, uint64_t *total) {
    const struct series_source *state = (const struct series_source *)(const void *)source;
    *done = state->read_bytes + (state->is_open ? line_reader_position(&state->reader) : 0);
    *total = state->files.size_bytes;
}

/* ---- What it came to --------------------------------------------------------------------------------------------- */

static void add_fact(struct stored *stored, const struct resp_reply *name, const struct resp_reply *value) {
    const uint64_t number = value->type == RESP_INTEGER && value->integer > 0 ? (uint64_t)value->integer : 0;
    if (slice_equal(name->text, slice_from_text("totalSamples"))) stored->samples += number;
    if (slice_equal(name->text, slice_from_text("chunkCount"))) stored->chunks += number;
    if (slice_equal(name->text, slice_from_text("memoryUsage"))) stored->bytes += number;
}

static enum status ask_series(struct import_source *source, struct client *client, struct error *error) {
    struct series_source *state = of_source(source);
    for (size_t i = 0; i < state->files.count; i++) {
        const struct series_file *file = file_of(state, i);
        const char *const words[] = {"TS.INFO", file->series};
        const struct resp_reply *reply;
        if (!file->first_of_series) continue;
        enum status status = client_call(client, words, 2, &reply, error);
        if (status != STATUS_OK) return status;
        if (reply->type != RESP_ARRAY && reply->type != RESP_MAP) return refused(file, reply, error);
        for (size_t at = 0; at + 1 < reply->count; at += 2)
            add_fact(&state->stored, &reply->elements[at], &reply->elements[at + 1]);
        state->stored.series++;
    }
    return STATUS_OK;
}

static bool report_series(const struct import_source *source) {
    const struct series_source *state = (const struct series_source *)(const void *)source;
    const struct stored *stored = &state->stored;
    if (state->there_before)
        (void)printf("  %" PRIu64 " series were there before; their labels and policy stay as they are\n",
                     state->there_before);
    (void)printf("  %" PRIu64 " series hold %" PRIu64 " samples in %" PRIu64 " chunks of %" PRIu64
                 " bytes: %.2f bytes a "
                 "sample\n",
                 stored->series, stored->samples, stored->chunks, stored->bytes,
                 stored->samples ? (double)stored->bytes / (double)stored->samples : 0);
    return state->tally->wrong == 0;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void close_series(struct import_source *source) {
    struct series_source *state = of_source(source);
    line_reader_close(&state->reader);
    series_line_deinit(&state->parser);
    series_files_deinit(&state->files);
    buf_deinit(&state->text);
    free(state->sent);
    free(state);
}

static enum status check_options(const struct import_options *options, struct error *error) {
    for (size_t i = 0; i < options->label_count; i++) {
        const char *equals = strchr(options->labels[i], '=');
        if (!equals || equals == options->labels[i] || equals[1] == '\0')
            return error_set(error, STATUS_INVALID, "--label %s: name=value is wanted", options->labels[i]);
    }
    if (options->time_unit && time_unit_find(options->time_unit) == TIME_UNIT_UNKNOWN)
        return error_set(error, STATUS_INVALID, "--time-unit %s: s, ms, us or ns is wanted", options->time_unit);
    return STATUS_OK;
}

enum status import_series_open(struct io *io, const struct import_options *options, struct import_tally *tally,
                               struct import_source **source, struct error *error) {
    struct series_source *state = calloc(1, sizeof *state);
    if (!state) return STATUS_NO_MEMORY;
    state->source = (struct import_source){.items = "samples",
                                           .next = next_command,
                                           .judge = judge_reply,
                                           .progress = series_progress,
                                           .finish = ask_series,
                                           .report = report_series,
                                           .close = close_series};
    state->io = io;
    state->options = options;
    state->tally = tally;
    state->sent = calloc(IMPORT_WINDOW, sizeof *state->sent);
    enum status status = state->sent ? check_options(options, error) : STATUS_NO_MEMORY;
    for (int i = 0; status == STATUS_OK && i < options->path_count; i++)
        status = series_files_add(&state->files, io, options->paths[i], options->series, error);
    if (status != STATUS_OK) {
        close_series(&state->source);
        return status;
    }
    *source = &state->source;
    return STATUS_OK;
}
