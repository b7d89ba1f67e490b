/*
 * sst_map: an SST's file as memory that the system's cache shares. Blocks found in it are views that point into it
 * (engine/cache/block_cache.h, "backing"), checked each time that they enter the cache. Private to engine/sst.
 *
 * Files that are read so cost no copy, but a page that can't be read is a signal and no status, and what the system
 * drops and reads anew nobody checks: engine_options.map_tables is the user's choice.
 */
#ifndef ENGINE_SST_SST_MAP_H
#define ENGINE_SST_SST_MAP_H

#include "engine/sst/sst.h"

struct sst_map {
    struct block_backing backing;
    struct io *io;
    const uint8_t *bytes;
    uint64_t size;
};

/* *map stays NULL where the environment does not ask for it, the table is compressed, or it can't be mapped: it is read
 * then. One reference, the caller's. */
void sst_map_open(struct io_file *file, const struct sst_environment *environment,
                  const struct sst_properties *properties, struct sst_map **map);
/* Lets go of the caller's reference. NULL is allowed. */
void sst_map_close(struct sst_map *map);

/* REQUIRES: a handle inside the file. Bytes behind it up to the file's end may be read, too: a footer at least. */
static inline struct slice sst_map_slice(const struct sst_map *map, const struct sst_handle *handle) {
    return slice_make(map->bytes + handle->offset, handle->size);
}

/* A hint: the unit is read soon. */
void sst_map_ask(const struct sst_map *map, const struct sst_handle *handle);

#endif
