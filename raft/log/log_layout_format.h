/*
 * log_layout_format: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and
 * the tools are made from them.
 */
#ifndef RAFT_LOG_LOG_LAYOUT_FORMAT_H
#define RAFT_LOG_LOG_LAYOUT_FORMAT_H

#include "engine/base/layout.h"

extern const struct layout node_state_layout;
extern const struct layout raft_record_layout; /* cases: by the record's type */
extern const struct layout envelope_layout;
extern const struct layout own_layout;
extern const struct layout own_body_layout; /* cases: by the operation */
extern const struct layout configuration_layout;
extern const struct layout member_layout;
extern const struct layout system_key_layout;
extern const struct layout system_key_body_layout; /* cases: by the tag */
extern const struct layout system_row_layout;      /* cases: by the tag of the key */

#endif
