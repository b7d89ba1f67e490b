/*
 * graph: named property graphs as a deterministic library on the engine. A graph has nodes with labels and properties,
 * and directed edges with one type and properties; parallel edges and self-loops are ordinary.
 *
 * Reading: open a `struct graph` by name on a names_view (a snapshot, for anything longer than a look), then get, scan
 * and walk. Writing: edits on the same handle (graph/edit.h), which all its reads see; they become an *operation* that
 * goes through whatever log the owner keeps, and graph_apply turns it into changes of a batch. Bulk loading has an
 * operation of its own (graph/import.h). Bytes: graph/FORMAT.md.
 *
 * Threads: a handle and what was opened on it belong to one thread at a time, and may move between steps. Statuses
 * common to every read: WOULD_BLOCK (view.memory_only), CORRUPT, IO, NO_MEMORY.
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "engine/base/reply.h"
#include "engine/names.h"

#pragma GCC visibility push(default)

enum {
    GRAPH_LABELS_MAX = 64,               /* labels of one node */
    GRAPH_PROPERTIES_MAX = 4096,         /* properties of one node or edge */
    GRAPH_ROW_MAX_BYTES = 1 << 20,       /* a node or an edge with all its properties */
    GRAPH_NAME_MAX_BYTES = 4096,         /* a label, type or property key */
    GRAPH_NAMES_MAX = 65535,             /* of each of the three */
    GRAPH_EXTERNAL_MAX_BYTES = 4096,     /* an external id */
    GRAPH_EDITS_MAX = 1 << 18,           /* edits in one operation; making or deleting an edge counts as four */
    GRAPH_EDIT_MAX_BYTES = 96 << 20,     /* memory of the edits of one operation */
    GRAPH_OPERATION_MAX_BYTES = 7 << 20, /* an encoded operation; below the node's entry limit */
};

/* No label, type or key: ids are dense from 0, at most GRAPH_NAMES_MAX. */
#define GRAPH_NONE UINT32_MAX

/* The three vocabularies of a graph. */
enum graph_vocabulary { GRAPH_LABEL = 0, GRAPH_TYPE = 1, GRAPH_KEY = 2, GRAPH_VOCABULARIES = 3 };

enum graph_direction { GRAPH_OUT = 0, GRAPH_IN = 1, GRAPH_BOTH = 2 };

/* ---- A graph at a moment ----------------------------------------------------------------------------------------- */

struct graph;

MUST_CHECK enum status graph_create(struct graph **graph); /* a handle that is not open yet */
void graph_destroy(struct graph *graph);                   /* NULL is allowed */

/*
 * Opens or reopens: what was edited, cached or borrowed before is gone. The view is copied; its snapshot is borrowed
 * until the next open or destroy. NOT_FOUND: there is no such name; the handle is then open all the same, on an empty
 * graph whose edits, applied, make it. WRONG_TYPE: the name is another store's. On other failures the handle is closed
 * and only open or destroy may follow.
 */
MUST_CHECK enum status graph_open(struct graph *graph, const struct names_view *view, struct slice name);

/* What the handle knows without reading; edits are seen. */
struct graph_facts {
    uint64_t object;                    /* graph id; 0 = does not exist yet */
    uint64_t change;                    /* log index of the entry that changed it last; 0 = none */
    uint64_t node_count, edge_count;    /* live ones */
    uint64_t next_node, next_edge;      /* every id is below; ids are never used again */
    uint32_t words[GRAPH_VOCABULARIES]; /* labels, types, keys: ids are below */
};
void graph_get_facts(const struct graph *graph, struct graph_facts *facts);

/* ---- Labels, types and property keys ----------------------------------------------------------------------------- */

/* OK, or NOT_FOUND: the graph has never had such a one. */
MUST_CHECK enum status graph_find_word(struct graph *graph, enum graph_vocabulary vocabulary, struct slice text,
                                       uint32_t *id);
/* *text is borrowed until the handle is opened anew; each is read once. NOT_FOUND: no such id. */
MUST_CHECK enum status graph_get_word(struct graph *graph, enum graph_vocabulary vocabulary, uint32_t id,
                                      struct slice *text);

/* ---- Nodes and edges --------------------------------------------------------------------------------------------- */

/*
 * `properties` is an encoded list, ascending by key, read by graph/property.h. All slices are borrowed until release,
 * from an edited row until the next open, whatever is edited in between. Plain data, no clean-up but release.
 */
struct graph_node {
    uint64_t id;
    uint32_t label_count;
    uint32_t labels[GRAPH_LABELS_MAX]; /* ascending ids */
    struct slice properties;
    struct slice external; /* external id of an imported node; empty = none */
    struct engine_value value;
};

struct graph_edge {
    uint64_t id;
    uint64_t source, destination;
    uint32_t type;
    uint32_t blocks[2]; /* where its two adjacency entries lie: [GRAPH_OUT] at source, [GRAPH_IN] at destination */
    struct slice properties;
    struct engine_value value;
};

/* OK or NOT_FOUND. After OK release, once. */
MUST_CHECK enum status graph_get_node(struct graph *graph, uint64_t id, struct graph_node *node);
MUST_CHECK enum status graph_get_edge(struct graph *graph, uint64_t id, struct graph_edge *edge);
void graph_node_release(struct graph_node *node);
void graph_edge_release(struct graph_edge *edge);
bool graph_node_has_label(const struct graph_node *node, uint32_t label);

/* OK or NOT_FOUND, nothing to release. */
MUST_CHECK enum status graph_look_for_node(struct graph *graph, uint64_t id);
/* The node that was imported under this external id: OK or NOT_FOUND. */
MUST_CHECK enum status graph_find_external(struct graph *graph, struct slice external, uint64_t *id);

/* ---- Scans: ids of all nodes, of the nodes of one label, of all edges -------------------------------------------- */

/*
 * Each id once: stored ones ascending, then what the handle's edits added before the scan was opened. Edits while a
 * scan is open are allowed: what is deleted is not visited any more, what is added may not be. A call does the work of
 * one id, however many there are; the caller stops and goes on as it likes. To be closed before the handle is reopened.
 */
struct graph_scan;
MUST_CHECK enum status graph_scan_open_nodes(struct graph *graph, uint32_t label, /* GRAPH_NONE = every node */
                                             struct graph_scan **scan);
MUST_CHECK enum status graph_scan_open_edges(struct graph *graph, struct graph_scan **scan);
MUST_CHECK enum status graph_scan_next(struct graph_scan *scan, uint64_t *id); /* OK or END */
void graph_scan_close(struct graph_scan *scan);                                /* NULL is allowed */

/* ---- Neighbours -------------------------------------------------------------------------------------------------- */

struct graph_neighbour {
    uint64_t node; /* the other end */
    uint64_t edge;
    uint32_t type;
    bool incoming; /* the edge points at the node that was asked about */
};

/*
 * A walk along the edges of one node: make it once, start it at node after node; nothing is allocated on the way. It
 * holds one block of at most 256 entries, whatever the degree. Order: stored entries block by block, then edited ones;
 * a pure function of the graph's history. GRAPH_BOTH: out, then in, a self-loop once. A node that does not exist has no
 * neighbours. Edits while a walk is under way: as for scans. To be destroyed before the handle is.
 */
struct graph_neighbours;
MUST_CHECK enum status graph_neighbours_create(struct graph *graph, struct graph_neighbours **walk);
/* `types`: borrowed until the next start; none = every type. Cheap; reads nothing. */
void graph_neighbours_start(struct graph_neighbours *walk, uint64_t node, enum graph_direction direction,
                            const uint32_t *types, size_t type_count);
MUST_CHECK enum status graph_neighbours_next(struct graph_neighbours *walk,
                                             struct graph_neighbour *neighbour); /* OK or END */
void graph_neighbours_destroy(struct graph_neighbours *walk);                    /* NULL is allowed */

/* Edges of every type at the node; one read for each direction. GRAPH_BOTH: a self-loop counts twice. 0 for a node that
 * is not there. */
MUST_CHECK enum status graph_degree(struct graph *graph, uint64_t node, enum graph_direction direction,
                                    uint64_t *degree);

/*
 * All adjacency of one direction in the order of node ids: what a CSR is built from. Stored state only: INVALID if the
 * handle has edits. Each call gives one block: some entries of one node (a node may come in several blocks, one after
 * the other; a node without edges does not come). *entries is borrowed until the next call.
 */
struct graph_sweep;
MUST_CHECK enum status graph_sweep_open(struct graph *graph, enum graph_direction direction,
                                        struct graph_sweep **sweep); /* GRAPH_OUT or GRAPH_IN */
MUST_CHECK enum status graph_sweep_next(struct graph_sweep *sweep, uint64_t *node,
                                        const struct graph_neighbour **entries, size_t *count); /* OK or END */
void graph_sweep_close(struct graph_sweep *sweep);                                              /* NULL is allowed */

/* ---- Operations and apply ---------------------------------------------------------------------------------------- */

/* Kinds of operations: a format; numbers never change. */
enum graph_op_kind {
    GRAPH_OP_EFFECTS = 1, /* the edits of one query, valid on the state they were computed on only */
    GRAPH_OP_IMPORT = 2,  /* rows with external ids, resolved in apply */
    GRAPH_OP_DELETE = 3,  /* a whole graph */
};
const char *graph_op_kind_name(enum graph_op_kind kind); /* "effects"; for tools */

/* Appends GRAPH_OP_DELETE. */
MUST_CHECK enum status graph_op_encode_delete(struct buf *to, struct slice name);

/* First words of the replies that are errors. */
#define GRAPH_TEXT_CONFLICT "CONFLICT the graph has changed since the query read it"
#define GRAPH_TEXT_EMPTY_KEY "ERR Invalid graph operation on empty key"
#define GRAPH_TEXT_WRONG_TYPE "WRONGTYPE Operation against a key holding the wrong kind of value"
#define GRAPH_TEXT_TOO_LARGE "ERR the change is larger than one operation may be; do it in parts"
#define GRAPH_TEXT_MISFIT "ERR the operation does not fit the graph"

/* True for a reply of graph_apply that says: run the query again on a newer snapshot. */
bool graph_reply_is_conflict(struct slice reply);

struct graph_store;

/* `owners`: every store's types, for the rows behind a name that goes; borrowed. */
MUST_CHECK enum status graph_store_create(const struct name_owner *owners, size_t owner_count,
                                          struct graph_store **store);
void graph_store_destroy(struct graph_store *store); /* NULL is allowed */

/*
 * Applies one operation: view is the latest state (snapshot NULL) with the entry's log time, `index` the entry's index
 * (> 0, becomes the graph's `change`, and its id if this makes it). Changes go to *batch, which the caller writes
 * before the next operation; the answer to *reply, user errors included (nothing has changed then):
 *   effects: integer = index; or GRAPH_TEXT_CONFLICT;
 *   import: array of integers: nodes created, nodes updated, edges created, edges refused, number of the first refused
 *           edge row (from 0; -1 = none);
 *   delete: OK; or GRAPH_TEXT_EMPTY_KEY.
 * WOULD_BLOCK (view->memory_only): bring in the rows by graph_prefetch, clear batch and reply, call again. CORRUPT, IO,
 * NO_MEMORY, SYNTAX, UNSUPPORTED stop the owner.
 */
MUST_CHECK enum status graph_apply(struct graph_store *store, const struct names_view *view, uint64_t index,
                                   struct slice operation, struct engine_batch *batch, struct buf *reply);
/* Reads, blocking, what graph_apply would read. Any thread, also beside apply. */
MUST_CHECK enum status graph_prefetch(const struct graph_store *store, const struct names_view *view,
                                      struct slice operation);

/* The row of graphs in the owners of names: TYPE answers "graphdata". */
extern const struct name_owner graph_name_owner;

/* Trees and their kinds, for owners that run the library alone. */
extern const struct engine_tree_kind graph_kinds[];
extern const size_t graph_kind_count;
/* Creates the trees; harmless when they exist. */
MUST_CHECK enum status graph_create_trees(struct engine_batch *batch);

/* ---- All graphs -------------------------------------------------------------------------------------------------- */

/* Visits the names of graphs that are not due, in the order of their making. */
MUST_CHECK enum status graph_list(const struct names_view *view,
                                  enum status (*visit)(void *context, struct slice name, uint64_t object),
                                  void *context);

/* Chained hash over every logical row of every graph: equal on replicas at the same index, however their engines have
 * compacted. Reads all, blocking. */
MUST_CHECK enum status graph_hash(const struct names_view *view, uint64_t *hash);

/*
 * Checks that every graph is whole: both adjacency entries of every edge and nothing besides, degrees, counts, label
 * index, external ids, vocabularies, names. visit is called for each finding; NULL = only the verdict. OK or CORRUPT.
 * Blocking, reads all.
 */
MUST_CHECK enum status graph_verify(const struct names_view *view,
                                    void (*visit)(void *context, uint64_t object, const char *text), void *context);

#pragma GCC visibility pop

#endif
