/*
 * client: a blocking RESP client for tools, on a struct io of the tool's own. Commands gather until flushed; replies
 * are read one by one. Every wait ends at the time-out; after a failure the client is of no more use and is closed.
 */
#ifndef TOOLS_LOAM_CLIENT_H
#define TOOLS_LOAM_CLIENT_H

#include "engine/io.h"
#include "tools/resp/resp_reply.h"

struct client;

/* TIMED_OUT, CLOSED (nobody listens), INVALID (not numeric host:port), ... with words that name the address. */
MUST_CHECK enum status client_open(struct io *io, const char *address, uint32_t timeout_ms, struct client **client,
                                   struct error *error);
void client_close(struct client *client); /* NULL is allowed */

/* Queues a command; arguments are copied. */
MUST_CHECK enum status client_queue(struct client *client, const struct slice *args, size_t count);
MUST_CHECK enum status client_queue_words(struct client *client, const char *const *words, size_t count);
MUST_CHECK enum status client_flush(struct client *client, struct error *error);
/* The next reply; borrowed until the next call. An error reply is OK here. Push messages are stepped over. */
MUST_CHECK enum status client_receive(struct client *client, const struct resp_reply **reply, struct error *error);

/* One command and its reply. */
MUST_CHECK enum status client_call(struct client *client, const char *const *words, size_t count,
                                   const struct resp_reply **reply, struct error *error);

/* Says the password; NULL: nothing. DENIED: the server does not take it, or wants none. */
MUST_CHECK enum status client_authenticate(struct client *client, const char *password, struct error *error);

#endif
