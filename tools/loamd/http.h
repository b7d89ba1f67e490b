/*
 * http: a page for scrapers, on a thread of the HTTP library's own (the one exception of DESIGN R2). It never touches
 * the server: the loop publishes a text, the thread hands out the last one published.
 */
#ifndef TOOLS_LOAMD_HTTP_H
#define TOOLS_LOAMD_HTTP_H

#include "engine/base/error.h"
#include "engine/base/slice.h"

struct http;

/* Serves GET /metrics on "127.0.0.1:7201". */
MUST_CHECK enum status http_start(const char *address, struct http **http, struct error *error);
void http_stop(struct http *http); /* NULL is allowed */
/* Replaces the page; copies. Loop thread. */
void http_publish(struct http *http, struct slice page);

#endif
