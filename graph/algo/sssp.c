/*
 * sssp: Dijkstra's algorithm with a binary heap of nodes by distance; a node's place in the heap is kept, so that a
 * shorter way moves it up instead of adding it again: the heap never holds more than the nodes. See algo.h.
 */
#include <math.h>

#include "engine/base/check.h"
#include "graph/algo/algo.h"
#include "graph/algo/array.h"

/* ---- The heap ---------------------------------------------------------------------------------------------------- */

/* Equal distances in the order of nodes, so that the result does not depend on the heap's history. */
static bool is_nearer(const struct sssp *sssp, uint32_t a, uint32_t b) {
    if (sssp->distance[a] != sssp->distance[b]) return sssp->distance[a] < sssp->distance[b];
    return a < b;
}

static void put(struct sssp *sssp, uint32_t at, uint32_t node) {
    sssp->heap[at] = node;
    sssp->place[node] = at;
}

static void move_up(struct sssp *sssp, uint32_t node) {
    uint32_t at = sssp->place[node];
    for (; at > 0 && is_nearer(sssp, node, sssp->heap[(at - 1) / 2]); at = (at - 1) / 2)
        put(sssp, at, sssp->heap[(at - 1) / 2]);
    put(sssp, at, node);
}

static void move_down(struct sssp *sssp, uint32_t node) {
    uint32_t at = 0;
    for (;;) {
        uint64_t child = 2 * (uint64_t)at + 1;
        if (child >= sssp->heap_count) break;
        if (child + 1 < sssp->heap_count && is_nearer(sssp, sssp->heap[child + 1], sssp->heap[child])) child++;
        if (!is_nearer(sssp, sssp->heap[child], node)) break;
        put(sssp, at, sssp->heap[child]);
        at = (uint32_t)child;
    }
    put(sssp, at, node);
}

static uint32_t pop(struct sssp *sssp) {
    const uint32_t node = sssp->heap[0];
    const uint32_t last = sssp->heap[--sssp->heap_count];
    sssp->place[node] = CSR_NONE;
    if (sssp->heap_count > 0) move_down(sssp, last);
    return node;
}

/* ---- The algorithm ----------------------------------------------------------------------------------------------- */

enum status sssp_begin(struct sssp *sssp, const struct csr *csr, uint32_t source, size_t limit_bytes) {
    check(source < csr->node_count);
    size_t left = limit_bytes;
    *sssp = (struct sssp){.csr = csr, .target = CSR_NONE, .node = CSR_NONE};
    enum status status = array_take((void **)&sssp->distance, csr->node_count, sizeof *sssp->distance, &left);
    if (status == STATUS_OK) status = array_take((void **)&sssp->parent, csr->node_count, sizeof *sssp->parent, &left);
    if (status == STATUS_OK) status = array_take((void **)&sssp->heap, csr->node_count, sizeof *sssp->heap, &left);
    if (status == STATUS_OK) status = array_take((void **)&sssp->place, csr->node_count, sizeof *sssp->place, &left);
    if (status != STATUS_OK) return status;
    for (uint32_t node = 0; node < csr->node_count; node++) {
        sssp->distance[node] = INFINITY;
        sssp->parent[node] = CSR_NONE;
        sssp->place[node] = CSR_NONE;
    }
    sssp->distance[source] = 0;
    put(sssp, sssp->heap_count++, source);
    return STATUS_OK;
}

static enum status relax(struct sssp *sssp, uint32_t from, uint64_t edge) {
    const uint32_t to = sssp->csr->targets[edge];
    const double weight = sssp->csr->weights ? sssp->csr->weights[edge] : 1;
    if (!(weight >= 0)) return STATUS_INVALID;
    const double distance = sssp->distance[from] + weight;
    if (!(distance < sssp->distance[to])) return STATUS_OK;
    sssp->distance[to] = distance;
    sssp->parent[to] = from;
    if (sssp->place[to] == CSR_NONE) put(sssp, sssp->heap_count++, to);
    move_up(sssp, to);
    return STATUS_OK;
}

enum status sssp_step(struct sssp *sssp, uint64_t work, bool *done) {
    const struct csr *csr = sssp->csr;
    for (work = algo_work(work); work > 0; work--) {
        if (sssp->node == CSR_NONE) {
            *done = sssp->heap_count == 0;
            if (*done) return STATUS_OK;
            sssp->node = pop(sssp);
            sssp->edge = csr->offsets[sssp->node];
            *done = sssp->node == sssp->target; /* nothing shorter can come */
            if (*done) return STATUS_OK;
        }
        const uint64_t end = csr->offsets[sssp->node + 1];
        for (; sssp->edge < end && work > 1; work--) {
            enum status status = relax(sssp, sssp->node, sssp->edge++);
            if (status != STATUS_OK) return status;
        }
        if (sssp->edge == end) sssp->node = CSR_NONE;
    }
    *done = false;
    return STATUS_OK;
}

void sssp_end(struct sssp *sssp) {
    free(sssp->distance);
    free(sssp->parent);
    free(sssp->heap);
    free(sssp->place);
    *sssp = (struct sssp){0};
}
