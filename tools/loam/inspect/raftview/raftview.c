/*
 * raftview: see raftview.h. What an operand means: a node's directory, a cluster's (which holds node-1, node-2, ..), or
 * an address. Directories are all read before anything is printed, since one explains the other.
 */
#include "tools/loam/inspect/raftview/raftview.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/inspect/raftview/raft_json.h"
#include "tools/loam/inspect/raftview/raft_live.h"
#include "tools/loam/inspect/raftview/raft_page.h"
#include "tools/loam/inspect/raftview/raft_text.h"
#include "tools/loam/terminal.h"
#include "tools/loamd/stores.h"

enum { LIVE_MAX = 2 * RAFT_COMPARE_NODES_MAX };

enum form { RAFTVIEW_TEXT, RAFTVIEW_JSON, RAFTVIEW_PAGE };

static const char usage[] =
    "usage: loam inspect --raft [--json | --html] [--password P] DIR... | HOST:PORT...\n"
    "\n"
    "The replicated logs of nodes, side by side: who has what, where they part, what is lost and who has it.\n"
    "\n"
    "  DIR        a node's directory, or a cluster's with node-1, node-2, ..; its processes may run\n"
    "  HOST:PORT  where a node that runs serves clients: what its commit waits for, and who is behind\n"
    "  --json     one object\n"
    "  --html     a page for a browser, of directories\n"
    "  --password of clients, for nodes that run\n"
    "\n"
    "exit codes: 0 clean, 1 usage or failure, 2 corruption found, 3 torn tail only\n";

struct showing {
    struct io *io;
    const char *password; /* of nodes that run; NULL = none */
    struct stores stores;
    struct raft_view *views[RAFT_COMPARE_NODES_MAX]; /* owned */
    size_t view_count;
    struct raft_live lives[LIVE_MAX];
    size_t live_count;
    bool failed;
};

static void complain(struct showing *showing, const char *words) {
    (void)fprintf(stderr, "loam inspect: %s\n", words);
    showing->failed = true;
}

/* ---- Directories ------------------------------------------------------------------------------------------------- */

static void read_node(struct showing *showing, const char *dir) {
    struct error error = {.status = STATUS_OK};
    if (showing->view_count == RAFT_COMPARE_NODES_MAX) {
        (void)snprintf(error.text, sizeof error.text, "%s: more than %d nodes at once are not compared", dir,
                       RAFT_COMPARE_NODES_MAX);
        complain(showing, error.text);
        return;
    }
    struct raft_view *view = calloc(1, sizeof *view);
    if (!view) {
        complain(showing, "out of memory");
        return;
    }
    const enum status status =
        raft_view_read(showing->io, dir, showing->stores.machines, showing->stores.machine_count, view, &error);
    if (status == STATUS_OK) {
        showing->views[showing->view_count++] = view;
        return;
    }
    complain(showing, error.text);
    raft_view_deinit(view);
    free(view);
}

/* node-1, node-2, .. of a cluster's directory. */
struct members {
    uint64_t ids[RAFT_COMPARE_NODES_MAX];
    size_t count, more;
};

static enum status note_member(void *context, const struct io_entry *entry) {
    struct members *members = context;
    char *end;
    if (entry->kind != IO_ENTRY_DIR || strncmp(entry->name, "node-", 5) != 0) return STATUS_OK;
    const unsigned long long id = strtoull(entry->name + 5, &end, 10);
    if (*end != '\0' || end == entry->name + 5) return STATUS_OK;
    if (members->count == RAFT_COMPARE_NODES_MAX) {
        members->more++;
        return STATUS_OK;
    }
    size_t at = members->count++;
    for (; at > 0 && members->ids[at - 1] > id; at--) members->ids[at] = members->ids[at - 1];
    members->ids[at] = id;
    return STATUS_OK;
}

static void read_dir(struct showing *showing, const char *dir) {
    struct members members = {.count = 0};
    char path[IO_PATH_BYTES];
    struct error error = {.status = STATUS_OK};
    const enum status status = io_dir_list(showing->io, dir, note_member, &members);
    if (status != STATUS_OK) {
        error_set(&error, status, "%s: %s", dir, status_text(status));
        complain(showing, error.text);
        return;
    }
    if (members.count == 0) {
        read_node(showing, dir);
        return;
    }
    for (size_t i = 0; i < members.count; i++) {
        if (snprintf(path, sizeof path, "%s%snode-%llu", dir, dir[strlen(dir) - 1] == '/' ? "" : "/",
                     (unsigned long long)members.ids[i]) < (int)sizeof path)
            read_node(showing, path);
    }
    if (members.more) complain(showing, "there are more nodes than are compared at once: the others are left out");
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

static bool is_address(const char *operand) {
    const char *colon = strrchr(operand, ':');
    return colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static bool was_asked(const struct showing *showing, uint64_t id) {
    for (size_t i = 0; i < showing->live_count; i++)
        if (showing->lives[i].id == id) return true;
    return false;
}

static bool ask(struct showing *showing, const char *address) {
    struct error error = {.status = STATUS_OK};
    if (showing->live_count == LIVE_MAX) return false;
    if (raft_live_ask(showing->io, address, showing->password, &showing->lives[showing->live_count], &error) !=
        STATUS_OK) {
        complain(showing, error.text);
        return false;
    }
    showing->live_count++;
    return true;
}

/* Who leads alone knows what the others have: it is asked, too. */
static void ask_leader(struct showing *showing, const struct raft_live *live) {
    for (size_t i = 0; live->leader != 0 && i < live->peer_count; i++)
        if (live->peers[i].id == live->leader && !was_asked(showing, live->leader))
            (void)ask(showing, live->peers[i].client_address);
}

/* ---- Showing ----------------------------------------------------------------------------------------------------- */

static void put_text(struct out *out, const struct showing *showing, const struct raft_compare *compare) {
    const unsigned columns = terminal_columns();
    const bool several = compare->count > 1;
    for (size_t i = 0; i < compare->count; i++)
        raft_text_node(out, compare->views[i], several ? compare : NULL, columns);
    if (several) raft_text_compare(out, compare, columns);
    for (size_t i = 0; i < showing->live_count; i++) raft_live_print(out, &showing->lives[i]);
}

static void put_lives(struct out *out, const struct showing *showing) {
    out_print(out, "{\"raft\":\"live\",\"nodes\":[");
    for (size_t i = 0; i < showing->live_count; i++) {
        if (i) out_print(out, ",");
        raft_live_json(out, &showing->lives[i]);
    }
    out_print(out, "]}\n");
}

static enum status put_page(const struct raft_compare *compare, struct buf *to) {
    struct out object = {.text = BUF_EMPTY};
    raft_json_directories(&object, compare);
    if (object.status == STATUS_OK) object.status = raft_page_make(to, buf_slice(&object.text));
    buf_deinit(&object.text);
    return object.status;
}

static void print(struct showing *showing, const struct raft_compare *compare, enum form form) {
    struct out out = {.text = BUF_EMPTY};
    if (form == RAFTVIEW_TEXT) put_text(&out, showing, compare);
    if (form == RAFTVIEW_JSON && compare->count > 0) {
        raft_json_directories(&out, compare);
        out_print(&out, "\n");
    }
    if (form == RAFTVIEW_JSON && showing->live_count > 0) put_lives(&out, showing);
    if (form == RAFTVIEW_PAGE) out.status = put_page(compare, &out.text);
    if (out.status != STATUS_OK)
        complain(showing, status_text(out.status));
    else
        terminal_print(buf_slice(&out.text));
    buf_deinit(&out.text);
}

static int exit_code(const struct showing *showing, const struct raft_compare *compare) {
    bool corrupt = compare->problem_count > 0, torn = false;
    for (size_t i = 0; i < compare->count; i++) {
        corrupt |= compare->views[i]->verdict == RAFT_VIEW_CORRUPT;
        torn |= compare->views[i]->verdict == RAFT_VIEW_TORN;
    }
    if (corrupt) return EXIT_CORRUPT;
    return showing->failed ? EXIT_FAILED : torn ? EXIT_TORN : EXIT_CLEAN;
}

static void identify(struct showing *showing) {
    for (size_t i = 0; i < showing->view_count; i++)
        for (size_t k = 0; k < showing->view_count; k++) raft_view_identify(showing->views[i], showing->views[k]);
}

static int show(struct showing *showing, char *const *operands, int count, enum form form) {
    struct raft_compare compare;
    for (int i = 0; i < count; i++) {
        struct io_entry entry;
        const bool is_there = io_stat(showing->io, operands[i], &entry) == STATUS_OK;
        if (is_there || !is_address(operands[i]))
            read_dir(showing, operands[i]);
        else if (ask(showing, operands[i]))
            ask_leader(showing, &showing->lives[showing->live_count - 1]);
    }
    identify(showing);
    if (form == RAFTVIEW_PAGE && showing->view_count == 0) {
        complain(showing, "--raft --html is of nodes' directories");
        return EXIT_FAILED;
    }
    const enum status status =
        raft_compare_make((const struct raft_view *const *)showing->views, showing->view_count, &compare);
    if (status != STATUS_OK)
        complain(showing, status_text(status));
    else if (showing->view_count + showing->live_count > 0)
        print(showing, &compare, form);
    const int code = status == STATUS_OK ? exit_code(showing, &compare) : EXIT_FAILED;
    raft_compare_deinit(&compare);
    return code;
}

static int show_all(char *const *operands, int count, const char *password, enum form form) {
    struct error error = {.status = STATUS_OK};
    struct showing *showing = calloc(1, sizeof *showing);
    enum status status = showing ? stores_init(&showing->stores) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &showing->io, &error);
    int code = EXIT_FAILED;
    if (showing) showing->password = password;
    if (status == STATUS_OK)
        code = show(showing, operands, count, form);
    else
        (void)fprintf(stderr, "loam inspect: %s\n", error.text[0] ? error.text : status_text(status));
    if (!showing) return code;
    for (size_t i = 0; i < showing->view_count; i++) {
        raft_view_deinit(showing->views[i]);
        free(showing->views[i]);
    }
    stores_deinit(&showing->stores);
    io_destroy(showing->io);
    free(showing);
    return code;
}

int raftview_run(int argc, char **argv) {
    bool raft = false, json = false, html = false;
    const char *password = NULL;
    const struct argument_option taken[] = {{.name = "--raft", .flag = &raft},
                                            {.name = "--json", .flag = &json},
                                            {.name = "--html", .flag = &html},
                                            {.name = "--password", .text = &password}};
    const struct arguments arguments = {"inspect", usage, "a DIR or HOST:PORT", 1, INT_MAX, taken, 4};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (json && html) return arguments_refuse(&arguments, "--json or --html: one of them");
    return show_all(argv, argc, password, html ? RAFTVIEW_PAGE : json ? RAFTVIEW_JSON : RAFTVIEW_TEXT);
}
