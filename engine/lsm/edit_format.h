/* edit_format: the numbers in an edit's bytes, for who reads and for who describes them (FORMAT.md, "edit"). */
#ifndef ENGINE_LSM_EDIT_FORMAT_H
#define ENGINE_LSM_EDIT_FORMAT_H

enum edit_field {
    FIELD_FEATURE = 1,
    FIELD_MARK = 2,
    FIELD_COUNTERS = 3,
    FIELD_KIND = 4,
    FIELD_TREE_CREATED = 5,
    FIELD_TREE_DROPPED = 6,
    FIELD_FILE_ADDED = 7,
    FIELD_FILE_REMOVED = 8,
    FIELD_FILE_EXTENDED = 9, /* FILE_ADDED, and attributes behind it */
    FIELD_VALUE_FILE = 10,
};

/* What only some files have: pairs of tag and string. Every one is required. */
enum edit_attribute { ATTRIBUTE_SEQUENCE = 1, ATTRIBUTE_BUILT_AS = 2, ATTRIBUTE_VALUES = 3, ATTRIBUTE_HIDDEN = 4 };

#endif
