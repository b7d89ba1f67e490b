/*
 * message_layout_format: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h), from which
 * the page is made. Core messages have fields by kind, in a table of their own (message_codec.c).
 */
#ifndef RAFT_MESSAGE_MESSAGE_LAYOUT_FORMAT_H
#define RAFT_MESSAGE_MESSAGE_LAYOUT_FORMAT_H

#include "engine/base/layout.h"

extern const struct layout frame_layout;
extern const struct layout handshake_layout;      /* cases: by the frame's type */
extern const struct layout driver_message_layout; /* cases: by the message's first byte */
extern const struct layout snapshot_head_layout;
extern const struct layout snapshot_file_layout;

#endif
