/* info_text: what a server's INFO says, line by line: "name:value", and values "a=1,b=2". Pure; results are borrowed.
 */
#ifndef TOOLS_LOAM_INFO_TEXT_H
#define TOOLS_LOAM_INFO_TEXT_H

#include "engine/base/slice.h"

/* The value of the first "name:value"; empty if absent. */
struct slice info_field(struct slice info, const char *name);
/* The same from a section's head on ("# Limits"), for names that two of them have; empty if there is no such. */
struct slice info_section(struct slice info, const char *head);
/* A value's part: "12" of "match" in "address=..,match=12,.."; empty if absent. */
struct slice info_part(struct slice value, const char *name);

/* 0 where it is no number, or below it. */
uint64_t info_number(struct slice value);
/* As much as there is room for, terminated. */
void info_copy(struct slice value, char *to, size_t room);

#endif
