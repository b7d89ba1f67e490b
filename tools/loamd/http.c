/* http: libmicrohttpd around one published page. */
#include "tools/loamd/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/sync.h"

enum { CONNECTIONS_MAX = 32, TIMEOUT_S = 10 };

struct http {
    struct MHD_Daemon *daemon;
    struct mutex mutex; /* page */
    struct buf page;
};

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned code, const void *text, size_t size) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request) {
    struct http *http = context;
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)request;
    static const char not_found[] = "not here: GET /metrics\n", not_allowed[] = "only GET\n";
    if (strcmp(method, "GET") != 0)
        return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, not_allowed, sizeof not_allowed - 1);
    if (strcmp(url, "/metrics") != 0) return send_text(connection, MHD_HTTP_NOT_FOUND, not_found, sizeof not_found - 1);
    mutex_lock(&http->mutex);
    enum MHD_Result result = send_text(connection, MHD_HTTP_OK, http->page.data, http->page.size);
    mutex_unlock(&http->mutex);
    return result;
}

/* "a.b.c.d:port" as the library wants it. */
static bool parse_address(const char *address, struct sockaddr_in *to) {
    char host[64];
    const char *colon = strrchr(address, ':');
    if (!colon || (size_t)(colon - address) >= sizeof host) return false;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    char *end = NULL;
    long port = strtol(colon + 1, &end, 10);
    if (*end || end == colon + 1 || port < 0 || port > 65535) return false;
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, host, &to->sin_addr) == 1;
}

enum status http_start(const char *address, struct http **http, struct error *error) {
    struct sockaddr_in where;
    if (!parse_address(address, &where))
        return error_set(error, STATUS_INVALID, "--http-listen: '%s' is not IPV4:PORT", address);
    struct http *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "out of memory");
    mutex_init(&made->mutex);
    sigset_t before;
    signals_block(&before);
    made->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, made, MHD_OPTION_SOCK_ADDR,
                                    &where, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_END);
    signals_restore(&before);
    if (!made->daemon) {
        mutex_deinit(&made->mutex);
        free(made);
        return error_set(error, STATUS_BUSY, "http: cannot listen on %s (taken?)", address);
    }
    *http = made;
    return STATUS_OK;
}

void http_stop(struct http *http) {
    if (!http) return;
    MHD_stop_daemon(http->daemon);
    mutex_deinit(&http->mutex);
    buf_deinit(&http->page);
    free(http);
}

void http_publish(struct http *http, struct slice page) {
    struct buf fresh = BUF_EMPTY;
    if (buf_assign(&fresh, page)) return; /* no memory: the last page stays, and its up_seconds stands still */
    mutex_lock(&http->mutex);
    struct buf last = http->page;
    http->page = fresh;
    mutex_unlock(&http->mutex);
    buf_deinit(&last);
}
