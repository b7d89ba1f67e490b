/* vertex: see vertex.h. */
#include "tools/loam/inspect/vertex/vertex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/explain/damage.h"
#include "tools/loam/explain/json.h"
#include "tools/loam/inspect/vertex/vertex_show.h"
#include "tools/loam/number_option.h"
#include "tools/loam/terminal.h"

static const char usage[] =
    "usage: loam inspect --vertex GRAPH NODE DIR [--external] [--direction out|in] [--block N] [--levels] [--all] "
    "[--json]\n"
    "\n"
    "A node (vertex) of a graph of the store in DIR (a node's data directory, or an engine's; its server may run): its "
    "row, its lists\nof edges block by block with bits an edge, and in which memtable, level and file its rows lie. "
    "NODE "
    "is its id, as id(n) says\nin a query, or the external id that it was imported under.\n"
    "\n"
    "  --external     NODE is an external id though it is a number\n"
    "  --direction D  one list alone: out or in\n"
    "  --block N      block N (from 0) entry by entry, each byte with what it means\n"
    "  --levels       each version of each row: where it lies, and whether it counts or is garbage\n"
    "  --all          long tables whole\n"
    "  --uncommitted  also what the log holds beyond the last commit that it knows of\n"
    "  --json         one object: tools/loam/README.md\n"
    "\n"
    "exit codes: 0 clean, 1 usage or failure, also if there is no such node, 2 damage found\n";

struct line {
    struct vertex_view view;
    struct vertex_choice choice;
    const char *node, *direction;
    bool external, json;
    bool is_read; /* there is something to show */
    struct error error;
};

static bool take_block(void *context, const char *value) {
    struct vertex_choice *choice = context;
    uint64_t number = 0;
    if (choice->has_block) return false;
    const bool is_zero = strcmp(value, "0") == 0;
    choice->has_block = is_zero || number_option(value, UINT32_MAX, &number);
    choice->block = (uint32_t)number;
    return choice->has_block;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* What an open store has lost is told before anything of it. */
static enum status open_store(struct line *line) {
    struct vertex_view *view = &line->view;
    view->subject.tree = "graph.graphs";
    enum status status = subject_open(&view->subject);
    if (status == STATUS_NOT_FOUND && view->subject.is_open)
        return error_set(&line->error, status, "%s: the store has no graphs: no graph was ever made in it",
                         view->subject.where);
    if (status != STATUS_OK) {
        line->error = view->subject.error;
        return status;
    }
    status = damage_add_of_opening(&view->damage, &view->subject);
    return status == STATUS_OK ? status : error_set(&line->error, status, "%s", status_text(status));
}

static enum status refuse_absent(struct line *line) {
    const struct vertex_view *view = &line->view;
    const char *left = view->rows.row_count ? "; what is left of its rows is told" : "";
    const uint64_t next = view->facts.next_node;
    if (view->status != STATUS_NOT_FOUND) return STATUS_OK;
    if (next && view->id >= next)
        return error_set(&line->error, STATUS_NOT_FOUND,
                         "graph \"%s\" has no node %" PRIu64 ": ids up to %" PRIu64 " were given out", view->graph_name,
                         view->id, next - 1);
    if (view->facts.change && next == 0)
        return error_set(&line->error, STATUS_NOT_FOUND, "graph \"%s\" has no node %" PRIu64 ": it never had one",
                         view->graph_name, view->id);
    return error_set(&line->error, STATUS_NOT_FOUND, "graph \"%s\" has no node %" PRIu64 "%s%s", view->graph_name,
                     view->id, view->damage.size ? ", or its row is lost" : "; it was deleted", left);
}

static enum status read_node(struct line *line) {
    struct vertex_view *view = &line->view;
    enum status status = vertex_view_find_graph(view, &line->error);
    if (status == STATUS_OK) status = vertex_view_find_node(view, line->node, line->external, &line->error);
    if (status == STATUS_OK) {
        status = vertex_view_read(view);
        line->is_read = status == STATUS_OK && (view->status != STATUS_NOT_FOUND || view->rows.row_count > 0);
    }
    if (status == STATUS_OK) status = refuse_absent(line);
    if (status == STATUS_OK || line->error.status != STATUS_OK) return status;
    return error_set(&line->error, status, "the node can't be read: %s", status_text(status));
}

/* ---- Telling ----------------------------------------------------------------------------------------------------- */

/* Nothing of the node is known: what keeps it from being, alone. */
static enum status tell_failure(struct line *line) {
    struct vertex_view *view = &line->view;
    struct buf text = BUF_EMPTY;
    enum status status = STATUS_OK;
    if (!view->subject.is_open && subject_is_damage(line->error.status))
        status = damage_add_closed(&view->damage, &view->subject);
    if (line->json && status == STATUS_OK) {
        struct json json;
        json_begin(&json, &text);
        json_text(&json, "dir", view->subject.dir);
        json_text(&json, "error", line->error.text);
        json_lines(&json, "damage", &view->damage);
        status = json_end(&json);
    } else if (status == STATUS_OK) {
        status = buf_append_slice(&text, buf_slice(&view->damage));
        if (status == STATUS_OK && view->damage.size && view->subject.is_open)
            status = buf_append_format(&text, "    %s\n", subject_advice(&view->subject));
    }
    terminal_print(buf_slice(&text));
    buf_deinit(&text);
    return status;
}

static enum status tell(struct line *line) {
    struct vertex_choice *choice = &line->choice;
    const char *failure = line->error.status == STATUS_OK ? NULL : line->error.text;
    if (!line->is_read) return tell_failure(line);
    enum status status =
        line->json ? vertex_show_json(&line->view, choice, failure) : vertex_show_text(&line->view, choice);
    if (status == STATUS_OK && choice->has_block && !choice->was_shown && line->error.status == STATUS_OK)
        error_set(&line->error, STATUS_NOT_FOUND, "the node's lists have no block %" PRIu32, choice->block);
    return status;
}

static int exit_code(const struct line *line) {
    if (line->view.damage_count || line->view.damage.size || subject_is_damage(line->error.status)) return EXIT_CORRUPT;
    return line->error.status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

static int run(struct line *line) {
    struct vertex_view *view = &line->view;
    enum status status = open_store(line);
    if (status == STATUS_OK) status = read_node(line);
    const enum status told = tell(line);
    if (told != STATUS_OK && line->error.status == STATUS_OK)
        error_set(&line->error, told, "not all could be shown: %s", status_text(told));
    const char *dir = view->subject.dir, *text = line->error.text;
    const bool is_named = strncmp(text, dir, strlen(dir)) == 0; /* an opening's words begin with it */
    if (line->error.status != STATUS_OK)
        (void)fprintf(stderr, "loam inspect: %s%s%s\n", is_named ? "" : dir, is_named ? "" : ": ", text);
    const int code = exit_code(line);
    vertex_view_deinit(view);
    return code;
}

int vertex_run(int argc, char **argv) {
    struct line line = {.error = {.status = STATUS_OK}};
    struct vertex_view *view = &line.view;
    const struct argument_option taken[] = {
        {.name = "--vertex", .text = &view->graph_name, .may_be_empty = true},
        {.name = "--external", .flag = &line.external},
        {.name = "--direction", .text = &line.direction},
        {.name = "--block", .meaning = "a number of a block, once", .take = take_block, .context = &line.choice},
        {.name = "--levels", .flag = &line.choice.levels},
        {.name = "--all", .flag = &line.choice.all},
        {.name = "--uncommitted", .flag = &view->subject.uncommitted},
        {.name = "--json", .flag = &line.json}};
    const struct arguments arguments = {"inspect --vertex", usage, "a NODE and a DIR", 2, 2, taken, 8};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    const bool out = line.direction && strcmp(line.direction, "out") == 0;
    const bool in = line.direction && strcmp(line.direction, "in") == 0;
    if (line.direction && !out && !in) return arguments_refuse(&arguments, "--direction takes out or in");
    view->lists[GRAPH_OUT].wanted = !in;
    view->lists[GRAPH_IN].wanted = !out;
    line.node = argv[0];
    view->subject.dir = argv[1];
    return run(&line);
}
