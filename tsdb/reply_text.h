/* reply_text: error texts, byte for byte those of RedisTimeSeries where it has the case. */
#ifndef TSDB_REPLY_TEXT_H
#define TSDB_REPLY_TEXT_H

#define TSDB_TEXT_WRONG_TYPE "WRONGTYPE Operation against a key holding the wrong kind of value"
#define TSDB_TEXT_NOT_SERIES "ERR TSDB: the key is not a TSDB key"
#define TSDB_TEXT_NO_KEY "ERR TSDB: the key does not exist"
#define TSDB_TEXT_KEY_EXISTS "ERR TSDB: key already exists"
#define TSDB_TEXT_BAD_VALUE "ERR TSDB: invalid value"
#define TSDB_TEXT_BAD_TIME "ERR TSDB: invalid timestamp"
#define TSDB_TEXT_NEGATIVE_TIME "ERR TSDB: invalid timestamp, must be a nonnegative integer"
#define TSDB_TEXT_TOO_OLD "ERR TSDB: Timestamp is older than retention"
#define TSDB_TEXT_BLOCKED                                                                                              \
    "ERR TSDB: Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK mode"
#define TSDB_TEXT_NO_MATCHER "ERR TSDB: please provide at least one matcher"
/* Limits of this store's own. */
#define TSDB_TEXT_KEY_TOO_LONG "ERR key is larger than the limit of %d bytes"
#define TSDB_TEXT_TOO_MUCH                                                                                             \
    "ERR TSDB: nothing was added: the samples touch too many older chunks at once; send them in smaller commands"
#define TSDB_TEXT_REPLY_TOO_LARGE                                                                                      \
    "ERR TSDB: the answer is larger than the limit of %d bytes; narrow the range, or use COUNT or AGGREGATION"
#define TSDB_TEXT_QUERY_TOO_LARGE                                                                                      \
    "ERR TSDB: the filter matches more series than a query may hold in %d bytes; use a narrower filter"

#endif
