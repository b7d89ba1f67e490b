/* procedure_algo: see procedure_algo.h. */
#include "graph/cypher/procedure_algo.h"

#include <strings.h>

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* The budget follows what the CSR has taken. */
static enum status charge_csr(struct procedure_call *call, struct algo_run *run) {
    const size_t more = run->csr.bytes - run->csr_charged;
    if (more > 0 && !value_budget_charge(call->budget, more)) return STATUS_NO_MEMORY;
    run->csr_charged += more;
    return STATUS_OK;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

enum status algo_make(struct procedure_call *call, const struct algo_class *class, struct algo_run **run) {
    struct algo_run *made = value_alloc(call->arena, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    memset(made, 0, sizeof *made);
    made->class = class;
    made->options.direction = GRAPH_OUT;
    made->options.weight_key = GRAPH_NONE;
    made->options.default_weight = 1;
    *run = made;
    return STATUS_OK;
}

enum status algo_start(struct procedure_call *call, struct algo_run *run) {
    struct graph_facts facts;
    graph_get_facts(call->graph, &facts);
    run->options.limit_bytes = value_budget_left(call->budget);
    enum status status = csr_build_begin(&run->build, call->graph, &run->options, &run->csr);
    run->csr.log_index = facts.change;
    if (status == STATUS_INVALID)
        status = cypher_fault_set(call->fault, CYPHER_FAULT_UNSUPPORTED, call->place,
                                  "%s sees stored graphs only, and this query has changed the graph before",
                                  call->procedure->head.name);
    if (status != STATUS_OK) algo_close(call, run); /* a failed open is not closed */
    return status;
}

void algo_close(struct procedure_call *call, void *state) {
    struct algo_run *run = state;
    if (run->begun) run->class->end(run);
    csr_build_end(&run->build);
    csr_deinit(&run->csr);
    value_budget_release(call->budget, run->csr_charged + run->arrays_charged);
    run->csr_charged = run->arrays_charged = 0;
    run->begun = false;
}

/* The CSR keeps to what the budget has left: its limit is the query's, and the query says so. */
static enum status over_budget(struct procedure_call *call) {
    value_budget_refuse(call->budget);
    return STATUS_NO_MEMORY;
}

static enum status build_step(struct procedure_call *call, struct algo_run *run, bool *done) {
    enum status status = csr_build_step(&run->build, call->work, done);
    if (status == STATUS_OK || status == STATUS_TOO_LARGE) {
        const enum status charged = charge_csr(call, run);
        status = status == STATUS_TOO_LARGE ? over_budget(call) : charged;
    }
    return status;
}

static enum status begin(struct procedure_call *call, struct algo_run *run, bool *empty) {
    const size_t bytes = run->csr.node_count * run->class->bytes_per_node;
    csr_build_end(&run->build);
    *empty = run->csr.node_count == 0;
    if (*empty) return STATUS_OK;
    if (!value_budget_charge(call->budget, bytes)) return STATUS_NO_MEMORY;
    run->arrays_charged = bytes;
    run->begun = true;
    return run->class->begin(call, run, bytes, empty);
}

/* A step of the build, or of the algorithm: BUSY, or END when it turns out that there is nothing. */
static enum status advance(struct procedure_call *call, struct algo_run *run) {
    bool done = false, empty = false;
    enum status status;
    if (run->phase == ALGO_BUILDS) {
        status = build_step(call, run, &done);
        if (status == STATUS_OK && done) {
            status = begin(call, run, &empty);
            run->phase = ALGO_RUNS;
        }
        if (empty && status == STATUS_OK) return STATUS_END;
    } else {
        status = run->class->step(call, run, call->work, &done);
        if (status == STATUS_OK && done) run->phase = ALGO_EMITS;
    }
    return status == STATUS_OK ? STATUS_BUSY : status;
}

enum status algo_step(struct procedure_call *call, void *state, struct value *fields) {
    struct algo_run *run = state;
    return run->phase == ALGO_EMITS ? run->class->emit(call, run, fields) : advance(call, run);
}

struct value algo_log_index(const struct algo_run *run) {
    return value_integer((int64_t)run->csr.log_index);
}

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

const struct value *algo_argument(const struct procedure_call *call, uint32_t number) {
    return number < call->argument_count && !value_is_null(call->arguments[number]) ? &call->arguments[number] : NULL;
}

enum status algo_refuse(struct procedure_call *call, const char *key, const char *wanted, const struct value *value) {
    return cypher_fault_set(call->fault, CYPHER_FAULT_INVALID_ARGUMENT_VALUE, call->place, "%s: %s is to be %s, not %s",
                            call->procedure->head.name, key, wanted, value_type_name((enum value_type)value->type));
}

enum status algo_take_words(struct procedure_call *call, const struct value *value, enum graph_vocabulary vocabulary,
                            const char *what, struct algo_run *run) {
    const bool is_list = value->type == VALUE_LIST;
    const struct value *items = is_list ? value->list.items : value;
    const size_t count = is_list ? value->list.count : 1;
    if (count > GRAPH_LABELS_MAX) return algo_refuse(call, what, "a shorter list", value);
    uint32_t *ids = value_alloc_array(call->arena, count, sizeof *ids);
    if (!ids) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (items[i].type != VALUE_STRING) return algo_refuse(call, what, "a string or a list of strings", &items[i]);
        enum status status = graph_find_word(call->graph, vocabulary, items[i].text, &ids[i]);
        if (status == STATUS_NOT_FOUND)
            ids[i] = GRAPH_NONE;
        else if (status != STATUS_OK)
            return status;
    }
    if (vocabulary == GRAPH_LABEL) {
        run->options.labels = ids;
        run->options.label_count = count;
    } else {
        run->options.types = ids;
        run->options.type_count = count;
    }
    return STATUS_OK;
}

enum status algo_take_settings(struct procedure_call *call, uint32_t number, struct algo_run *run,
                               const struct algo_setting *settings, size_t count) {
    const struct value *map = algo_argument(call, number);
    if (!map) return STATUS_OK;
    if (map->type != VALUE_MAP) return procedure_refuse(call, number, "a map");
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < map->map.count; i++) {
        const struct value_entry *entry = &map->map.entries[i];
        size_t at = 0;
        while (at < count && !slice_equal(entry->key, slice_from_text(settings[at].key))) at++;
        if (at == count)
            return cypher_fault_set(call->fault, CYPHER_FAULT_INVALID_ARGUMENT_VALUE, call->place,
                                    "%s has no setting '%.*s'", call->procedure->head.name,
                                    (int)(entry->key.size < 100 ? entry->key.size : 100),
                                    (const char *)entry->key.data);
        if (!value_is_null(entry->value)) status = settings[at].take(call, run, &entry->value, settings[at].key);
    }
    return status;
}

enum status algo_set_labels(struct procedure_call *call, struct algo_run *run, const struct value *value,
                            const char *key) {
    return algo_take_words(call, value, GRAPH_LABEL, key, run);
}

enum status algo_set_types(struct procedure_call *call, struct algo_run *run, const struct value *value,
                           const char *key) {
    return algo_take_words(call, value, GRAPH_TYPE, key, run);
}

enum status algo_set_direction(struct procedure_call *call, struct algo_run *run, const struct value *value,
                               const char *key) {
    static const struct {
        const char *word;
        enum graph_direction direction;
    } words[] = {{"outgoing", GRAPH_OUT}, {"incoming", GRAPH_IN}, {"both", GRAPH_BOTH}};
    for (size_t i = 0; value->type == VALUE_STRING && i < sizeof words / sizeof words[0]; i++)
        if (value->text.size == strlen(words[i].word) &&
            strncasecmp((const char *)value->text.data, words[i].word, value->text.size) == 0) {
            run->options.direction = words[i].direction;
            return STATUS_OK;
        }
    return algo_refuse(call, key, "'outgoing', 'incoming' or 'both'", value);
}

/* A key that the graph has not: every edge weighs the default. */
enum status algo_set_weight(struct procedure_call *call, struct algo_run *run, const struct value *value,
                            const char *key) {
    if (value->type != VALUE_STRING) return algo_refuse(call, key, "a string", value);
    run->weighted = true;
    enum status status = graph_find_word(call->graph, GRAPH_KEY, value->text, &run->options.weight_key);
    if (status == STATUS_NOT_FOUND) run->options.weight_key = GRAPH_NONE;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
