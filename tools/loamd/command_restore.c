/*
 * command_restore: TS.RESTORE and GRAPH.RESTORE: what `loam load` brings in and no other command can: samples bit for
 * bit, and graphs whose nodes, edges and words get the ids that they had. No operation of the log is their own: a
 * sample is an add; rows of a graph are the effects of a query that would have made them, or an import where nodes have
 * external ids. Ids are the next ones, so every command says which it begins with: a graph that is there already is
 * left alone, one that is elsewhere is an error, and a command that is sent again changes nothing. README.md says what
 * the arguments are.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "graph/import.h"
#include "graph/import_words.h"
#include "tools/loamd/commands.h"
#include "tools/loamd/long_call.h"
#include "tools/loamd/restore_args.h"
#include "tools/loamd/server_state.h"

enum { ROWS_PER_STEP = 64, HELD_FACTOR = 4 };

/* ---- TS.RESTORE key time value ----------------------------------------------------------------------------------- */

enum status cmd_ts_restore(struct call *call) {
    struct tsdb_add sample = {.name = call->args[1]};
    if (!decimal_parse(call->args[2], &sample.time_ms)) return reply_error(&call->reply, "ERR TSDB: invalid timestamp");
    if (!exact_double_parse(call->args[3], &sample.value)) return reply_error(&call->reply, "ERR TSDB: invalid value");
    const struct tsdb_op op = {
        .kind = TSDB_OP_ADD, .on_duplicate = TSDB_POLICY_LAST, .samples = &sample, .sample_count = 1};
    return tsdb_op_encode(&call->operation, &op);
}

/* ---- GRAPH.RESTORE: a run ---------------------------------------------------------------------------------------- */

struct restore_call {
    struct long_call work; /* first: the verbs get this */
    struct restore_command command;
    struct graph *graph; /* from begin to end */
    struct restore_args rows;
    uint64_t done;   /* words, rows or holes of the command */
    bool is_import;  /* nodes with external ids */
    bool is_decided; /* `reply` is the answer: nothing is proposed */
    struct graph_import import;
    struct graph_words *words; /* of the import */
    struct buf operation, reply, values;
    struct buf properties; /* struct graph_property each, values as offsets into `values` until they stand still */
};

static struct restore_call *restore_of(struct long_call *work) {
    return (struct restore_call *)(void *)work;
}

static enum status decide(struct restore_call *run, enum status written) {
    run->is_decided = true;
    return written;
}

static enum status fault(struct restore_call *run, const char *why) {
    buf_clear(&run->reply);
    return decide(run, reply_error(&run->reply, "ERR GRAPH.RESTORE: row %llu: %s", (unsigned long long)run->done, why));
}

/* What the rows of this form count in: ids given out so far. */
static uint64_t next_of(const struct restore_call *run, const char **what) {
    struct graph_facts facts;
    graph_get_facts(run->graph, &facts);
    switch (run->command.form) {
    case RESTORE_LABELS: return *what = "label", facts.words[GRAPH_LABEL];
    case RESTORE_TYPES: return *what = "type", facts.words[GRAPH_TYPE];
    case RESTORE_KEYS: return *what = "key", facts.words[GRAPH_KEY];
    case RESTORE_EDGES:
    case RESTORE_EDGE_HOLES: return *what = "edge", facts.next_edge;
    default: return *what = "node", facts.next_node;
    }
}

/* Whether the graph is where the command begins; else the answer stands in the reply. */
static enum status compare(struct restore_call *run) {
    const struct restore_command *command = &run->command;
    const char *what = "";
    const uint64_t next = next_of(run, &what);
    if (command->form == RESTORE_DROP) return STATUS_OK;
    if (next == command->first) return STATUS_OK;
    if (next >= command->first + command->count) return decide(run, reply_integer(&run->reply, 0));
    return decide(run, reply_error(&run->reply,
                                   "ERR GRAPH.RESTORE: the graph's next %s is %llu, and the command begins with %llu",
                                   what, (unsigned long long)next, (unsigned long long)command->first));
}

static enum status begin_import(struct restore_call *run) {
    struct restore_args rows = run->rows;
    struct restore_node node;
    run->is_import = run->command.form == RESTORE_NODES && restore_take_node(&rows, &node) && node.external.size > 0;
    if (!run->is_import) return STATUS_OK;
    if (run->words == NULL) {
        const enum status status = graph_words_create(&run->words);
        if (status != STATUS_OK) return status;
    }
    graph_words_clear(run->words);
    return graph_import_begin(&run->import, &run->operation, run->work.call->args[1], 0);
}

static enum status begin(struct long_call *work, const struct names_view *view) {
    struct restore_call *run = restore_of(work);
    buf_clear(&run->operation);
    buf_clear(&run->reply);
    run->is_decided = false;
    run->done = 0;
    run->rows = run->command.rows;
    enum status status = graph_create(&run->graph);
    if (status != STATUS_OK) return status;
    status = graph_open(run->graph, view, work->call->args[1]);
    if (status == STATUS_WRONG_TYPE) return decide(run, reply_error(&run->reply, GRAPH_TEXT_WRONG_TYPE));
    const bool is_absent = status == STATUS_NOT_FOUND;
    if (status != STATUS_OK && !is_absent) return status;
    if (run->command.form == RESTORE_GRAPH) return is_absent ? STATUS_OK : decide(run, reply_integer(&run->reply, 0));
    if (is_absent)
        return decide(run, reply_error(&run->reply, "ERR GRAPH.RESTORE: there is no such graph; GRAPH makes one"));
    status = compare(run);
    return status == STATUS_OK && !run->is_decided ? begin_import(run) : status;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static struct graph_property *properties_of(const struct restore_call *run) {
    return (struct graph_property *)(void *)run->properties.data;
}

/* The word's id in the graph, or its number in the import. */
static enum status find_word(struct restore_call *run, enum graph_vocabulary vocabulary, struct slice text,
                             uint32_t *id) {
    const enum status status = graph_find_word(run->graph, vocabulary, text, id);
    if (status != STATUS_OK || !run->is_import) return status;
    return graph_words_find(run->words, &run->import, vocabulary, text, id);
}

/* Replaces run->properties. */
static enum status take_properties(struct restore_call *run, struct restore_args from, size_t count) {
    buf_clear(&run->values);
    buf_clear(&run->properties);
    enum status status = buf_reserve(&run->properties, (count + 1) * sizeof(struct graph_property));
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct graph_property property;
        struct slice key;
        const size_t before = run->values.size;
        check(restore_take_text(&from, &key)); /* the row was read */
        status = find_word(run, GRAPH_KEY, key, &property.key);
        if (status == STATUS_OK && !restore_take_value(&from, &run->values, &status)) return status;
        property.value = slice_make(NULL, run->values.size - before);
        if (status == STATUS_OK) status = buf_append(&run->properties, &property, sizeof property);
    }
    const uint8_t *at = run->values.data;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        properties_of(run)[i].value.data = at;
        at += properties_of(run)[i].value.size;
    }
    return status;
}

/* An id that was given out once and is no more. */
static enum status add_node_hole(struct restore_call *run) {
    uint64_t id = 0;
    const enum status status = graph_edit_create_node(run->graph, NULL, 0, NULL, 0, &id);
    return status == STATUS_OK ? graph_edit_delete_node(run->graph, id, false) : status;
}

static enum status add_edge_hole(struct restore_call *run, uint64_t node) {
    uint64_t id = 0;
    const enum status status = graph_edit_create_edge(run->graph, 0, node, node, NULL, 0, &id);
    return status == STATUS_OK ? graph_edit_delete_edge(run->graph, id) : status;
}

static enum status add_node(struct restore_call *run) {
    struct restore_node node;
    uint32_t labels[GRAPH_LABELS_MAX];
    uint64_t id = 0;
    if (!restore_take_node(&run->rows, &node)) return fault(run, run->rows.why);
    if (node.is_hole && !run->is_import) return add_node_hole(run);
    if ((node.external.size > 0) != run->is_import)
        return fault(run, "rows with external ids and rows without go into commands of their own");
    if (node.label_count > GRAPH_LABELS_MAX) return fault(run, "too many labels");
    enum status status = run->is_import ? graph_find_external(run->graph, node.external, &id) : STATUS_NOT_FOUND;
    if (status == STATUS_OK) return fault(run, "its external id is another node's already");
    if (status == STATUS_NOT_FOUND) status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < node.label_count; i++)
        status = find_word(run, GRAPH_LABEL, node.labels[i], &labels[i]);
    if (status == STATUS_OK) status = take_properties(run, node.properties, node.property_count);
    if (status != STATUS_OK) return status;
    if (run->is_import)
        return graph_import_node(&run->import, node.external, labels, node.label_count, properties_of(run),
                                 node.property_count);
    return graph_edit_create_node(run->graph, labels, node.label_count, properties_of(run), node.property_count, &id);
}

static enum status add_edge(struct restore_call *run) {
    struct restore_edge edge;
    uint32_t type = 0;
    uint64_t id = 0;
    if (!restore_take_edge(&run->rows, &edge)) return fault(run, run->rows.why);
    if (edge.is_hole) return add_edge_hole(run, edge.source);
    enum status status = find_word(run, GRAPH_TYPE, edge.type, &type);
    if (status == STATUS_OK) status = take_properties(run, edge.properties, edge.property_count);
    if (status != STATUS_OK) return status;
    return graph_edit_create_edge(run->graph, type, edge.source, edge.destination, properties_of(run),
                                  edge.property_count, &id);
}

static enum status add_word(struct restore_call *run, enum graph_vocabulary vocabulary) {
    struct slice text;
    uint32_t id = 0;
    check(restore_take_text(&run->rows, &text)); /* they were counted */
    const enum status status = graph_edit_word(run->graph, vocabulary, text, &id);
    if (status == STATUS_OK && id != run->command.first + run->done)
        return fault(run, "the graph has this word already");
    return status;
}

static enum status drop(struct restore_call *run) {
    const char *what = "";
    const enum status status = graph_edit_delete_node(run->graph, run->command.first, false);
    if (status == STATUS_NOT_FOUND && run->command.first < next_of(run, &what))
        return decide(run, reply_integer(&run->reply, 0));
    return status;
}

static enum status add_one(struct restore_call *run) {
    switch (run->command.form) {
    case RESTORE_LABELS: return add_word(run, GRAPH_LABEL);
    case RESTORE_TYPES: return add_word(run, GRAPH_TYPE);
    case RESTORE_KEYS: return add_word(run, GRAPH_KEY);
    case RESTORE_NODES: return add_node(run);
    case RESTORE_EDGES: return add_edge(run);
    case RESTORE_NODE_HOLES: return add_node_hole(run);
    case RESTORE_EDGE_HOLES: return add_edge_hole(run, run->command.node);
    default: return drop(run);
    }
}

/* Statuses that are the user's become the reply. */
static enum status judge(struct restore_call *run, enum status status) {
    switch (status) {
    case STATUS_NOT_FOUND: return fault(run, "a node or a word that it names is not there");
    case STATUS_INVALID: return fault(run, "it is no row: a key or a label twice, or an empty word");
    case STATUS_EXISTS: return fault(run, "the node has edges");
    case STATUS_TOO_LARGE: return fault(run, "over a limit of one change; send fewer rows at a time");
    default: return status;
    }
}

/* ---- Verbs ------------------------------------------------------------------------------------------------------- */

static enum status conclude(struct restore_call *run) {
    if (run->rows.at < run->rows.count) return fault(run, "there are more arguments than rows");
    if (run->is_import) return STATUS_OK;
    return judge(run, graph_edit_operation(run->graph, &run->operation));
}

static enum status step(struct long_call *work, bool *done) {
    struct restore_call *run = restore_of(work);
    const struct restore_command *command = &run->command;
    const uint64_t all = command->form == RESTORE_DROP ? 1 : command->count;
    enum status status = STATUS_OK;
    for (unsigned i = 0; status == STATUS_OK && !run->is_decided && run->done < all && i < ROWS_PER_STEP; i++) {
        status = judge(run, add_one(run));
        run->done++;
    }
    *done = status != STATUS_OK || run->is_decided || run->done == all;
    return status == STATUS_OK && *done && !run->is_decided ? conclude(run) : status;
}

static void end(struct long_call *work) {
    struct restore_call *run = restore_of(work);
    graph_destroy(run->graph);
    run->graph = NULL;
}

static enum status answer(struct long_call *work, enum long_answer *answer) {
    struct restore_call *run = restore_of(work);
    if (run->is_decided) return buf_append_slice(&work->call->reply, buf_slice(&run->reply));
    *answer = LONG_PROPOSE;
    return buf_append_slice(&work->call->operation, buf_slice(&run->operation));
}

/* An import is no conditional change: who wrote to the graph between snapshot and apply has taken ids of these rows. */
static enum status judge_import(struct restore_call *run, struct buf *reply) {
    struct graph_import_counts counts;
    if (graph_import_read_reply(buf_slice(reply), &counts) != STATUS_OK) return STATUS_OK;
    buf_clear(reply);
    if (counts.nodes_created != run->done)
        return reply_error(reply, "ERR GRAPH.RESTORE: an external id of the rows is one of the graph's already");
    return reply_integer(reply, (int64_t)run->done);
}

static enum status applied(struct long_call *work, bool *again) {
    struct restore_call *run = restore_of(work);
    struct call *call = work->call;
    struct decoder decoder = decoder_make(buf_slice(&call->reply));
    struct reply_value value;
    *again = graph_reply_is_conflict(buf_slice(&call->reply));
    if (*again) return STATUS_OK;
    if (run->is_import) return judge_import(run, &call->reply);
    const enum status status = reply_decode(&decoder, &value);
    if (status != STATUS_OK || value.tag == REPLY_ERROR) return status;
    buf_clear(&call->reply);
    return reply_integer(&call->reply, run->command.form == RESTORE_GRAPH ? 1 : (int64_t)run->done);
}

static enum status stopped(struct long_call *work, enum long_stop why) {
    (void)why;
    return reply_error(&work->call->reply,
                       "TRYAGAIN GRAPH.RESTORE was stopped, or its time was up; nothing was changed");
}

static void destroy(struct long_call *work) {
    struct restore_call *run = restore_of(work);
    graph_words_destroy(run->words);
    buf_deinit(&run->operation);
    buf_deinit(&run->reply);
    buf_deinit(&run->values);
    buf_deinit(&run->properties);
    free(run);
}

static const struct long_call_verbs restore_verbs = {
    .begin = begin,
    .step = step,
    .end = end,
    .answer = answer,
    .applied = applied,
    .stopped = stopped,
    .destroy = destroy,
};

/* ---- The command ------------------------------------------------------------------------------------------------- */

static enum status refuse(struct call *call, const char *why, size_t at) {
    const enum status status = reply_error(&call->reply, "ERR GRAPH.RESTORE: argument %zu: %s", at, why);
    if (status == STATUS_OK) call_finish(call);
    return status;
}

enum status cmd_graph_restore(struct call *call) {
    struct restore_command command;
    const char *why = "";
    if (call->args[1].size == 0) return refuse(call, "a graph's name is not empty", 1);
    if (!restore_command_read(call->args, call->arg_count, &command, &why)) return refuse(call, why, command.rows.at);
    struct restore_call *run = calloc(1, sizeof *run);
    if (!run) return STATUS_NO_MEMORY;
    run->work.verbs = &restore_verbs;
    run->work.timeout_ms = call->server->limits.query_timeout_ms;
    run->work.turn = call->args[1];
    run->work.held_bytes = HELD_FACTOR * call->copy.size;
    run->command = command;
    return long_call_start(&run->work, call);
}
