/* apply: what the files that apply operations share. One struct per entry; everything in it is borrowed for the call.
 */
#ifndef KV_APPLY_H
#define KV_APPLY_H

#include "kv/kv.h"

struct apply {
    struct names_edit *edit;
    const struct names_view *view;
    struct kv_op_reader reader;
    struct buf *reply;
    struct buf *scratch; /* kv's; holds one value under construction */
};

/* Each turns one kind of operation into edits and a reply; table in apply.c. Statuses as kv_apply. */
enum status apply_set(struct apply *apply);
enum status apply_mset(struct apply *apply);
enum status apply_append(struct apply *apply);
enum status apply_setrange(struct apply *apply);
enum status apply_increment(struct apply *apply);
enum status apply_increment_float(struct apply *apply);
enum status apply_getdel(struct apply *apply);
enum status apply_getex(struct apply *apply);
enum status apply_delete(struct apply *apply);
enum status apply_expire(struct apply *apply);
enum status apply_persist(struct apply *apply);
enum status apply_rename(struct apply *apply);
enum status apply_copy(struct apply *apply);
enum status apply_clear(struct apply *apply);
enum status apply_reap(struct apply *apply);

/* Gets the name as a string: OK, NOT_FOUND, or WRONG_TYPE. */
MUST_CHECK enum status apply_get_string(struct apply *apply, struct slice key, struct name_row *row);

/*
 * The log time at which a relative or absolute expiry falls. INVALID: it is over what 64 bits hold. A result at or
 * before the entry's log time means: gone at once.
 */
MUST_CHECK enum status apply_expiry(const struct apply *apply, int64_t number, int64_t *expire_ms);

/* Puts the row; gone at once if its expiry is due. */
MUST_CHECK enum status apply_put(struct apply *apply, struct slice key, const struct name_row *row);

#endif
