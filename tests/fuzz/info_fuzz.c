/*
 * info_fuzz: any text as what a server's INFO answers, for those who show it: fields lie within the text, and what is
 * printed of it as JSON is JSON.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "tests/harness/json_check.h"
#include "tools/loam/info_text.h"
#include "tools/loam/inspect/raftview/raft_live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct slice part, struct slice whole) {
    return part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void check_fields(struct slice info) {
    static const char *const names[] = {"role", "term", "raft_peer0", "", "raft_log_bytes", "a:b"};
    char text[8];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct slice value = info_field(info, names[i]);
        check(lies_within(value, info));
        check(memchr(value.size ? value.data : (const uint8_t *)"", '\n', value.size) == NULL);
        const struct slice part = info_part(value, "match");
        check(lies_within(part, value));
        (void)info_number(part);
        info_copy(value, text, sizeof text);
        check(strlen(text) < sizeof text && strlen(text) <= value.size);
    }
    const struct slice section = info_section(info, "# Limits");
    check(lies_within(section, info));
}

static void check_live(struct slice info) {
    struct raft_live live = {.id = 0};
    struct out text = {.status = STATUS_OK}, json = {.status = STATUS_OK};
    if (!raft_live_parse(&live, info)) return;
    check(live.peer_count <= RAFT_MEMBERS_MAX);
    const struct raft_live_wait wait = raft_live_wait(&live);
    check(wait.count <= RAFT_MEMBERS_MAX);
    raft_live_print(&text, &live);
    raft_live_json(&json, &live);
    check(text.status == STATUS_OK && json.status == STATUS_OK && json_is_valid(buf_slice(&json.text)));
    buf_deinit(&text.text);
    buf_deinit(&json.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1); /* exact, so that a sanitizer sees reads past the end */
    check(copy != NULL);
    if (size) memcpy(copy, data, size);
    check_fields(slice_make(copy, size));
    check_live(slice_make(copy, size));
    free(copy);
    return 0;
}
