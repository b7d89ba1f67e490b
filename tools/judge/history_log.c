/* history_log: lines of a log, as `INFO  jepsen.util - 3 :invoke :cas [1 2]`. Each is cut into words. */
#include "tools/judge/history_file.h"
#include "tools/judge/models.h"
#include "tools/judge/open_ops.h"

enum { MAX_WORDS = 16 };

struct line {
    struct slice words[MAX_WORDS];
    size_t count;
};

struct reader {
    struct history *history;
    struct error *error;
    uint64_t number; /* of the line */
    struct open_ops open;
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

static bool parse_client(struct slice word, uint32_t *client) {
    uint64_t number = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') return false;
        number = number * 10 + (uint64_t)(word.data[i] - '0');
        if (number > UINT32_MAX) return false;
    }
    *client = (uint32_t)number;
    return word.size > 0;
}

static enum status bad_line(struct reader *reader, const char *what) {
    return error_set(reader->error, STATUS_SYNTAX, "line %llu: %s", (unsigned long long)reader->number, what);
}

static enum status invoke(struct reader *reader, const struct history_op *op) {
    size_t index;
    enum status status = history_invoke(reader->history, op, &index);
    if (status == STATUS_OK) status = open_ops_put(&reader->open, op->client, index);
    return status == STATUS_EXISTS ? bad_line(reader, "a client asks while it waits") : status;
}

static enum status answer(struct reader *reader, const struct history_op *op, enum history_result type,
                          struct slice result) {
    return history_return(reader->history, (size_t)(op - reader->history->ops), reader->number, type, result);
}

static bool find_kind(struct slice name, uint32_t *kind) {
    if (name.size == 0 || name.data[0] != ':') return false;
    for (*kind = 0; *kind < model_register.kind_count; (*kind)++)
        if (slice_equal(slice_from(name, 1), slice_from_text(model_register.kind_names[*kind]))) return true;
    return false;
}

static enum status read_answer(struct reader *reader, const struct line *line, struct history_op *op) {
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
static enum status read_line(struct reader *reader, const struct line *line) {
    uint32_t client;
    uint32_t kind;
    if (line->count < 7 || !parse_client(line->words[3], &client) || !find_kind(line->words[5], &kind))
        return bad_line(reader, "not an event");
    if (word_is(line, 4, ":invoke")) {
        struct history_op op = {.client = client, .kind = kind, .invoked = reader->number};
        if (kind != MODEL_REGISTER_READ) op.arguments[0] = line->words[6];
        if (kind == MODEL_REGISTER_CAS && line->count != 8) return bad_line(reader, "cas takes two values");
        if (kind == MODEL_REGISTER_CAS) op.arguments[1] = line->words[7];
        return invoke(reader, &op);
    }
    struct history_op *op = open_ops_take(&reader->open, reader->history, client, kind);
    return op ? read_answer(reader, line, op) : bad_line(reader, "an answer to nothing");
}

enum status history_read_log(struct history *history, struct slice input, struct error *error) {
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
    open_ops_deinit(&reader.open);
    return status;
}
