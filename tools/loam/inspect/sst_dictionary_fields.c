/* sst_dictionary_fields: see sst_dictionary_fields.h. Parts: the dictionary format of zstd (RFC 8878, section 5). */
#include "tools/loam/inspect/sst_dictionary_fields.h"

#include <inttypes.h>

#include "engine/sst/sst_layout_format.h"
#include "tools/loam/inspect/report_rows.h"

enum { TEXT_BYTES = 200, CONTENT_SHOWN = 40 };

void sst_dictionary_fields(struct report *report, const struct sst_unit *unit, bool sound) {
    struct dictionary_parts parts;
    char text[TEXT_BYTES];
    if (!sound || unit->codec != CODEC_NONE || dictionary_describe(unit->payload, &parts) != STATUS_OK) {
        if (sound) report_problem(report, REPORT_CORRUPT, report->next, "the dictionary is malformed");
        report_field(report, unit->payload.size, "payload", "of a dictionary, not read");
        return;
    }
    const struct slice content = slice_from(unit->payload, unit->payload.size - parts.content_bytes);
    report_text(text, sizeof text, content, CONTENT_SHOWN);
    report_rows(report, sst_dictionary_layout.rows);
    report_plain(report, parts.tables_bytes, "entropy tables");
    report_field(report, parts.content_bytes, "content", "\"%s\"", text);
    report_fact(report, "dictionary read", "number %" PRIu32 ", %zu bytes, %zu of them content", parts.number,
                unit->payload.size, parts.content_bytes);
}
