/* vertex_find: from the words that were typed to a graph and a node of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/inspect/report.h"
#include "tools/loam/inspect/vertex/vertex_view.h"

/* ---- The graph --------------------------------------------------------------------------------------------------- */

struct search {
    struct slice name;
    uint64_t graph, count;
    struct buf names; /* of those that there are */
};

static enum status take_graph(void *context, struct slice name, uint64_t graph) {
    enum { NAMES_SHOWN = 20, NAME_SHOWN = 40 };
    struct search *search = context;
    char text[VERTEX_WORD_BYTES];
    if (slice_equal(name, search->name)) search->graph = graph;
    if (++search->count > NAMES_SHOWN) return STATUS_OK;
    report_text(text, sizeof text, name, NAME_SHOWN);
    return buf_append_format(&search->names, "%s%s", search->names.size ? ", " : "", text);
}

static enum status refuse_graph(const struct vertex_view *view, const struct search *search, struct error *error) {
    const char *alone = view->subject.store.whole.status != STATUS_OK ? ", in what can be read," : "";
    if (search->count == 0)
        return error_set(error, STATUS_NOT_FOUND, "there is no graph \"%s\": the store has%s no graph at all",
                         view->graph_name, alone);
    return error_set(error, STATUS_NOT_FOUND, "there is no graph \"%s\"; the store has%s %" PRIu64 ": %.*s%s",
                     view->graph_name, alone, search->count, (int)search->names.size, (const char *)search->names.data,
                     search->count > 20 ? ", .." : "");
}

/* By what the graphs' own rows say; where the name space can't be read, or asked. */
static enum status search_graphs(struct vertex_view *view, struct error *error) {
    struct search search = {.name = slice_from_text(view->graph_name)};
    enum status status = graph_explain_graphs(view->subject.store.engine, take_graph, &search);
    view->graph = search.graph;
    if (status != STATUS_OK && search.graph == 0) {
        struct error last;
        engine_last_error(view->subject.store.engine, &last);
        error_set(error, status, "which graphs there are can't be read: %s",
                  last.status == status ? last.text : status_text(status));
    } else {
        status = search.graph ? STATUS_OK : refuse_graph(view, &search, error);
    }
    buf_deinit(&search.names);
    return status;
}

enum status vertex_view_find_graph(struct vertex_view *view, struct error *error) {
    struct name_row row;
    struct engine_value value;
    if (!view->subject.store.has_seed) return search_graphs(view, error);
    enum status status = names_get(&view->subject.store.view, slice_from_text(view->graph_name), &row, &value);
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) {
        status = search_graphs(view, error);
        if (status != STATUS_OK) return status;
        if (view->subject.store.whole.status != STATUS_OK) /* the seed may be another node's */
            return vertex_view_note(
                view, "lost: the name's row is not where the seed in the superblock puts it; the graph is "
                      "found by its own row of its name");
        return error_set(error, STATUS_NOT_FOUND, "there is no name \"%s\"; rows of a graph that had it are left",
                         view->graph_name);
    }
    if (status == STATUS_OK) {
        const bool is_graph = row.type == NAME_GRAPH;
        view->graph = row.object;
        engine_value_release(&value);
        return is_graph ? STATUS_OK : error_set(error, STATUS_WRONG_TYPE, "\"%s\" is no graph", view->graph_name);
    }
    status = vertex_view_note_row(view, "the name's row", status);
    if (status == STATUS_OK) status = vertex_view_note(view, "    The graph is looked for by its own row of its name");
    return status == STATUS_OK ? search_graphs(view, error) : status;
}

static enum status read_counters(struct vertex_view *view) {
    const struct graph_place place = graph_place_counters(view->graph);
    struct engine_value value;
    enum status status = vertex_view_get(view, &place, "the row of the graph's counters", &value);
    if (status == STATUS_NO_MEMORY) return status;
    if (status == STATUS_NOT_FOUND) return vertex_view_note(view, "lost: the row of the graph's counters is not there");
    if (status != STATUS_OK) return STATUS_OK;
    status = graph_explain_counters(value.data, &view->facts);
    engine_value_release(&value);
    return status == STATUS_OK
               ? status
               : vertex_view_note(view, "damage: the row of the graph's counters: %s", status_text(status));
}

/* ---- The node ---------------------------------------------------------------------------------------------------- */

static bool take_digits(const char *typed, uint64_t *id) {
    char *end = NULL;
    if (typed[0] < '0' || typed[0] > '9' || strlen(typed) > 19) return false;
    *id = strtoull(typed, &end, 10);
    return *end == 0;
}

enum status vertex_view_find_node(struct vertex_view *view, const char *typed, bool external, struct error *error) {
    struct buf key = BUF_EMPTY;
    struct engine_value value;
    uint32_t tree = 0;
    enum status status = read_counters(view);
    if (status != STATUS_OK || (!external && take_digits(typed, &view->id))) return status;
    status = graph_place_external(view->graph, slice_from_text(typed), &tree, &key);
    if (status == STATUS_OK && key.size > ENGINE_KEY_MAX_BYTES) status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = vertex_view_get_key(view, tree, buf_slice(&key), "the row of the external id", &value);
    buf_deinit(&key);
    if (status == STATUS_OK) {
        status = graph_explain_id(value.data, &view->id);
        engine_value_release(&value);
    }
    if (status == STATUS_NOT_FOUND)
        return error_set(error, status, "graph \"%s\" has no node with the external id \"%s\"", view->graph_name,
                         typed);
    return status == STATUS_OK
               ? status
               : error_set(error, status, "the row of the external id \"%s\": %s", typed, status_text(status));
}
