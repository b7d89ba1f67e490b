/*
 * dump_graph: see dump_items.h. Words, nodes and edges by ascending id, so that each gets its own again. An id that is
 * no more is a hole: a few of them stand among the rows, many in a command of their own. To make a hole among edges a
 * loop is put in and taken out at some node; the one that has no edges costs its lists nothing: a node that is a hole
 * itself, and is dropped behind the edges, or one that never had any; else the source of the next edge.
 */
#include "tools/loam/dump/dump_items.h"

#include <stdio.h>
#include <stdlib.h>

#include "graph/property.h"
#include "tools/loamd/restore_args.h"

enum { ROWS_PER_PAGE = 1000, HOLES_AMONG_ROWS = 64, HOLES_PER_COMMAND = 1 << 14, LOST_MAX = 4096 };

/* Ids of nodes that could not be read. */
struct lost_range {
    uint64_t first, last;
};

struct graph_dump {
    struct dump_source *source;
    const struct dump_name *name;
    struct graph *graph;
    struct graph_facts facts;

    enum restore_form form;        /* of the page: NODES or EDGES */
    uint64_t first, next;          /* id of the page's first row; of the row after its last */
    struct dump_args rows;         /* of the page */
    uint64_t row_count;            /* holes included */
    bool page_has_externals;       /* its rows are nodes with external ids */
    uint64_t hole_count;           /* before `next`, and not written yet */
    bool has_spare, spare_is_hole; /* where holes among edges are made */
    uint64_t spare;
    bool has_node;
    uint64_t node; /* the first one */

    struct lost_range lost[LOST_MAX];
    size_t lost_count;
    uint64_t written[2]; /* nodes, edges */
    bool is_damaged;
};

static bool may_have_edge_holes(const struct graph_dump *dump) {
    return dump->facts.edge_count < dump->facts.next_edge || dump->source->damage->goes_on;
}

static enum status damaged(struct graph_dump *dump, enum status status, const char *what, uint64_t id) {
    char where[64];
    (void)snprintf(where, sizeof where, ", %s %llu", what, (unsigned long long)id);
    dump->is_damaged = true;
    return dump_damaged(dump->source, dump->name, status, where);
}

static void begin(struct graph_dump *dump, enum restore_form form) {
    dump_begin(dump->source->writer, "GRAPH.RESTORE", dump_name_slice(dump->name));
    dump_args_word(dump_arguments(dump->source->writer), restore_form_name(form));
}

/* ---- Pages ------------------------------------------------------------------------------------------------------- */

static enum status flush_rows(struct graph_dump *dump) {
    if (dump->row_count == 0) return STATUS_OK;
    begin(dump, dump->form);
    dump_args_number(dump_arguments(dump->source->writer), dump->first);
    dump_args_number(dump_arguments(dump->source->writer), dump->row_count);
    dump_append(dump->source->writer, &dump->rows);
    dump_args_clear(&dump->rows);
    dump->first += dump->row_count;
    dump->row_count = 0;
    return dump_end(dump->source->writer);
}

/* Where holes among edges go that stand before this edge; NULL: behind the last one. */
static uint64_t hole_node(const struct graph_dump *dump, const struct graph_edge *edge) {
    if (dump->has_spare) return dump->spare;
    return edge ? edge->source : dump->node;
}

static enum status flush_many_holes(struct graph_dump *dump, uint64_t node) {
    const bool edges = dump->form == RESTORE_EDGES;
    enum status status = flush_rows(dump);
    while (status == STATUS_OK && dump->hole_count > 0) {
        const uint64_t count = dump->hole_count < HOLES_PER_COMMAND ? dump->hole_count : HOLES_PER_COMMAND;
        struct dump_args *args = dump_arguments(dump->source->writer);
        begin(dump, edges ? RESTORE_EDGE_HOLES : RESTORE_NODE_HOLES);
        dump_args_number(args, dump->first);
        dump_args_number(args, count);
        if (edges) dump_args_number(args, node);
        status = dump_end(dump->source->writer);
        dump->first += count;
        dump->hole_count -= count;
    }
    return status;
}

/* The ids before the next row are written. */
static enum status flush_holes(struct graph_dump *dump, uint64_t node) {
    const bool edges = dump->form == RESTORE_EDGES;
    if (dump->hole_count > HOLES_AMONG_ROWS || (dump->hole_count > 0 && dump->page_has_externals))
        return flush_many_holes(dump, node);
    for (; dump->hole_count > 0; dump->hole_count--, dump->row_count++) {
        if (!edges) dump_args_word(&dump->rows, "");
        dump_args_word(&dump->rows, "-");
        if (edges) dump_args_number(&dump->rows, node);
    }
    return STATUS_OK;
}

static enum status row_done(struct graph_dump *dump) {
    dump->row_count++;
    dump->next++;
    dump->written[dump->form == RESTORE_EDGES]++;
    const bool is_full = dump->row_count >= ROWS_PER_PAGE || dump->rows.bytes.size >= DUMP_PAGE_BYTES;
    return is_full ? flush_rows(dump) : STATUS_OK;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static enum status put_words(struct graph_dump *dump, enum graph_vocabulary vocabulary) {
    static const enum restore_form forms[] = {
        [GRAPH_LABEL] = RESTORE_LABELS, [GRAPH_TYPE] = RESTORE_TYPES, [GRAPH_KEY] = RESTORE_KEYS};
    const uint32_t count = dump->facts.words[vocabulary];
    struct dump_args *args = dump_arguments(dump->source->writer);
    enum status status = STATUS_OK;
    for (uint32_t id = 0; status == STATUS_OK && id < count;) {
        begin(dump, forms[vocabulary]);
        dump_args_number(args, id);
        do {
            struct slice text;
            status = graph_get_word(dump->graph, vocabulary, id, &text);
            if (status == STATUS_NOT_FOUND) status = STATUS_CORRUPT;
            if (status == STATUS_OK) dump_args_put(args, text);
        } while (status == STATUS_OK && ++id < count && args->bytes.size < DUMP_PAGE_BYTES);
        if (status == STATUS_OK) status = dump_end(dump->source->writer);
    }
    return status;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static void put_scalar(struct dump_args *rows, struct buf *text, const struct graph_property_head *head) {
    char number[EXACT_DOUBLE_BYTES];
    enum status status = STATUS_OK;
    buf_clear(text);
    switch (head->tag) {
    case GRAPH_PROPERTY_FALSE: status = buf_append_format(text, "#f"); break;
    case GRAPH_PROPERTY_TRUE: status = buf_append_format(text, "#t"); break;
    case GRAPH_PROPERTY_INTEGER: status = buf_append_format(text, ":%lld", (long long)head->integer); break;
    case GRAPH_PROPERTY_FLOAT:
        (void)exact_double_format(head->number, number);
        status = buf_append_format(text, ",%s", number);
        break;
    default:
        status = buf_append_byte(text, '$');
        if (status == STATUS_OK) status = buf_append_slice(text, head->text);
    }
    dump_args_put(rows, buf_slice(text));
    if (status != STATUS_OK) rows->status = status;
}

static enum status put_value(struct dump_args *rows, struct buf *text, struct slice bytes) {
    struct decoder decoder = decoder_make(bytes);
    struct graph_property_head head;
    if (!graph_property_read(&decoder, &head)) return STATUS_CORRUPT;
    if (head.tag != GRAPH_PROPERTY_LIST) {
        put_scalar(rows, text, &head);
        return STATUS_OK;
    }
    const uint64_t count = head.count;
    buf_clear(text);
    const enum status status = buf_append_format(text, "*%llu", (unsigned long long)count);
    dump_args_put(rows, buf_slice(text));
    for (uint64_t i = 0; i < count; i++) {
        if (!graph_property_read(&decoder, &head)) return STATUS_CORRUPT;
        put_scalar(rows, text, &head);
    }
    return status;
}

static enum status put_word(struct graph_dump *dump, enum graph_vocabulary vocabulary, uint32_t id) {
    struct slice text;
    const enum status status = graph_get_word(dump->graph, vocabulary, id, &text);
    if (status == STATUS_OK) dump_args_put(&dump->rows, text);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

static enum status put_properties(struct graph_dump *dump, struct slice properties) {
    struct graph_property property;
    struct slice rest = properties;
    struct buf text = BUF_EMPTY;
    uint64_t count = 0;
    while (graph_property_next(&rest, &property)) count++;
    dump_args_number(&dump->rows, count);
    enum status status = rest.size > 0 ? STATUS_CORRUPT : STATUS_OK;
    rest = properties;
    while (status == STATUS_OK && graph_property_next(&rest, &property)) {
        status = put_word(dump, GRAPH_KEY, property.key);
        if (status == STATUS_OK) status = put_value(&dump->rows, &text, property.value);
    }
    buf_deinit(&text);
    return status;
}

static enum status put_node_row(struct graph_dump *dump, const struct graph_node *node) {
    enum status status = STATUS_OK;
    dump_args_put(&dump->rows, node->external);
    dump_args_number(&dump->rows, node->label_count);
    for (uint32_t i = 0; status == STATUS_OK && i < node->label_count; i++)
        status = put_word(dump, GRAPH_LABEL, node->labels[i]);
    return status == STATUS_OK ? put_properties(dump, node->properties) : status;
}

static enum status put_edge_row(struct graph_dump *dump, const struct graph_edge *edge) {
    dump_args_number(&dump->rows, edge->source);
    dump_args_number(&dump->rows, edge->destination);
    const enum status status = put_word(dump, GRAPH_TYPE, edge->type);
    return status == STATUS_OK ? put_properties(dump, edge->properties) : status;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

/* The first hole may become a node for a while. */
static enum status put_node_hole(struct graph_dump *dump) {
    if (dump->has_spare || !may_have_edge_holes(dump)) {
        dump->hole_count++;
        dump->next++;
        return STATUS_OK;
    }
    dump->has_spare = dump->spare_is_hole = true;
    dump->spare = dump->next;
    if (dump->page_has_externals) {
        const enum status status = flush_rows(dump);
        if (status != STATUS_OK) return status;
        dump->page_has_externals = false;
    }
    dump_args_word(&dump->rows, "");
    dump_args_word(&dump->rows, "0");
    dump_args_word(&dump->rows, "0");
    dump->row_count++;
    dump->next++;
    return STATUS_OK;
}

static enum status note_spare(struct graph_dump *dump, uint64_t id) {
    uint64_t degree = 1;
    if (!dump->has_node) dump->node = id;
    dump->has_node = true;
    if (dump->has_spare || !may_have_edge_holes(dump)) return STATUS_OK;
    const enum status status = graph_degree(dump->graph, id, GRAPH_BOTH, &degree);
    if (status == STATUS_OK && degree == 0) {
        dump->has_spare = true;
        dump->spare = id;
    }
    return status_class(status) == STATUS_CLASS_DAMAGE ? STATUS_OK : status; /* what is damaged is no spare one */
}

static enum status put_node(struct graph_dump *dump, uint64_t id) {
    struct graph_node node;
    enum status status = graph_get_node(dump->graph, id, &node);
    if (status != STATUS_OK) return status;
    const bool is_import = node.external.size > 0;
    if (is_import != dump->page_has_externals) {
        status = dump->hole_count > 0 ? flush_holes(dump, 0) : STATUS_OK;
        if (status == STATUS_OK) status = flush_rows(dump);
        dump->page_has_externals = is_import;
    }
    if (status == STATUS_OK) status = flush_holes(dump, 0);
    const size_t before = dump->rows.bytes.size, count = dump->rows.count;
    if (status == STATUS_OK) status = put_node_row(dump, &node);
    if (status != STATUS_OK) {
        dump->rows.bytes.size = before;
        dump->rows.count = count;
    }
    graph_node_release(&node);
    if (status == STATUS_OK) status = row_done(dump);
    return status == STATUS_OK ? note_spare(dump, id) : status;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

static bool is_lost(const struct graph_dump *dump, uint64_t node) {
    size_t low = 0, high = dump->lost_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (dump->lost[middle].last < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dump->lost_count && dump->lost[low].first <= node;
}

static enum status note_lost(struct graph_dump *dump, uint64_t node) {
    struct lost_range *last = dump->lost_count ? &dump->lost[dump->lost_count - 1] : NULL;
    if (last && last->last + 1 == node) {
        last->last = node;
        return STATUS_OK;
    }
    if (dump->lost_count == LOST_MAX)
        return error_set(dump->source->error, STATUS_TOO_LARGE, "nodes of a graph are lost at more than %d places",
                         LOST_MAX);
    dump->lost[dump->lost_count++] = (struct lost_range){node, node};
    return STATUS_OK;
}

static enum status put_edge(struct graph_dump *dump, uint64_t id) {
    struct graph_edge edge;
    enum status status = graph_get_edge(dump->graph, id, &edge);
    if (status != STATUS_OK) return status;
    if (is_lost(dump, edge.source) || is_lost(dump, edge.destination)) {
        dump->source->damage->places++; /* it went with its end, which was told */
        status = STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK) status = flush_holes(dump, hole_node(dump, &edge));
    const size_t before = dump->rows.bytes.size, count = dump->rows.count;
    if (status == STATUS_OK) status = put_edge_row(dump, &edge);
    if (status != STATUS_OK) {
        dump->rows.bytes.size = before;
        dump->rows.count = count;
    }
    graph_edge_release(&edge);
    return status == STATUS_OK ? row_done(dump) : status;
}

/* ---- All ids ----------------------------------------------------------------------------------------------------- */

static enum status put_hole(struct graph_dump *dump) {
    if (dump->form == RESTORE_NODES) return put_node_hole(dump);
    dump->hole_count++;
    dump->next++;
    return STATUS_OK;
}

static enum status put_holes_up_to(struct graph_dump *dump, uint64_t id) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && dump->next < id) {
        const bool makes_spare = dump->form == RESTORE_NODES && !dump->has_spare && may_have_edge_holes(dump);
        if (makes_spare || id - dump->next == 1) {
            status = put_hole(dump);
            continue;
        }
        dump->hole_count += id - dump->next;
        dump->next = id;
    }
    return status;
}

/* One id of which there is a row, or was: what can't be read becomes a hole, told once for a run of them. */
static enum status put_id(struct graph_dump *dump, uint64_t id, bool *failed) {
    const bool edges = dump->form == RESTORE_EDGES;
    enum status status = put_holes_up_to(dump, id);
    if (status != STATUS_OK) return status;
    status = edges ? put_edge(dump, id) : put_node(dump, id);
    if (status == STATUS_NOT_FOUND) return put_hole(dump);
    const bool is_damage = status_class(status) == STATUS_CLASS_DAMAGE;
    if (status != STATUS_OK && !(*failed && is_damage && dump->source->damage->goes_on))
        status = damaged(dump, status, edges ? "edges from" : "nodes from", id);
    else if (is_damage)
        status = STATUS_OK;
    *failed = is_damage;
    if (!is_damage || status != STATUS_OK) return status;
    if (!edges) status = note_lost(dump, id);
    return status == STATUS_OK ? put_hole(dump) : status;
}

/* Ids in their order: of a scan, and once that fails each one there may be. */
static enum status walk(struct graph_dump *dump, uint64_t end) {
    struct graph_scan *scan = NULL;
    bool failed = false;
    const bool edges = dump->form == RESTORE_EDGES;
    enum status status =
        edges ? graph_scan_open_edges(dump->graph, &scan) : graph_scan_open_nodes(dump->graph, GRAPH_NONE, &scan);
    while (status == STATUS_OK) {
        uint64_t id = 0;
        status = graph_scan_next(scan, &id);
        if (status == STATUS_OK) status = id < end ? put_id(dump, id, &failed) : STATUS_CORRUPT;
    }
    graph_scan_close(scan);
    if (status == STATUS_END) return STATUS_OK;
    if (status_class(status) != STATUS_CLASS_DAMAGE || !dump->source->damage->goes_on)
        return dump->source->error->text[0] ? status
                                            : damaged(dump, status, edges ? "edges from" : "nodes from", dump->next);
    status = STATUS_OK;
    for (uint64_t id = dump->next; status == STATUS_OK && id < end; id++) status = put_id(dump, id, &failed);
    return status;
}

static enum status put_all(struct graph_dump *dump, enum restore_form form) {
    const bool edges = form == RESTORE_EDGES;
    const uint64_t end = edges ? dump->facts.next_edge : dump->facts.next_node;
    dump->form = form;
    dump->first = dump->next = dump->hole_count = 0;
    dump->page_has_externals = false;
    enum status status = walk(dump, end);
    if (status == STATUS_OK) status = put_holes_up_to(dump, end);
    if (status == STATUS_OK) status = flush_holes(dump, hole_node(dump, NULL));
    return status == STATUS_OK ? flush_rows(dump) : status;
}

/* Rows that are simply not there are damage, too. */
static enum status compare_counts(struct graph_dump *dump) {
    const uint64_t wanted[2] = {dump->facts.node_count, dump->facts.edge_count};
    for (int i = 0; i < 2; i++) {
        if (dump->is_damaged || dump->written[i] == wanted[i]) continue;
        char where[128];
        (void)snprintf(where, sizeof where, ", which counts %llu %s and has %llu", (unsigned long long)wanted[i],
                       i ? "edges" : "nodes", (unsigned long long)dump->written[i]);
        const enum status status = dump_damaged(dump->source, dump->name, STATUS_CORRUPT, where);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status drop_spare(struct graph_dump *dump) {
    if (!dump->spare_is_hole) return STATUS_OK;
    begin(dump, RESTORE_DROP);
    dump_args_number(dump_arguments(dump->source->writer), dump->spare);
    return dump_end(dump->source->writer);
}

static enum status put_graph(struct graph_dump *dump) {
    begin(dump, RESTORE_GRAPH);
    enum status status = dump_end(dump->source->writer);
    for (int i = 0; status == STATUS_OK && i < GRAPH_VOCABULARIES; i++) {
        status = put_words(dump, (enum graph_vocabulary)i);
        /* Rows name words: without them nothing of the graph has a meaning. */
        if (status != STATUS_OK) return damaged(dump, status, "words of vocabulary", (uint64_t)i);
    }
    if (status == STATUS_OK) status = put_all(dump, RESTORE_NODES);
    if (status == STATUS_OK) status = put_all(dump, RESTORE_EDGES);
    if (status == STATUS_OK) status = drop_spare(dump);
    return status == STATUS_OK ? compare_counts(dump) : status;
}

enum status dump_graph(struct dump_source *source, const struct dump_name *name) {
    struct graph_dump *dump = calloc(1, sizeof *dump);
    if (!dump) return error_set(source->error, STATUS_NO_MEMORY, "%s", status_text(STATUS_NO_MEMORY));
    dump->source = source;
    dump->name = name;
    enum status status = graph_create(&dump->graph);
    if (status == STATUS_OK) status = graph_open(dump->graph, source->view, dump_name_slice(name));
    if (status != STATUS_OK) {
        status = dump_damaged(source, name, status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status, ", the graph");
    } else {
        graph_get_facts(dump->graph, &dump->facts);
        status = put_graph(dump);
        source->writer->counts.graphs++;
        source->writer->counts.nodes += dump->written[0];
        source->writer->counts.edges += dump->written[1];
        if (status == STATUS_OK) status = dump_expiry(source, name);
    }
    graph_destroy(dump->graph);
    buf_deinit(&dump->rows.bytes);
    free(dump);
    return status;
}
