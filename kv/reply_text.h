/* reply_text: error texts that more than one file answers with; byte for byte those of Redis 7.0. */
#ifndef KV_REPLY_TEXT_H
#define KV_REPLY_TEXT_H

#define KV_TEXT_WRONG_TYPE "WRONGTYPE Operation against a key holding the wrong kind of value"
#define KV_TEXT_NOT_INTEGER "ERR value is not an integer or out of range"
#define KV_TEXT_NOT_FLOAT "ERR value is not a valid float"
#define KV_TEXT_OVERFLOW "ERR increment or decrement would overflow"
#define KV_TEXT_NOT_FINITE "ERR increment would produce NaN or Infinity"
#define KV_TEXT_TOO_LONG "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
#define KV_TEXT_NO_KEY "ERR no such key"
#define KV_TEXT_INVALID_EXPIRE "ERR invalid expire time in '%s' command"
#define KV_TEXT_KEY_TOO_LONG "ERR key is larger than the limit of %d bytes"

#endif
