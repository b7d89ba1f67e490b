/* graph_input: see graph_input.h. */
#include "tools/loam/import/graph_input.h"

#include <stdlib.h>

#include "engine/base/decimal.h"

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

/* Parses `heads` after adding the constant ones of the options. All text is copied first: columns borrow it. */
static enum status set_columns(struct graph_input *input, const struct slice *heads, size_t count, const char *constant,
                               const char *value, struct error *error) {
    struct slice copies[GRAPH_COLUMNS_MAX + 1];
    buf_clear(&input->heads);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) status = buf_append_slice(&input->heads, heads[i]);
    const size_t before = input->heads.size;
    if (status == STATUS_OK && value) status = buf_append_format(&input->heads, "%s%s", constant, value);
    if (status != STATUS_OK) return status;
    const uint8_t *at = input->heads.data;
    for (size_t i = 0; i < count; i++) {
        copies[i] = slice_make(at, heads[i].size);
        at += heads[i].size;
    }
    if (value) copies[count++] = slice_from(buf_slice(&input->heads), before);
    return graph_columns_parse(&input->columns, copies, count, error);
}

static bool has_head(const struct slice *heads, size_t count, const char *word) {
    for (size_t i = 0; i < count; i++) {
        const size_t size = strlen(word);
        if (heads[i].size >= size && strncasecmp((const char *)heads[i].data, word, size) == 0) return true;
    }
    return false;
}

static enum status set_header(struct graph_input *input, struct slice line, struct error *error) {
    const char *path = graph_input_path(input, input->file);
    const struct import_options *options = input->options;
    enum status status = csv_split(&input->csv, line);
    if (status == STATUS_OK && input->csv.count > GRAPH_COLUMNS_MAX - 1) status = STATUS_TOO_LARGE;
    if (status != STATUS_OK)
        return error_set(error, status, "%s:1: the header line can't be read: %s", path, status_text(status));
    const struct slice *heads = input->csv.fields;
    const size_t count = input->csv.count;
    const bool edges = has_head(heads, count, ":START_ID");
    const char *constant = edges ? ":TYPE=" : ":LABEL=";
    const char *value = edges ? options->edge_type : options->node_label;
    if (edges && has_head(heads, count, ":TYPE")) value = NULL;
    status = set_columns(input, heads, count, constant, value, error);
    return status == STATUS_OK ? STATUS_OK : error_prefix(error, status, "%s:1", path);
}

/* Columns of an edge list's ends, and of a vertex list. */
static enum status set_ends(struct graph_input *input, struct error *error) {
    const char *label = input->options->node_label;
    struct slice heads[2] = {slice_from_text(input->has_integer_ids ? "id:ID{id-type:int}" : "id:ID")};
    if (!label) return graph_columns_parse(&input->ends, heads, 1, error);
    buf_clear(&input->label_head);
    enum status status = buf_append_format(&input->label_head, ":LABEL=%s", label);
    heads[1] = buf_slice(&input->label_head);
    return status == STATUS_OK ? graph_columns_parse(&input->ends, heads, 2, error) : status;
}

static enum status set_edge_list(struct graph_input *input, struct error *error) {
    struct slice heads[3] = {slice_from_text(":START_ID"), slice_from_text(":END_ID")};
    struct buf weight = BUF_EMPTY;
    const char *type = input->options->edge_type ? input->options->edge_type : "LINK";
    enum status status = buf_append_format(&weight, "%s:float", input->options->weight);
    heads[2] = buf_slice(&weight);
    if (status == STATUS_OK) status = set_columns(input, heads, input->has_weights ? 3 : 2, ":TYPE=", type, error);
    buf_deinit(&weight);
    return status;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static bool separates(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == ',';
}

size_t graph_input_split_list(struct slice line, struct slice *fields) {
    size_t count = 0;
    while (count < GRAPH_LIST_FIELDS) {
        while (line.size && separates(line.data[0])) line = slice_from(line, 1);
        if (line.size == 0) break;
        size_t size = 0;
        while (size < line.size && !separates(line.data[size])) size++;
        fields[count++] = slice_make(line.data, size);
        line = slice_from(line, size);
    }
    return count;
}

/* What the first line of a list says about the others. */
static enum status learn(struct graph_input *input, size_t ids, size_t count, struct error *error) {
    int64_t number;
    enum status status = STATUS_OK;
    if (!input->knows_ids) {
        input->has_integer_ids = true;
        for (size_t i = 0; i < ids; i++) input->has_integer_ids &= decimal_parse(input->fields[i], &number);
        input->knows_ids = true;
        status = set_ends(input, error);
    }
    input->has_header = true;
    input->has_weights = count > 2;
    if (status == STATUS_OK && ids == 2) status = set_edge_list(input, error);
    return status;
}

/* OK, NOT_FOUND (nothing on it), SYNTAX with *why. */
static enum status read_list_line(struct graph_input *input, struct slice line, const char **why, struct error *error) {
    const size_t ids = graph_input_is_edge_list(input, input->file) ? 2 : 1;
    const size_t count = graph_input_split_list(line, input->fields);
    int64_t number;
    if (count == 0 || input->fields[0].data[0] == '#' || input->fields[0].data[0] == '%') return STATUS_NOT_FOUND;
    *why = ids == 2 ? "an edge is: source target [weight]" : "a vertex is one id";
    if (count < ids || count > (ids == 2 ? 3 : 1)) return STATUS_SYNTAX;
    if (!input->has_header) {
        enum status status = learn(input, ids, count, error);
        if (status != STATUS_OK) return status;
    }
    *why = "it has a weight, and the first line has none";
    if (count == 3 && !input->has_weights) return STATUS_SYNTAX;
    if (count == 2 && ids == 2) input->fields[2] = slice_make("", 0);
    *why = "an id is no integer as the first ones are";
    for (size_t i = 0; i < ids; i++)
        if (input->has_integer_ids && !decimal_parse(input->fields[i], &number)) return STATUS_SYNTAX;
    return STATUS_OK;
}

static enum status read_csv_line(struct graph_input *input, struct slice line, const char **why, struct error *error) {
    if (line.size == 0) return STATUS_NOT_FOUND;
    if (!input->has_header) {
        enum status status = set_header(input, line, error);
        input->has_header = true;
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    enum status status = csv_split(&input->csv, line);
    if (status == STATUS_NO_MEMORY) return status;
    *why = "a quote is not closed, or something stands behind it";
    if (status == STATUS_SYNTAX) return status;
    *why = "it has more fields than the header";
    if (status != STATUS_OK || input->csv.count > input->columns.field_count) return STATUS_SYNTAX;
    *why = "it has fewer fields than the header";
    return input->csv.count < input->columns.field_count ? STATUS_SYNTAX : STATUS_OK;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static enum status open_next(struct graph_input *input, struct error *error) {
    enum status status = line_reader_open(&input->reader, input->io, graph_input_path(input, input->file), error);
    if (status != STATUS_OK) return status;
    input->is_open = true;
    input->has_header = input->has_weights = false;
    return STATUS_OK;
}

static void close_one(struct graph_input *input) {
    line_reader_close(&input->reader);
    input->read_bytes += input->files[input->file].size_bytes;
    input->is_open = false;
    input->file++;
}

static bool is_list(const struct graph_input *input) {
    const enum graph_file_kind kind = input->files[input->file].kind;
    return kind == GRAPH_FILE_VERTICES || kind == GRAPH_FILE_EDGE_LIST;
}

/* The next row of the open file. */
static enum status read_row(struct graph_input *input, struct error *error) {
    for (;;) {
        struct slice line;
        const char *why = "";
        enum status status = line_reader_next(&input->reader, &line, error);
        if (status != STATUS_OK) return status;
        status = is_list(input) ? read_list_line(input, line, &why, error) : read_csv_line(input, line, &why, error);
        if (status == STATUS_OK) return STATUS_OK;
        if (status == STATUS_SYNTAX)
            status = bad_lines_add(&input->tally->bad, error, graph_input_path(input, input->file), input->reader.line,
                                   "%s", why);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    }
}

bool graph_input_is_done(const struct graph_input *input) {
    const uint64_t limit = input->options->limit;
    return input->file == input->file_count || (limit && input->taken == limit);
}

enum status graph_input_next(struct graph_input *input, struct graph_line *line, struct error *error) {
    if (graph_input_is_done(input)) return STATUS_END;
    enum status status = input->is_open ? STATUS_OK : open_next(input, error);
    if (status == STATUS_OK) status = read_row(input, error);
    if (status == STATUS_END) close_one(input);
    if (status != STATUS_OK) return status;
    input->taken++;
    line->fields = input->fields;
    line->number = input->reader.line;
    line->file = input->file;
    return STATUS_OK;
}

/* ---- Which files ------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
    const size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* Looks at a CSV file's header. */
static enum status find_kind(struct graph_input *input, struct graph_file *file, struct error *error) {
    struct line_reader reader;
    struct slice line;
    file->kind = ends_with(file->path, ".v") ? GRAPH_FILE_VERTICES : GRAPH_FILE_EDGE_LIST;
    if (!ends_with(file->path, ".csv")) return STATUS_OK;
    enum status status = line_reader_open(&reader, input->io, file->path, error);
    if (status != STATUS_OK) return status;
    status = line_reader_next(&reader, &line, error);
    if (status == STATUS_END) status = error_set(error, STATUS_INVALID, "%s: no header line", file->path);
    if (status == STATUS_OK) status = csv_split(&input->csv, line);
    const bool edges = status == STATUS_OK && has_head(input->csv.fields, input->csv.count, ":START_ID");
    file->kind = edges ? GRAPH_FILE_EDGES : GRAPH_FILE_NODES;
    line_reader_close(&reader);
    return status == STATUS_SYNTAX || status == STATUS_TOO_LARGE
               ? error_set(error, status, "%s:1: the header line can't be read: %s", file->path, status_text(status))
               : status;
}

static enum status add_file(struct graph_input *input, const char *path, struct error *error) {
    struct graph_file file = {.path = path};
    struct io_entry entry;
    enum status status = io_stat(input->io, path, &entry);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    if (entry.kind == IO_ENTRY_DIR)
        return error_set(error, STATUS_INVALID, "%s is a directory; name the files of the graph", path);
    file.size_bytes = entry.size;
    status = find_kind(input, &file, error);
    if (status != STATUS_OK) return status;
    size_t at = input->file_count++; /* kinds of nodes are the lower ones */
    for (; at > 0 && file.kind <= GRAPH_FILE_VERTICES && input->files[at - 1].kind > GRAPH_FILE_VERTICES; at--)
        input->files[at] = input->files[at - 1];
    input->files[at] = file;
    input->size_bytes += file.size_bytes;
    return STATUS_OK;
}

enum status graph_input_open(struct graph_input *input, struct io *io, const struct import_options *options,
                             struct import_tally *tally, struct error *error) {
    *input = (struct graph_input){.io = io, .options = options, .tally = tally};
    input->csv.fields = input->fields;
    input->csv.capacity = GRAPH_COLUMNS_MAX + 1;
    input->files = calloc((size_t)options->path_count, sizeof *input->files);
    enum status status = input->files ? STATUS_OK : STATUS_NO_MEMORY;
    for (int i = 0; status == STATUS_OK && i < options->path_count; i++)
        status = add_file(input, options->paths[i], error);
    return status;
}

void graph_input_close(struct graph_input *input) {
    line_reader_close(&input->reader);
    buf_deinit(&input->heads);
    buf_deinit(&input->label_head);
    buf_deinit(&input->csv.text);
    free(input->files);
    *input = (struct graph_input){0};
}
