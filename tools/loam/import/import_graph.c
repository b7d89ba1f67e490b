/*
 * import_graph: the source of graphs: rows of files (graph_input.h) -> GRAPH.IMPORT with up to ROWS_MAX rows. An edge
 * list names nodes in passing: those that were not named lately go before the edges, in the same command; that a node
 * is loaded again changes nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "tools/loam/import/graph_input.h"

enum {
    ROWS_MAX = 250,     /* the loop of a node applies them in one go, and others wait meanwhile */
    FIELDS_MAX = 16384, /* of a section; a row has at most GRAPH_COLUMNS_MAX */
    TEXT_MAX = 1 << 20,
    ARGS_MAX = 2 * (FIELDS_MAX + GRAPH_COLUMNS_MAX) + 16,
    LATELY = 1 << 20, /* nodes that are remembered; a power of two */
};

/* Rows of one command under the same heads. */
struct section {
    struct buf text; /* of all fields, one after the other */
    uint32_t sizes[FIELDS_MAX];
    size_t field_count, row_count;
};

/* The command that is in flight in one slot, as its reply is judged by. */
struct sent {
    size_t file;
    size_t row_count;
    uint64_t bytes;
    uint64_t lines[ROWS_MAX];
};

struct graph_source {
    struct import_source source;
    const struct import_options *options;
    struct import_tally *tally;
    struct graph_input input;
    struct graph_line pending; /* the row that was read last */
    bool has_pending;          /* it did not fit, and begins the next command */
    struct section ends, rows;
    struct graph_rows probe; /* rows are read as the server will read them */
    struct buf operation;
    uint64_t *lately; /* hashes of the nodes that were named, each at its place */
    struct sent *sent;
    struct buf numbers; /* text of counts */
    struct slice args[ARGS_MAX];
    struct graph_import_counts counts; /* of all replies */
};

static struct graph_source *of_source(struct import_source *source) {
    return (struct graph_source *)(void *)source; /* its first member */
}

/* ---- Rows -> sections -------------------------------------------------------------------------------------------- */

static void section_clear(struct section *section) {
    buf_clear(&section->text);
    section->field_count = section->row_count = 0;
}

static enum status section_add(struct section *section, const struct slice *fields, size_t count) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        section->sizes[section->field_count + i] = (uint32_t)fields[i].size;
        status = buf_append_slice(&section->text, fields[i]);
    }
    section->field_count += count;
    section->row_count++;
    return status;
}

/* Where the node stands among those that were named lately; *hash is what stands there if it was. */
static uint64_t *place_of(struct graph_source *state, struct slice id, uint64_t *hash) {
    *hash = hash64(id, 0) | 1; /* 0 is an empty place */
    return &state->lately[(*hash >> 1) & (LATELY - 1)];
}

/* The ends that were not named lately become nodes of this command. */
static enum status take_ends(struct graph_source *state, const struct graph_line *line, struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < 2; i++) {
        uint64_t hash, *place = place_of(state, line->fields[i], &hash);
        if (*place == hash) continue;
        status = graph_rows_add(&state->probe, &state->input.ends, &line->fields[i], error);
        if (status == STATUS_OK) status = section_add(&state->ends, &line->fields[i], 1);
        if (status == STATUS_OK) *place = hash;
    }
    return status;
}

static enum status take_row(struct graph_source *state, struct sent *sent, const struct graph_line *line,
                            struct error *error) {
    const struct graph_columns *columns = &state->input.columns;
    const enum graph_file_kind kind = state->input.files[line->file].kind;
    if (kind == GRAPH_FILE_VERTICES) columns = &state->input.ends;
    enum status status = graph_rows_add(&state->probe, columns, line->fields, error);
    if (status == STATUS_OK && kind == GRAPH_FILE_VERTICES) {
        uint64_t hash, *place = place_of(state, line->fields[0], &hash);
        *place = hash;
    }
    if (status == STATUS_OK && kind == GRAPH_FILE_EDGE_LIST) status = take_ends(state, line, error);
    if (status == STATUS_OK) status = section_add(&state->rows, line->fields, columns->field_count);
    if (status == STATUS_OK) sent->lines[sent->row_count++] = line->number;
    return status;
}

/* A row is refused for its own sake only when it stands alone. */
static bool is_bad(enum status status, const struct graph_source *state) {
    return status == STATUS_SYNTAX || status == STATUS_INVALID ||
           (status == STATUS_TOO_LARGE && state->rows.row_count == 0 && state->ends.row_count == 0);
}

static bool has_room(const struct graph_source *state, const struct sent *sent) {
    return sent->row_count < ROWS_MAX && state->rows.field_count + GRAPH_COLUMNS_MAX <= FIELDS_MAX &&
           state->rows.text.size + state->ends.text.size < TEXT_MAX;
}

/* Rows of one file, for as long as there is room. END: the file has no more; the command may hold rows all the same. */
static enum status gather(struct graph_source *state, struct sent *sent, struct error *error) {
    while (has_room(state, sent)) {
        struct error why = {0};
        enum status status = STATUS_OK;
        if (!state->has_pending) status = graph_input_next(&state->input, &state->pending, error);
        if (status != STATUS_OK) return status;
        sent->file = state->pending.file;
        status = take_row(state, sent, &state->pending, &why);
        state->has_pending = status == STATUS_TOO_LARGE && !is_bad(status, state);
        if (state->has_pending) return STATUS_OK;
        if (is_bad(status, state))
            status =
                bad_lines_add(&state->tally->bad, error, graph_input_path(&state->input, sent->file),
                              state->pending.number, "%s", why.text[0] ? why.text : "it is larger than a row may be");
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- Sections -> command ----------------------------------------------------------------------------------------- */

static enum status put_number(struct graph_source *state, size_t number, struct slice *arg) {
    const size_t before = state->numbers.size; /* there is room: the text does not move */
    enum status status = buf_append_format(&state->numbers, "%zu", number);
    *arg = slice_from(buf_slice(&state->numbers), before);
    return status;
}

static enum status put_section(struct graph_source *state, const char *name, const struct graph_columns *columns,
                               const struct section *section, size_t *count) {
    if (section->row_count == 0) return STATUS_OK;
    struct slice *args = state->args;
    args[(*count)++] = slice_from_text(name);
    enum status status = put_number(state, columns->count, &args[(*count)++]);
    for (size_t i = 0; i < columns->count; i++) args[(*count)++] = columns->items[i].head;
    if (status == STATUS_OK) status = put_number(state, section->row_count, &args[(*count)++]);
    const uint8_t *at = section->text.data;
    for (size_t i = 0; i < section->field_count; i++) {
        args[(*count)++] = slice_make(at, section->sizes[i]);
        at += section->sizes[i];
    }
    return status;
}

/* GRAPH.IMPORT name [MAKE_ENDS] [NODES ...] [EDGES ...] */
static enum status make_command(struct graph_source *state, struct import_command *command, const struct sent *sent) {
    const enum graph_file_kind kind = state->input.files[sent->file].kind;
    const bool vertices = kind == GRAPH_FILE_VERTICES;
    const struct graph_columns *columns = vertices ? &state->input.ends : &state->input.columns;
    size_t count = 0;
    buf_clear(&state->numbers);
    enum status status = buf_reserve(&state->numbers, 256);
    if (status != STATUS_OK) return status;
    state->args[count++] = slice_from_text("GRAPH.IMPORT");
    state->args[count++] = slice_from_text(state->options->graph);
    if (state->options->make_ends) state->args[count++] = slice_from_text("MAKE_ENDS");
    status = put_section(state, "NODES", &state->input.ends, &state->ends, &count);
    if (status == STATUS_OK)
        status = put_section(state, columns->is_edges ? "EDGES" : "NODES", columns, &state->rows, &count);
    command->args = state->args;
    command->arg_count = count;
    return status;
}

static enum status next_command(struct import_source *source, struct import_command *command, struct error *error) {
    struct graph_source *state = of_source(source);
    struct sent *sent = &state->sent[command->slot];
    enum status status = STATUS_OK;
    sent->row_count = 0;
    section_clear(&state->ends);
    section_clear(&state->rows);
    buf_clear(&state->operation);
    status = graph_rows_begin(&state->probe, &state->operation, slice_from_text(state->options->graph), 0);
    while (status == STATUS_OK && sent->row_count == 0) {
        if (graph_input_is_done(&state->input) && !state->has_pending) return STATUS_END;
        status = gather(state, sent, error);
        if (status == STATUS_END) status = STATUS_OK;
    }
    sent->bytes = state->rows.text.size;
    return status == STATUS_OK ? make_command(state, command, sent) : status;
}

/* ---- Replies ----------------------------------------------------------------------------------------------------- */

static enum status refuse_line(struct graph_source *state, const struct sent *sent, size_t row, bool exact,
                               struct error *error) {
    const char *path = graph_input_path(&state->input, sent->file);
    if (exact)
        return bad_lines_add(&state->tally->bad, error, path, sent->lines[row], "an end of the edge is not there");
    return bad_lines_add(&state->tally->bad, error, path, sent->lines[row],
                         "an end of this edge, or of one up to line %" PRIu64 ", is not there",
                         sent->lines[sent->row_count - 1]);
}

/* Of the edges that were refused the server names the first; the others are somewhere behind it. */
static enum status judge_reply(struct import_source *source, unsigned slot, const struct resp_reply *reply,
                               struct error *error) {
    struct graph_source *state = of_source(source);
    const struct sent *sent = &state->sent[slot];
    const char *path = graph_input_path(&state->input, sent->file);
    const bool is_error = reply->type == RESP_ERROR;
    if (reply->type != RESP_ARRAY || reply->count != 5)
        return error_set(error, STATUS_INVALID, "%s:%" PRIu64 " and what follows: %s%.*s", path, sent->lines[0],
                         is_error ? "the server says: " : "the server's reply is not understood",
                         is_error ? (int)reply->text.size : 0, (const char *)reply->text.data);
    const uint64_t refused = (uint64_t)reply->elements[3].integer;
    const int64_t first = reply->elements[4].integer;
    state->counts.nodes_created += (uint64_t)reply->elements[0].integer;
    state->counts.nodes_updated += (uint64_t)reply->elements[1].integer;
    state->counts.edges_created += (uint64_t)reply->elements[2].integer;
    state->tally->items += sent->row_count - refused;
    state->tally->bytes += sent->bytes;
    if (refused > sent->row_count || (refused > 0 && (first < 0 || (uint64_t)first >= sent->row_count)))
        return error_set(error, STATUS_INVALID, "the server's counts make no sense");
    enum status status = STATUS_OK;
    for (uint64_t i = 0; status == STATUS_OK && i < refused; i++)
        status = refuse_line(state, sent, (size_t)first + (i > 0 ? 1 : 0), i == 0, error);
    return status;
}

static void graph_progress(const struct import_source *source, uint64_t *done, uint64_t *total) {
    const struct graph_source *state = (const struct graph_source *)(const void *)source;
    const struct graph_input *input = &state->input;
    *done = input->read_bytes + (input->is_open ? line_reader_position(&input->reader) : 0);
    *total = input->size_bytes;
}

static bool report_graph(const struct import_source *source) {
    const struct graph_source *state = (const struct graph_source *)(const void *)source;
    (void)printf("  graph %s: %" PRIu64 " nodes and %" PRIu64 " edges were made\n", state->options->graph,
                 state->counts.nodes_created, state->counts.edges_created);
    return true;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void close_graph(struct import_source *source) {
    struct graph_source *state = of_source(source);
    graph_input_close(&state->input);
    graph_rows_deinit(&state->probe);
    buf_deinit(&state->operation);
    buf_deinit(&state->ends.text);
    buf_deinit(&state->rows.text);
    buf_deinit(&state->numbers);
    free(state->lately);
    free(state->sent);
    free(state);
}

static enum status open_all(struct graph_source *state, struct io *io, struct error *error) {
    const struct import_options *options = state->options;
    state->sent = calloc(IMPORT_WINDOW, sizeof *state->sent);
    state->lately = calloc(LATELY, sizeof *state->lately);
    if (!state->sent || !state->lately) return STATUS_NO_MEMORY;
    if (!options->graph) return error_set(error, STATUS_INVALID, "--graph NAME is wanted");
    if (options->check)
        return error_set(error, STATUS_INVALID, "--check is not for graphs: `loam export` reads all of one back");
    return graph_input_open(&state->input, io, options, state->tally, error);
}

enum status import_graph_open(struct io *io, const struct import_options *options, struct import_tally *tally,
                              struct import_source **source, struct error *error) {
    struct graph_source *state = calloc(1, sizeof *state);
    if (!state) return STATUS_NO_MEMORY;
    state->source = (struct import_source){.items = "rows",
                                           .next = next_command,
                                           .judge = judge_reply,
                                           .progress = graph_progress,
                                           .report = report_graph,
                                           .close = close_graph};
    state->options = options;
    state->tally = tally;
    enum status status = open_all(state, io, error);
    if (status != STATUS_OK) {
        close_graph(&state->source);
        return status;
    }
    *source = &state->source;
    return STATUS_OK;
}
