/*
 * models: sequential objects for the checker. Results are as clients see them; a pending operation may have any.
 */
#ifndef TOOLS_JUDGE_MODELS_H
#define TOOLS_JUDGE_MODELS_H

#include "tools/judge/linearize.h"

/* A text, "" at first. get -> text; put v; append v. The answer of put and append is not looked at. */
extern const struct linearize_model model_text;
enum { MODEL_TEXT_GET, MODEL_TEXT_PUT, MODEL_TEXT_APPEND };

/* A register, nil at first. read -> nil or value; write v; cas old new -> "ok" or "fail". The answer of write is not
 * looked at. */
extern const struct linearize_model model_register;
enum { MODEL_REGISTER_READ, MODEL_REGISTER_WRITE, MODEL_REGISTER_CAS };

/*
 * A Redis string without expiry, absent at first. Integer replies as decimal text, +OK as "OK", errors as
 * HISTORY_ERROR: INCRBY of a value that is no integer or would overflow, and no other.
 */
extern const struct linearize_model model_redis_string;
enum {
    MODEL_REDIS_GET,    /* -> nil or value */
    MODEL_REDIS_SET,    /* v -> OK */
    MODEL_REDIS_SETNX,  /* v -> 0 or 1 */
    MODEL_REDIS_GETSET, /* v -> nil or old value */
    MODEL_REDIS_GETDEL, /* -> nil or old value */
    MODEL_REDIS_DEL,    /* -> 0 or 1 */
    MODEL_REDIS_EXISTS, /* -> 0 or 1 */
    MODEL_REDIS_STRLEN, /* -> bytes */
    MODEL_REDIS_APPEND, /* v -> bytes after it */
    MODEL_REDIS_INCRBY, /* decimal number -> value after it, or an error */
};

#endif
