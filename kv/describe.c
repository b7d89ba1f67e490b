/* describe: see describe.h. kv_op_decode has the last word. */
#include "kv/describe.h"

#include "kv/kv.h"
#include "kv/kv_layout.h"

void kv_operation_describe(struct fields *fields) {
    struct kv_op_reader reader;
    const enum status status = kv_op_decode(fields_left(fields), &reader);
    const struct layout_row *row = kv_operation_layout.rows;
    const struct layout_row *last =
        layout_row(&kv_operation_layout, status == STATUS_UNSUPPORTED ? "operation" : "arguments");
    fields_judge(fields, status);
    for (; row < last; row++) (void)layout_tell(row, fields);
    const uint64_t count = layout_tell(last, fields);
    if (status == STATUS_UNSUPPORTED) return;
    for (uint64_t i = 0; i < count && !fields->decoder.failed; i++) (void)fields_string(fields, last[1].name);
}
