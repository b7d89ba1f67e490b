/*
 * wcc: weakly connected components by union-find. A root is always the smallest node of its tree, so the result names
 * each component by its smallest node; paths are halved on the way (Tarjan and van Leeuwen 1984). See algo.h.
 */
#include "graph/algo/algo.h"
#include "graph/algo/array.h"

enum status wcc_begin(struct wcc *wcc, const struct csr *csr, size_t limit_bytes) {
    size_t left = limit_bytes;
    *wcc = (struct wcc){.csr = csr};
    enum status status = array_take((void **)&wcc->component, csr->node_count, sizeof *wcc->component, &left);
    if (status != STATUS_OK) return status;
    for (uint32_t node = 0; node < csr->node_count; node++) wcc->component[node] = node;
    return STATUS_OK;
}

static uint32_t find_root(uint32_t *component, uint32_t node) {
    while (component[node] != node) {
        component[node] = component[component[node]];
        node = component[node];
    }
    return node;
}

static void join(uint32_t *component, uint32_t a, uint32_t b) {
    a = find_root(component, a);
    b = find_root(component, b);
    if (a < b)
        component[b] = a;
    else
        component[a] = b;
}

/* True when all edges have been seen. */
static bool join_ends(struct wcc *wcc, uint64_t *work) {
    const struct csr *csr = wcc->csr;
    for (; wcc->node<csr->node_count && * work> 0; --*work) {
        const uint64_t end = csr->offsets[wcc->node + 1];
        for (; wcc->edge<end && * work> 1; --*work) join(wcc->component, wcc->node, csr->targets[wcc->edge++]);
        if (wcc->edge == end) wcc->node++;
    }
    return wcc->node == csr->node_count;
}

bool wcc_step(struct wcc *wcc, uint64_t work) {
    work = algo_work(work);
    if (!wcc->flattens) {
        if (!join_ends(wcc, &work)) return false;
        wcc->flattens = true;
        wcc->node = 0;
    }
    /* A smaller node is flat already, and a root is smaller. */
    for (; wcc->node < wcc->csr->node_count && work > 0; work--, wcc->node++) {
        uint32_t *component = &wcc->component[wcc->node];
        wcc->components += *component == wcc->node;
        *component = wcc->component[*component];
    }
    return wcc->node == wcc->csr->node_count;
}

void wcc_end(struct wcc *wcc) {
    free(wcc->component);
    *wcc = (struct wcc){0};
}
