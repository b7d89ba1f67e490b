/*
 * top_view: samples of all nodes become lines of text, each of one look, as wide and as many as the screen has. Pure.
 */
#ifndef TOOLS_LOAM_TOP_TOP_VIEW_H
#define TOOLS_LOAM_TOP_TOP_VIEW_H

#include "engine/base/buf.h"
#include "tools/loam/top/top_sample.h"

enum { TOP_NODES_MAX = TOP_PEERS_MAX, TOP_HISTORY = 120, TOP_LINES_MAX = 120, TOP_LINE_BYTES = 512 };

struct top_node {
    char address[IO_ADDRESS_BYTES];
    struct top_sample before, now;
    double rates[TOP_HISTORY]; /* commands a second, newest last */
    unsigned rate_count;
};

struct top {
    struct top_node nodes[TOP_NODES_MAX];
    size_t node_count;
    uint32_t interval_ms;
    bool is_paused;
    bool has_utf8;  /* the terminal shows block characters */
    char clock[16]; /* "12:30:01" */
};

enum top_look { TOP_PLAIN, TOP_TITLE, TOP_HEAD, TOP_LEADER, TOP_WARN, TOP_BAD };

struct top_line {
    enum top_look look;
    char text[TOP_LINE_BYTES]; /* UTF-8 */
};

struct top_lines {
    struct top_line lines[TOP_LINES_MAX];
    size_t count;
};

/* A sample of the node has come: it is the present one, and its rate joins the history. */
void top_take(struct top_node *node, const struct top_sample *sample);

void top_view_make(const struct top *top, unsigned width, unsigned height, struct top_lines *to);
/* The same as one JSON object: tools/loam/README.md. */
MUST_CHECK enum status top_json_append(struct buf *to, const struct top *top);

/* "1.2k", "35M": at most 5 characters. */
void top_number(char to[8], double value);
/* "12.3 ms", "450 us"; "-" when nothing was timed. */
void top_time(char to[12], double us, uint64_t timed);

#endif
