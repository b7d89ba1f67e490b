/*
 * lsm_layout_format: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and
 * the tools are made from them.
 */
#ifndef ENGINE_LSM_LSM_LAYOUT_FORMAT_H
#define ENGINE_LSM_LSM_LAYOUT_FORMAT_H

#include "engine/base/layout.h"

extern const struct layout superblock_slot_layout;
extern const struct layout manifest_header_layout;
extern const struct layout manifest_sector_layout;
extern const struct layout edit_layout;
extern const struct layout edit_field_layout;
extern const struct layout edit_body_layout; /* cases: by the field's number */
extern const struct layout edit_attribute_layout;
extern const struct layout edit_attribute_value_layout; /* cases: by the attribute's number */
extern const struct layout batch_operation_layout;
extern const struct layout batch_body_layout; /* cases: by the kind of the operation */
extern const struct layout batch_record_layout;
extern const struct layout batch_compact_record_layout;

#endif
