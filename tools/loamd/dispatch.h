/* dispatch: from parsed arguments to a running call. */
#ifndef TOOLS_LOAMD_DISPATCH_H
#define TOOLS_LOAMD_DISPATCH_H

#include "tools/loamd/connection.h"

/* Starts the command in connection->parser. False: it must wait until calls in flight have ended (nothing has
 * happened). */
bool dispatch_command(struct connection *connection);

/* Answers an error behind the calls in flight; text with its code. */
void dispatch_error(struct connection *connection, struct slice text);

/* The client has gone: ends the call, now or when what it waits for has ended. */
void dispatch_abandon(struct call *call);

/* The client sends no more: what was asked for is still answered, but for calls that take long; those end. */
void dispatch_input_ended(struct connection *connection);

/* Frees calls kept for reuse. */
void dispatch_deinit(struct server *server);

#endif
