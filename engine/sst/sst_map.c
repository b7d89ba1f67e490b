/*
 * sst_map: made with the table, gone with the last block that points into it.
 */
#include "engine/sst/sst_map.h"

#include <stdlib.h>

static void destroy(struct block_backing *backing) {
    struct sst_map *map = (struct sst_map *)(void *)backing;
    io_unmap(map->io, map->bytes, map->size);
    free(map);
}

void sst_map_open(struct io_file *file, const struct sst_environment *environment,
                  const struct sst_properties *properties, struct sst_map **map) {
    if (!environment->map_tables || properties->codec != CODEC_NONE || properties->data_blocks == 0) return;
    struct sst_map *made = malloc(sizeof *made);
    if (!made) return;
    *made = (struct sst_map){
        .backing = {.references = 1, .destroy = destroy}, .io = environment->io, .size = properties->file_bytes};
    if (io_file_map(file, made->size, &made->bytes) == STATUS_OK)
        *map = made;
    else
        free(made);
}

void sst_map_close(struct sst_map *map) {
    if (map) block_backing_release(&map->backing);
}

void sst_map_ask(const struct sst_map *map, const struct sst_handle *handle) {
    io_map_ask(map->io, map->bytes + handle->offset, handle->size);
}
