/*
 * history_edn: events of a history from EDN (history_file.h, FORMAT.md). An event is read whole, whatever the order of
 * its parts, and then told to the history. While operations are read their kind is a history_word; which model they are
 * of is known at the end.
 */
#include "tools/judge/edn.h"
#include "tools/judge/history_file.h"
#include "tools/judge/history_words.h"
#include "tools/judge/models.h"
#include "tools/judge/open_ops.h"

enum scalar_kind { SCALAR_ABSENT, SCALAR_NIL, SCALAR_TEXT, SCALAR_STRING };

struct scalar {
    enum scalar_kind kind;
    struct slice text; /* of a STRING: escapes as they stand */
};

enum { ITEMS_MAX = 2 };

/* A scalar, [a b], or [a [b c]]. */
struct value {
    bool is_vector, has_inner, is_odd;
    struct scalar scalar;
    struct scalar items[ITEMS_MAX], inner[ITEMS_MAX];
    unsigned count, inner_count;
};

enum event_type { EVENT_NONE, EVENT_INVOKE, EVENT_OK, EVENT_FAIL, EVENT_INFO };

struct event {
    enum event_type type;
    bool has_word, is_client, has_process;
    enum history_word word;
    uint32_t client;
    struct scalar key, reply, error;
    struct value value;
};

struct reader {
    struct history *history;
    struct error *error;
    struct edn_reader edn;
    struct open_ops open;
    uint64_t events;
    uint32_t words;                              /* that were met: a bit each */
    uint64_t unanswered_line;                    /* of an answer without the :reply that some models need; 0: none */
    struct buf texts[2 + HISTORY_ARGUMENTS];     /* strings of the event at work */
    struct slice scalars[2 + HISTORY_ARGUMENTS]; /* their bytes, or the input's */
};

static enum status refuse(struct reader *reader, const char *what) {
    return error_set(reader->error, STATUS_SYNTAX, "line %llu: %s", (unsigned long long)reader->edn.line, what);
}

static enum status next(struct reader *reader, struct edn_word *word) {
    const enum status status = edn_next(&reader->edn, word);
    return status == STATUS_SYNTAX ? refuse(reader, "brackets that don't match, or a string without an end") : status;
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static bool is_vector(struct edn_word word) {
    return word.kind == EDN_OPEN && (word.text.data[0] == '[' || word.text.data[0] == '(');
}

/* False: the word begins no scalar. */
static bool take_scalar(struct edn_word word, struct scalar *scalar) {
    if (word.kind != EDN_STRING && word.kind != EDN_WORD && word.kind != EDN_KEYWORD) return false;
    scalar->kind = word.kind == EDN_STRING ? SCALAR_STRING : SCALAR_TEXT;
    if (word.kind == EDN_WORD && slice_equal(word.text, slice_from_text("nil"))) scalar->kind = SCALAR_NIL;
    scalar->text = word.text;
    return true;
}

static enum status skip(struct reader *reader, struct edn_word word) {
    return edn_skip(&reader->edn, word) == STATUS_OK ? STATUS_OK : refuse(reader, "brackets that don't match");
}

/* Up to the closing bracket. What no operation here has makes the value odd: only an event that needs it minds. */
static enum status take_items(struct reader *reader, struct value *value, bool inside) {
    struct scalar *items = inside ? value->inner : value->items;
    unsigned *count = inside ? &value->inner_count : &value->count;
    for (;;) {
        struct edn_word word;
        enum status status = next(reader, &word);
        if (status != STATUS_OK || word.kind == EDN_CLOSE) return status;
        const bool enters = !inside && *count == 1 && is_vector(word);
        if (enters) {
            value->has_inner = true;
            ++*count;
            status = take_items(reader, value, true);
        } else if (*count < ITEMS_MAX && take_scalar(word, &items[*count])) {
            ++*count;
        } else {
            value->is_odd = true;
            status = skip(reader, word);
        }
        if (status != STATUS_OK) return status;
    }
}

static enum status take_value(struct reader *reader, struct edn_word word, struct value *value) {
    *value = (struct value){.is_vector = is_vector(word)};
    if (value->is_vector) return take_items(reader, value, false);
    value->is_odd = !take_scalar(word, &value->scalar);
    return skip(reader, word);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static bool is_name(struct slice text, const char *name) {
    return slice_equal(text, slice_from_text(name));
}

static enum status take_type(struct reader *reader, struct edn_word word, struct event *event) {
    static const char *const names[] = {
        [EVENT_INVOKE] = "invoke", [EVENT_OK] = "ok", [EVENT_FAIL] = "fail", [EVENT_INFO] = "info"};
    for (unsigned i = EVENT_INVOKE; i <= EVENT_INFO; i++)
        if (word.kind == EDN_KEYWORD && is_name(word.text, names[i])) event->type = (enum event_type)i;
    return event->type != EVENT_NONE ? STATUS_OK : refuse(reader, "a :type other than :invoke, :ok, :fail, :info");
}

static enum status take_process(struct reader *reader, struct edn_word word, struct event *event) {
    uint64_t number = 0;
    event->has_process = true;
    if (word.kind == EDN_KEYWORD) return STATUS_OK; /* :nemesis is no client */
    bool valid = word.kind == EDN_WORD && word.text.size > 0;
    for (size_t i = 0; valid && i < word.text.size; i++) {
        valid = word.text.data[i] >= '0' && word.text.data[i] <= '9';
        number = number * 10 + (uint64_t)(word.text.data[i] - '0');
        if (number > UINT32_MAX) valid = false;
    }
    event->is_client = true;
    event->client = (uint32_t)number;
    return valid ? STATUS_OK : refuse(reader, "a :process that is no number");
}

static enum status take_text(struct reader *reader, struct edn_word word, struct scalar *scalar) {
    if (take_scalar(word, scalar)) return STATUS_OK;
    *scalar = (struct scalar){.kind = SCALAR_TEXT}; /* that there is one says enough */
    return skip(reader, word);
}

static enum status take_part(struct reader *reader, struct slice name, struct edn_word word, struct event *event) {
    if (is_name(name, "type")) return take_type(reader, word, event);
    if (is_name(name, "process")) return take_process(reader, word, event);
    if (is_name(name, "key")) return take_text(reader, word, &event->key);
    if (is_name(name, "reply")) return take_text(reader, word, &event->reply);
    if (is_name(name, "error")) return take_text(reader, word, &event->error);
    if (is_name(name, "f") && word.kind == EDN_KEYWORD) {
        event->has_word = history_word_find(word.text, &event->word);
        return STATUS_OK;
    }
    return is_name(name, "value") ? take_value(reader, word, &event->value) : skip(reader, word);
}

/* After its opening bracket. */
static enum status read_event(struct reader *reader, struct event *event) {
    *event = (struct event){.type = EVENT_NONE};
    for (;;) {
        struct edn_word name, word = {.kind = EDN_END};
        enum status status = next(reader, &name);
        if (status != STATUS_OK || name.kind == EDN_CLOSE) return status;
        if (name.kind != EDN_KEYWORD) return refuse(reader, "an event's parts have keywords for names");
        status = next(reader, &word);
        if (status == STATUS_OK && word.kind == EDN_CLOSE) status = refuse(reader, "a name without a value");
        if (status == STATUS_OK) status = take_part(reader, name.text, word, event);
        if (status != STATUS_OK) return status;
    }
}

/* ---- From events to operations ----------------------------------------------------------------------------------- */

/* The bytes that a scalar means, good until the next event. */
static enum status bytes_of(struct reader *reader, struct scalar scalar, unsigned place) {
    reader->scalars[place] = scalar.kind == SCALAR_TEXT ? scalar.text : slice_make(NULL, 0);
    if (scalar.kind != SCALAR_STRING) return STATUS_OK;
    buf_clear(&reader->texts[place]);
    const enum status status = edn_string_append(&reader->texts[place], scalar.text);
    reader->scalars[place] = buf_slice(&reader->texts[place]);
    return status == STATUS_SYNTAX ? refuse(reader, "an escape that a string can't have") : status;
}

/* A :value with its key taken off: [k v], [k [a b]], unless there is a :key. */
struct content {
    struct scalar key;
    struct scalar items[HISTORY_ARGUMENTS];
    unsigned count;
};

static bool part_value(const struct event *event, struct content *content) {
    const struct value *value = &event->value;
    *content = (struct content){.key = event->key};
    if (value->is_odd) return false;
    if (!value->is_vector) {
        content->items[0] = value->scalar;
        content->count = value->scalar.kind != SCALAR_ABSENT;
        return true;
    }
    const bool flat_pair = history_words[event->word].arguments == 2 && value->count == 2 && !value->has_inner;
    const bool has_tuple = event->key.kind == SCALAR_ABSENT && !flat_pair;
    if (value->count != 2 || has_tuple != (value->has_inner || !flat_pair)) return false;
    if (value->has_inner && history_words[event->word].arguments != 2) return false;
    if (has_tuple) content->key = value->items[0];
    const struct scalar *from = value->has_inner ? value->inner : has_tuple ? &value->items[1] : value->items;
    content->count = value->has_inner ? value->inner_count : has_tuple ? 1 : 2;
    for (unsigned i = 0; i < content->count; i++) content->items[i] = from[i];
    return true;
}

static enum status take_invocation(struct reader *reader, const struct event *event, const struct content *content) {
    struct history_op op = {.client = event->client, .kind = (uint32_t)event->word, .invoked = reader->events};
    const unsigned wanted = history_words[event->word].arguments;
    size_t index;
    if (wanted > 0 && content->count != wanted) return refuse(reader, "an operation without all of its arguments");
    enum status status = bytes_of(reader, content->key, 0);
    for (unsigned i = 0; i < wanted && status == STATUS_OK; i++) {
        status = bytes_of(reader, content->items[i], 1 + i);
        op.arguments[i] = reader->scalars[1 + i];
    }
    op.key = reader->scalars[0];
    if (status == STATUS_OK) status = history_invoke(reader->history, &op, &index);
    if (status == STATUS_OK) status = open_ops_put(&reader->open, event->client, index);
    return status == STATUS_EXISTS ? refuse(reader, "a client asks while it waits") : status;
}

/* What an :ok without a :reply says: of a read its value, of others that it was done. */
static struct scalar implied_answer(struct reader *reader, const struct event *event, const struct content *content) {
    if (history_words[event->word].value_is_answer)
        return content->count > 0 ? content->items[0] : (struct scalar){.kind = SCALAR_NIL};
    if (event->word > HISTORY_PUT && reader->unanswered_line == 0) reader->unanswered_line = reader->edn.line;
    return (struct scalar){.kind = SCALAR_TEXT,
                           .text = slice_from_text(event->word == HISTORY_CAS     ? "ok"
                                                   : event->word == HISTORY_WRITE ? "OK"
                                                                                  : "")};
}

static enum status take_answer(struct reader *reader, const struct event *event, const struct content *content) {
    struct history *history = reader->history;
    const struct history_op *op = open_ops_take(&reader->open, history, event->client, (uint32_t)event->word);
    if (!op) return refuse(reader, "an answer to what was not asked");
    const size_t index = (size_t)(op - history->ops);
    if (event->type == EVENT_INFO) return STATUS_OK;
    if (event->type == EVENT_FAIL && event->reply.kind == SCALAR_ABSENT) {
        history_refuse(history, index);
        return STATUS_OK;
    }
    enum history_result type = HISTORY_TEXT;
    struct scalar answer = event->reply;
    if (event->type == EVENT_OK && event->error.kind != SCALAR_ABSENT) {
        type = HISTORY_ERROR;
        answer = event->error;
    } else if (answer.kind == SCALAR_ABSENT) {
        answer = implied_answer(reader, event, content);
    }
    if (answer.kind == SCALAR_NIL) type = HISTORY_NIL;
    const enum status status = bytes_of(reader, answer, 0);
    return status == STATUS_OK ? history_return(history, index, reader->events, type, reader->scalars[0]) : status;
}

static enum status take_event(struct reader *reader, const struct event *event) {
    struct content content;
    if (!event->has_process) return refuse(reader, "an event without a :process");
    if (!event->is_client) return STATUS_OK;
    if (event->type == EVENT_NONE) return refuse(reader, "an event without a :type");
    if (!event->has_word) return refuse(reader, "an :f that no model knows");
    reader->events++;
    reader->words |= UINT32_C(1) << event->word;
    /* Jepsen puts what went wrong, of any shape, in an :info's value. */
    if (event->type == EVENT_INVOKE || event->type == EVENT_OK) {
        if (!part_value(event, &content)) return refuse(reader, "a :value of a shape that the operation does not have");
    } else {
        content = (struct content){.count = 0};
    }
    return event->type == EVENT_INVOKE ? take_invocation(reader, event, &content)
                                       : take_answer(reader, event, &content);
}

static enum status read_all(struct reader *reader) {
    for (;;) {
        struct edn_word word;
        struct event event;
        enum status status = next(reader, &word);
        if (status != STATUS_OK || word.kind == EDN_END) return status;
        if (word.kind == EDN_CLOSE || is_vector(word)) continue; /* of the vector around all events */
        if (word.kind != EDN_OPEN) return refuse(reader, "not an event");
        status = read_event(reader, &event);
        if (status == STATUS_OK) status = take_event(reader, &event);
        if (status != STATUS_OK) return status;
    }
}

/* From words to the kinds of the one model that has them all. */
static enum status settle_model(struct reader *reader, const struct linearize_model **model) {
    *model = history_words_model(reader->words);
    if (!*model) return error_set(reader->error, STATUS_SYNTAX, "no model has all of these operations");
    if (*model == &model_redis_string && reader->unanswered_line != 0)
        return error_set(reader->error, STATUS_SYNTAX, "line %llu: an answer without the :reply that its model needs",
                         (unsigned long long)reader->unanswered_line);
    for (size_t i = 0; i < reader->history->count; i++) {
        struct history_op *op = &reader->history->ops[i];
        op->kind = history_word_kind(*model, (enum history_word)op->kind);
    }
    return STATUS_OK;
}

enum status history_read_edn(struct history *history, struct slice input, const struct linearize_model **model,
                             struct error *error) {
    struct reader reader = {.history = history, .error = error};
    edn_reader_init(&reader.edn, input);
    enum status status = read_all(&reader);
    if (status == STATUS_OK) status = settle_model(&reader, model);
    for (size_t i = 0; i < sizeof reader.texts / sizeof *reader.texts; i++) buf_deinit(&reader.texts[i]);
    open_ops_deinit(&reader.open);
    return status;
}

enum status history_read(struct history *history, struct slice input, const struct linearize_model **model,
                         struct error *error) {
    size_t at = 0;
    while (at < input.size && (input.data[at] == ' ' || input.data[at] == '\n' || input.data[at] == '\r')) at++;
    if (!slice_has_prefix(slice_from(input, at), slice_from_text("INFO ")))
        return history_read_edn(history, input, model, error);
    *model = &model_register;
    return history_read_log(history, input, error);
}
