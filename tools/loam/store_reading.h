/*
 * store_reading: a store that is read without its server, or beside it: a node's directory as its node would take it up
 * (what was flushed, and the entries of its log that are known to be committed), or an engine's own. Nothing of it is
 * changed, no lock is taken. As of which entry goes to stderr.
 */
#ifndef TOOLS_LOAM_STORE_READING_H
#define TOOLS_LOAM_STORE_READING_H

#include "engine/names.h"
#include "raft/driver.h"
#include "tools/loamd/stores.h"

enum { STORE_READING_KINDS_MAX = 32 };

/* All zero but for what the caller sets. */
struct store_reading {
    bool uncommitted; /* set by the caller: also what the log holds beyond the last commit that it knows of */
    bool explains;    /* set by the caller: engine_options.explains */
    bool is_silent;   /* set by the caller: as of which entry is not told on stderr */
    /* Set by the caller: raft_reading_options.on_batch, for a node's directory. Where it is opened again because its
     * owner changed it meanwhile, batches come again from the first on. */
    enum status (*on_batch)(void *context, const struct engine_batch *batch);
    void *context;
    struct error whole; /* explains: why a node's log could not be read, and its store alone is shown; OK = it was */
    bool has_seed;      /* view.seed is the node's: a name's row can be asked for */
    struct io *io;
    struct engine *engine;
    struct raft_reading *node; /* NULL: an engine's directory */
    struct stores stores;      /* whose kinds of trees and types of names there are */
    struct names_view view;
    struct engine_tree_kind kinds[STORE_READING_KINDS_MAX];
};

/* *error has words whenever it is not OK. Close it in any case. Blocking. */
MUST_CHECK enum status store_reading_open(struct store_reading *reading, const char *dir, struct error *error);
void store_reading_close(struct store_reading *reading);

#endif
