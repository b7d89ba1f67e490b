/* history_read: see history_read.h. Every line is cut into words; a reader for each form says what they mean. */
#include "tools/judge/history_read.h"

#include "tools/judge/models.h"

enum { MAX_WORDS = 16, MAX_CLIENTS = 65536 };

struct line {
    struct slice words[MAX_WORDS];
    size_t count;
};

struct reader {
    struct history *history;
    struct error *error;
    uint64_t number;          /* of the line */
    size_t open[MAX_CLIENTS]; /* op + 1 that a client waits for; 0: none */
};

static bool is_separator(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == ',' || byte == '{' || byte == '}' || byte == '[' || byte == ']';
}

/* Words are separated by blanks, commas and brackets; "..." is one word, its quotes kept. */
static bool cut_line(struct slice text, struct line *line) {
    line->count = 0;
    for (size_t at = 0; at < text.size;) {
        if (is_separator(text.data[at])) {
            at++;
            continue;
        }
        size_t begin = at;
        bool quoted = text.data[at++] == '"';
        while (at < text.size && (quoted ? text.data[at] != '"' : !is_separator(text.data[at]))) at++;
        if (quoted && at++ == text.size) return false;
        if (line->count == MAX_WORDS) return false;
        line->words[line->count++] = slice_make(text.data + begin, at - begin);
    }
    return true;
}

static bool word_is(const struct line *line, size_t index, const char *text) {
    return index < line->count && slice_equal(line->words[index], slice_from_text(text));
}

/* "abc" without its quotes; never NULL, so that an empty text differs from no text. */
static struct slice unquote(struct slice word) {
    if (word.size < 2 || word.data[0] != '"') return word;
    return slice_make(word.data + 1, word.size - 2);
}

static bool parse_client(struct slice word, uint32_t *client) {
    *client = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9' || *client >= MAX_CLIENTS) return false;
        *client = *client * 10 + (uint32_t)(word.data[i] - '0');
    }
    return word.size > 0 && *client < MAX_CLIENTS;
}

static enum status bad_line(struct reader *reader, const char *what) {
    return error_set(reader->error, STATUS_SYNTAX, "line %llu: %s", (unsigned long long)reader->number, what);
}

static enum status invoke(struct reader *reader, const struct history_op *op) {
    if (reader->open[op->client] != 0) return bad_line(reader, "a client asks while it waits");
    size_t index;
    enum status status = history_invoke(reader->history, op, &index);
    if (status == STATUS_OK) reader->open[op->client] = index + 1;
    return status;
}

/* The op that `client` waits for; it does not wait any more. */
static struct history_op *take_open(struct reader *reader, uint32_t client, uint32_t kind) {
    size_t index = reader->open[client];
    if (index == 0 || reader->history->ops[index - 1].kind != kind) return NULL;
    reader->open[client] = 0;
    return &reader->history->ops[index - 1];
}

static enum status answer(struct reader *reader, const struct history_op *op, enum history_result type,
                          struct slice result) {
    return history_return(reader->history, (size_t)(op - reader->history->ops), reader->number, type, result);
}

static bool find_kind(const struct linearize_model *model, struct slice name, uint32_t *kind) {
    if (name.size == 0 || name.data[0] != ':') return false;
    for (*kind = 0; *kind < model->kind_count; (*kind)++)
        if (slice_equal(slice_from(name, 1), slice_from_text(model->kind_names[*kind]))) return true;
    return false;
}

/* :process 3 :type :invoke :f :append :key "4" :value "x" */
static enum status read_text_line(struct reader *reader, const struct line *line) {
    uint32_t client;
    uint32_t kind;
    if (line->count != 10 || !parse_client(line->words[1], &client) || !find_kind(&model_text, line->words[5], &kind))
        return bad_line(reader, "not an event");
    struct slice value = unquote(line->words[9]);
    if (word_is(line, 3, ":invoke")) {
        struct history_op op = {
            .client = client, .kind = kind, .key = unquote(line->words[7]), .invoked = reader->number};
        if (kind != MODEL_TEXT_GET) op.arguments[0] = value;
        return invoke(reader, &op);
    }
    struct history_op *op = take_open(reader, client, kind);
    if (!op || !word_is(line, 3, ":ok")) return bad_line(reader, "an answer to nothing, or of an unknown type");
    return answer(reader, op, HISTORY_TEXT, kind == MODEL_TEXT_GET ? value : slice_make(NULL, 0));
}

static enum status read_register_answer(struct reader *reader, const struct line *line, struct history_op *op) {
    bool is_ok = word_is(line, 4, ":ok");
    if (word_is(line, 4, ":info")) return STATUS_OK;
    if (word_is(line, 4, ":fail") && op->kind == MODEL_REGISTER_READ) {
        history_refuse(reader->history, (size_t)(op - reader->history->ops));
        return STATUS_OK;
    }
    if (op->kind == MODEL_REGISTER_CAS && (is_ok || word_is(line, 4, ":fail")))
        return answer(reader, op, HISTORY_TEXT, slice_from_text(is_ok ? "ok" : "fail"));
    if (!is_ok) return bad_line(reader, "an answer of an unknown type");
    if (op->kind == MODEL_REGISTER_READ && word_is(line, 6, "nil"))
        return answer(reader, op, HISTORY_NIL, slice_make(NULL, 0));
    return answer(reader, op, HISTORY_TEXT, op->kind == MODEL_REGISTER_READ ? line->words[6] : slice_make(NULL, 0));
}

/* INFO jepsen.util - 3 :invoke :cas 1 2 */
static enum status read_register_line(struct reader *reader, const struct line *line) {
    uint32_t client;
    uint32_t kind;
    if (line->count < 7 || !parse_client(line->words[3], &client) || !find_kind(&model_register, line->words[5], &kind))
        return bad_line(reader, "not an event");
    if (word_is(line, 4, ":invoke")) {
        struct history_op op = {.client = client, .kind = kind, .invoked = reader->number};
        if (kind != MODEL_REGISTER_READ) op.arguments[0] = line->words[6];
        if (kind == MODEL_REGISTER_CAS && line->count != 8) return bad_line(reader, "cas takes two values");
        if (kind == MODEL_REGISTER_CAS) op.arguments[1] = line->words[7];
        return invoke(reader, &op);
    }
    struct history_op *op = take_open(reader, client, kind);
    return op ? read_register_answer(reader, line, op) : bad_line(reader, "an answer to nothing");
}

static enum status read_lines(struct history *history, struct slice input, struct error *error,
                              enum status (*read_line)(struct reader *, const struct line *)) {
    struct reader reader = {.history = history, .error = error};
    enum status status = STATUS_OK;
    while (input.size > 0 && status == STATUS_OK) {
        const uint8_t *newline = memchr(input.data, '\n', input.size);
        size_t size = newline ? (size_t)(newline - input.data) : input.size;
        struct line line;
        reader.number++;
        if (!cut_line(slice_make(input.data, size), &line))
            status = bad_line(&reader, "too many words, or a quote that is not closed");
        if (status == STATUS_OK && line.count > 0) status = read_line(&reader, &line);
        input = slice_from(input, newline ? size + 1 : size);
    }
    return status;
}

enum status history_read_text(struct history *history, struct slice input, struct error *error) {
    return read_lines(history, input, error, read_text_line);
}

enum status history_read_register(struct history *history, struct slice input, struct error *error) {
    return read_lines(history, input, error, read_register_line);
}
