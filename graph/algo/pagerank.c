/*
 * pagerank: power iteration. Each round has two halves: every node gives its score in equal parts to its targets
 * (gives), then the sums are scaled, and what dangling nodes gave is spread over all (gathers). Always in the order of
 * nodes and edges, so that sums round the same way everywhere. See algo.h.
 */
#include <math.h>

#include "graph/algo/algo.h"
#include "graph/algo/array.h"

enum { MAX_ITERATIONS = 100 };
#define DAMPING 0.85

enum status pagerank_begin(struct pagerank *pagerank, const struct csr *csr, const struct pagerank_options *options,
                           size_t limit_bytes) {
    size_t left = limit_bytes;
    *pagerank = (struct pagerank){.csr = csr, .options = *options};
    if (pagerank->options.damping == 0) pagerank->options.damping = DAMPING;
    if (pagerank->options.max_iterations == 0) pagerank->options.max_iterations = MAX_ITERATIONS;
    enum status status = array_take((void **)&pagerank->score, csr->node_count, sizeof *pagerank->score, &left);
    if (status == STATUS_OK)
        status = array_take((void **)&pagerank->next, csr->node_count, sizeof *pagerank->next, &left);
    if (status != STATUS_OK) return status;
    for (uint32_t node = 0; node < csr->node_count; node++) pagerank->score[node] = 1.0 / csr->node_count;
    return STATUS_OK;
}

/* True when every node has given. */
static bool give(struct pagerank *pagerank, uint64_t *work) {
    const struct csr *csr = pagerank->csr;
    for (; pagerank->node<csr->node_count && * work> 0; --*work) {
        const uint64_t end = csr->offsets[pagerank->node + 1], degree = csr_degree(csr, pagerank->node);
        if (degree == 0) pagerank->dangling += pagerank->score[pagerank->node];
        const double part = degree ? pagerank->score[pagerank->node] / (double)degree : 0;
        for (; pagerank->edge<end && * work> 1; --*work) pagerank->next[csr->targets[pagerank->edge++]] += part;
        if (pagerank->edge == end) pagerank->node++;
    }
    return pagerank->node == csr->node_count;
}

/* True when every node has its new score. */
static bool gather(struct pagerank *pagerank, uint64_t *work) {
    const double nodes = pagerank->csr->node_count, damping = pagerank->options.damping;
    const double base = (1 - damping) / nodes + damping * pagerank->dangling / nodes;
    for (; pagerank->node<pagerank->csr->node_count && * work> 0; --*work, pagerank->node++) {
        double *score = &pagerank->score[pagerank->node], *next = &pagerank->next[pagerank->node];
        const double fresh = base + damping * *next;
        pagerank->change += fabs(fresh - *score);
        *score = fresh;
        *next = 0;
    }
    return pagerank->node == pagerank->csr->node_count;
}

/* True when it was the last one. */
static bool end_round(struct pagerank *pagerank) {
    pagerank->iterations++;
    return pagerank->iterations >= pagerank->options.max_iterations ||
           (pagerank->options.tolerance > 0 && pagerank->change <= pagerank->options.tolerance);
}

static void begin_round(struct pagerank *pagerank) {
    pagerank->dangling = pagerank->change = 0;
    pagerank->edge = 0;
}

bool pagerank_step(struct pagerank *pagerank, uint64_t work) {
    if (pagerank->csr->node_count == 0) return true;
    work = algo_work(work);
    while (work > 0) {
        const bool half = pagerank->gathers ? gather(pagerank, &work) : give(pagerank, &work);
        if (!half) return false;
        pagerank->node = 0;
        const bool round = pagerank->gathers;
        pagerank->gathers = !round;
        if (round && end_round(pagerank)) return true;
        if (round) begin_round(pagerank);
    }
    return false;
}

void pagerank_end(struct pagerank *pagerank) {
    free(pagerank->score);
    free(pagerank->next);
    *pagerank = (struct pagerank){0};
}
