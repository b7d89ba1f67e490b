/* describe: see raft/describe.h. The decoders of the formats have the last word on what is sound. */
#include "raft/describe.h"

#include "engine/names.h"
#include "raft/log/envelope.h"
#include "raft/log/log_layout_format.h"
#include "raft/log/raft_log.h"
#include "raft/log/system_row.h"

/* ---- Configurations ---------------------------------------------------------------------------------------------- */

static void describe_configuration(struct fields *fields) {
    struct raft_configuration configuration;
    fields_judge(fields, raft_configuration_decode(fields_left(fields), &configuration));
    (void)layout_tell(layout_row(&configuration_layout, "version"), fields);
    (void)layout_tell(layout_row(&configuration_layout, "flags"), fields);
    for (const struct layout_row *set = layout_row(&configuration_layout, "voters"); set->name; set += 2) {
        const uint64_t count = layout_tell(&set[0], fields);
        for (uint64_t i = 0; i < count && !fields->decoder.failed; i++) (void)fields_u64(fields, set[1].name);
    }
}

/* ---- Rows of the system tree ------------------------------------------------------------------------------------- */

static void system_key(struct fields *fields) {
    const struct slice key = fields_left(fields);
    const struct layout_case *known = key.size ? layout_find_case(&system_key_body_layout, key.data[0]) : NULL;
    if (!known || key.size != 1 + (known->rows ? layout_size(known->rows) : 0)) {
        fields_fault(fields, "not a key of the system tree");
        return;
    }
    (void)layout_describe(system_key_layout.rows, fields, NULL);
    if (known->rows) (void)layout_describe(known->rows, fields, NULL);
}

static enum status decode_value(uint8_t tag, struct slice value) {
    uint64_t node = 0;
    struct reply_row reply;
    struct raft_member member;
    switch (tag) {
    case SYSTEM_ROW_SESSION: return session_row_decode(value, &node);
    case SYSTEM_ROW_REPLY: return reply_row_decode(value, &reply);
    case SYSTEM_ROW_MEMBER: return system_member_decode(value, &member);
    default: return STATUS_OK;
    }
}

static void system_value(struct fields *fields, struct slice key, enum row_form form) {
    if (form != ROW_VALUE) fields_fault(fields, "rows of the system tree are written whole");
    const uint8_t tag = key.size ? key.data[0] : 0;
    const struct layout_case *known = layout_find_case(&system_row_layout, tag);
    if (!known) return; /* the key has said so */
    if (tag == SYSTEM_ROW_CONFIGURATION) {
        describe_configuration(fields);
        return;
    }
    fields_judge(fields, decode_value(tag, fields_left(fields)));
    (void)layout_describe(known->rows, fields, NULL);
}

const struct row_describer raft_describers[] = {{KIND_SYSTEM, "raft.system", system_key, system_value}};
const size_t raft_describer_count = sizeof raft_describers / sizeof raft_describers[0];

/* ---- Records of the log ------------------------------------------------------------------------------------------ */

static void describe_own(struct fields *fields) {
    struct own_operation own;
    fields_judge(fields, own_decode(fields_left(fields), &own));
    const uint8_t kind = (uint8_t)layout_tell(own_layout.rows, fields);
    const struct layout_case *known = layout_find_case(&own_body_layout, kind);
    if (kind == OWN_MEMBER) (void)layout_describe(member_layout.rows, fields, NULL);
    if (known && known->rows) (void)layout_describe(known->rows, fields, NULL);
}

static void describe_inside(struct fields *inner, void *context) {
    const struct operation_describer *store = context;
    store->describe(inner);
}

static void describe_operation(struct fields *fields, uint8_t store, const struct operation_describers *stores) {
    if (store == 0) {
        describe_own(fields);
        return;
    }
    for (size_t i = 0; i < stores->count; i++) {
        if (stores->rows[i].store != store) continue;
        struct operation_describer found = stores->rows[i];
        fields_describe(fields, decode_bytes(&fields->decoder, decoder_left(&fields->decoder)), describe_inside,
                        &found);
        return;
    }
    (void)fields_rest(fields, layout_row(&envelope_layout, "operation of a store that is not known")->name);
}

static const char *store_name(uint8_t store, const struct operation_describers *stores) {
    for (size_t i = 0; i < stores->count; i++)
        if (stores->rows[i].store == store) return stores->rows[i].name;
    return store == 0 ? "raft" : "not known";
}

static void describe_command(struct fields *fields, const struct operation_describers *stores) {
    struct envelope envelope;
    struct slice operation;
    uint8_t store = 0;
    fields_judge(fields, envelope_decode(fields_left(fields), &envelope, &store, &operation));
    for (const struct layout_row *row = envelope_layout.rows; row->form != LAYOUT_CODE; row++) {
        if (strcmp(row->name, "store") == 0) {
            store = (uint8_t)layout_read(row, fields);
            fields_tell(fields, row->name, "%u: %s", store, store_name(store, stores));
        } else {
            (void)layout_tell(row, fields);
        }
    }
    if (!fields->decoder.failed) describe_operation(fields, store, stores);
}

void raft_record_describe(struct fields *fields, uint8_t type, const struct operation_describers *stores) {
    struct raft_log_record record;
    fields_judge(fields, raft_log_record_decode(type, fields_left(fields), &record));
    const struct layout_case *known = layout_find_case(&raft_record_layout, type);
    if (!known) return;
    uint64_t values[LAYOUT_ROWS_MAX] = {0};
    (void)layout_describe(known->rows, fields, type == RAFT_LOG_ENTRY ? values : NULL);
    if (type != RAFT_LOG_ENTRY) return;
    const uint64_t kind = values[layout_index(known->rows, "entry")];
    if (kind == RAFT_ENTRY_COMMAND) describe_command(fields, stores);
    if (kind == RAFT_ENTRY_CONFIGURATION) describe_configuration(fields);
    if (kind == RAFT_ENTRY_NOOP && decoder_left(&fields->decoder)) (void)fields_rest(fields, "ignored");
}
