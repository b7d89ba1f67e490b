/* csr: see csr.h. */
#include "graph/csr.h"

#include <stdlib.h>

#include "engine/base/check.h"

enum { FIRST_NODES = 1024, FIRST_EDGES = 4096 };

void csr_init(struct csr *csr, size_t limit_bytes, bool weighted) {
    *csr = (struct csr){.limit_bytes = limit_bytes, .is_dense = true, .weighted = weighted};
}

void csr_deinit(struct csr *csr) {
    free(csr->node_ids);
    free(csr->offsets);
    free(csr->targets);
    free(csr->weights);
    free(csr->edge_ids);
    *csr = (struct csr){0};
}

/* Grows *array from `from` to `to` items. While it is copied both are there: the limit counts what stays. */
static enum status grow(struct csr *csr, void **array, size_t item_bytes, size_t from, size_t to) {
    const size_t more = (to - from) * item_bytes;
    if (csr->bytes + more > csr->limit_bytes) return STATUS_TOO_LARGE;
    void *grown = realloc(*array, to * item_bytes);
    if (!grown) return STATUS_NO_MEMORY;
    *array = grown;
    csr->bytes += more;
    return STATUS_OK;
}

/* Half as much again, or what is left of the limit, but at least one more. */
static size_t next_capacity(const struct csr *csr, size_t capacity, size_t first, size_t item_bytes) {
    if (capacity == 0) return first;
    const size_t left = (csr->limit_bytes - csr->bytes) / item_bytes;
    size_t more = capacity / 2;
    if (more > left) more = left;
    return capacity + (more > 0 ? more : 1);
}

enum status csr_add_node(struct csr *csr, uint64_t id) {
    check(!csr->has_edges && (csr->node_count == 0 || csr->node_ids[csr->node_count - 1] < id));
    if (csr->node_count == CSR_NODES_MAX) return STATUS_TOO_LARGE;
    if (csr->node_count == csr->node_capacity) {
        const size_t capacity = next_capacity(csr, csr->node_capacity, FIRST_NODES, sizeof *csr->node_ids);
        enum status status = grow(csr, (void **)&csr->node_ids, sizeof *csr->node_ids, csr->node_capacity, capacity);
        if (status != STATUS_OK) return status;
        csr->node_capacity = capacity;
    }
    csr->is_dense = csr->is_dense && id == csr->node_count;
    csr->node_ids[csr->node_count++] = id;
    return STATUS_OK;
}

uint32_t csr_find(const struct csr *csr, uint64_t id) {
    if (csr->is_dense) return id < csr->node_count ? (uint32_t)id : CSR_NONE;
    uint32_t low = 0, high = csr->node_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (csr->node_ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < csr->node_count && csr->node_ids[low] == id ? low : CSR_NONE;
}

static enum status begin_edges(struct csr *csr) {
    if (csr->has_edges) return STATUS_OK;
    enum status status = grow(csr, (void **)&csr->offsets, sizeof *csr->offsets, 0, (size_t)csr->node_count + 1);
    if (status != STATUS_OK) return status;
    csr->offsets[0] = 0;
    csr->has_edges = true;
    return STATUS_OK;
}

static void close_sources(struct csr *csr, uint32_t up_to) {
    while (csr->source < up_to) csr->offsets[++csr->source] = csr->edge_count;
}

static enum status grow_edges(struct csr *csr) {
    const size_t item_bytes = sizeof *csr->targets + (csr->weighted ? sizeof *csr->weights : 0) +
                              (csr->keeps_edge_ids ? sizeof *csr->edge_ids : 0);
    const size_t capacity = next_capacity(csr, csr->edge_capacity, FIRST_EDGES, item_bytes);
    if (csr->bytes + (capacity - csr->edge_capacity) * item_bytes > csr->limit_bytes) return STATUS_TOO_LARGE;
    enum status status = grow(csr, (void **)&csr->targets, sizeof *csr->targets, csr->edge_capacity, capacity);
    if (status == STATUS_OK && csr->weighted)
        status = grow(csr, (void **)&csr->weights, sizeof *csr->weights, csr->edge_capacity, capacity);
    if (status == STATUS_OK && csr->keeps_edge_ids)
        status = grow(csr, (void **)&csr->edge_ids, sizeof *csr->edge_ids, csr->edge_capacity, capacity);
    if (status == STATUS_OK) csr->edge_capacity = capacity;
    return status;
}

void csr_keep_edge_ids(struct csr *csr) {
    check(!csr->has_edges);
    csr->keeps_edge_ids = true;
}

void csr_name_edge(struct csr *csr, uint64_t id) {
    check(csr->keeps_edge_ids && csr->edge_count > 0);
    csr->edge_ids[csr->edge_count - 1] = id;
}

enum status csr_add_edge(struct csr *csr, uint32_t source, uint32_t target, double weight) {
    check(source < csr->node_count && source >= csr->source && (target == CSR_NONE || target < csr->node_count));
    enum status status = begin_edges(csr);
    if (status != STATUS_OK || target == CSR_NONE) return status;
    close_sources(csr, source);
    if (csr->edge_count == csr->edge_capacity) status = grow_edges(csr);
    if (status != STATUS_OK) return status;
    csr->targets[csr->edge_count] = target;
    if (csr->weighted) csr->weights[csr->edge_count] = weight;
    csr->edge_count++;
    return STATUS_OK;
}

enum status csr_finish(struct csr *csr) {
    enum status status = begin_edges(csr);
    if (status == STATUS_OK) close_sources(csr, csr->node_count);
    return status;
}
