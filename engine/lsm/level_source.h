/*
 * level_source: the files of one level below 0, or a run of them, as one source. Files are opened when they are
 * reached.
 */
#ifndef ENGINE_LSM_LEVEL_SOURCE_H
#define ENGINE_LSM_LEVEL_SOURCE_H

#include "engine/lsm/store.h"

struct level_source {
    struct source source;
    struct engine *engine;
    struct file *const *files; /* borrowed until close, ascending and disjoint */
    uint32_t count;
    unsigned flags; /* enum sst_read_flag */
    /* Nobody can see anything of the file: it is not read. NULL = never. */
    bool (*is_hidden)(void *context, struct file *file);
    void *context;
    uint32_t at;       /* the open one; count = none */
    uint32_t prepared; /* the file that the seek announced by prepare goes to; count = unknown */
    bool has_inner;
    struct sst_source inner;
};

void level_source_init(struct level_source *source, struct engine *engine, struct file *const *files, uint32_t count,
                       unsigned flags);
/* The file whose entry stands here, or whose reading failed; NULL = none. */
struct file *level_source_file(const struct level_source *source);

#endif
