/* bfs: breadth-first search from a queue that is also the result's order. See algo.h. */
#include "engine/base/check.h"
#include "graph/algo/algo.h"
#include "graph/algo/array.h"

enum status bfs_begin(struct bfs *bfs, const struct csr *csr, uint32_t source, size_t limit_bytes) {
    check(source < csr->node_count);
    size_t left = limit_bytes;
    *bfs = (struct bfs){.csr = csr, .max_depth = -1, .target = CSR_NONE};
    enum status status = array_take((void **)&bfs->depth, csr->node_count, sizeof *bfs->depth, &left);
    if (status == STATUS_OK) status = array_take((void **)&bfs->order, csr->node_count, sizeof *bfs->order, &left);
    if (status == STATUS_OK) status = array_take((void **)&bfs->parent, csr->node_count, sizeof *bfs->parent, &left);
    if (status != STATUS_OK) return status;
    for (uint32_t node = 0; node < csr->node_count; node++) {
        bfs->depth[node] = BFS_UNREACHED;
        bfs->parent[node] = CSR_NONE;
    }
    bfs->depth[source] = 0;
    bfs->order[bfs->reached++] = source;
    bfs->edge = csr->offsets[source];
    return STATUS_OK;
}

static void meet(struct bfs *bfs, uint32_t from, uint32_t node) {
    if (bfs->depth[node] != BFS_UNREACHED) return;
    bfs->depth[node] = bfs->depth[from] + 1;
    bfs->parent[node] = from;
    bfs->order[bfs->reached++] = node;
}

/* Whether the node at the head is looked at no more. */
static bool is_over(const struct bfs *bfs) {
    if (bfs->head == bfs->reached) return true;
    if (bfs->target != CSR_NONE && bfs->depth[bfs->target] != BFS_UNREACHED) return true;
    return bfs->max_depth >= 0 && bfs->depth[bfs->order[bfs->head]] >= bfs->max_depth;
}

bool bfs_step(struct bfs *bfs, uint64_t work) {
    const struct csr *csr = bfs->csr;
    for (; !is_over(bfs); work--) {
        const uint32_t node = bfs->order[bfs->head];
        const uint64_t end = csr->offsets[node + 1];
        for (; bfs->edge < end && work > 0; work--) meet(bfs, node, csr->targets[bfs->edge++]);
        if (work == 0) return is_over(bfs);
        bfs->head++;
        if (bfs->head < bfs->reached) bfs->edge = csr->offsets[bfs->order[bfs->head]];
    }
    return true;
}

void bfs_end(struct bfs *bfs) {
    free(bfs->depth);
    free(bfs->order);
    free(bfs->parent);
    *bfs = (struct bfs){0};
}
