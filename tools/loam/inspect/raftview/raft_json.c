/* raft_json: see raft_json.h. */
#include "tools/loam/inspect/raftview/raft_json.h"

#include <inttypes.h>

static const char *verdict_word(enum raft_view_verdict verdict) {
    return verdict == RAFT_VIEW_CORRUPT ? "corrupt" : verdict == RAFT_VIEW_TORN ? "torn" : "clean";
}

static void put_bool(struct raft_out *out, const char *name, bool value) {
    raft_out(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void put_number(struct raft_out *out, const char *name, uint64_t value) {
    raft_out(out, ",\"%s\":%" PRIu64, name, value);
}

static void put_ids(struct raft_out *out, const char *name, const uint64_t *ids, unsigned count) {
    raft_out(out, "\"%s\":[", name);
    for (unsigned i = 0; i < count; i++) raft_out(out, "%s%" PRIu64, i ? "," : "", ids[i]);
    raft_out(out, "]");
}

static void put_configuration(struct raft_out *out, const struct raft_configuration *configuration) {
    raft_out(out, "{");
    put_ids(out, "voters", configuration->voters, configuration->voter_count);
    raft_out(out, ",");
    put_ids(out, "outgoing", configuration->outgoing, configuration->outgoing_count);
    raft_out(out, ",");
    put_ids(out, "learners", configuration->learners, configuration->learner_count);
    raft_out(out, ",");
    put_ids(out, "learners_next", configuration->learners_next, configuration->learner_next_count);
    raft_out(out, "}");
}

/* ---- A node ------------------------------------------------------------------------------------------------------ */

static void put_slots(struct raft_out *out, const struct raft_view *view) {
    raft_out(out, ",\"slots\":[");
    for (unsigned i = 0; view->superblock_status == STATUS_OK && i < 2; i++) {
        const struct raft_survey_slot *slot = &view->superblock.slots[i];
        raft_out(out, "%s{\"slot\":%u,\"state\":\"%s\"", i ? "," : "", i,
                 slot->status == STATUS_OK          ? "sound"
                 : slot->status == STATUS_NOT_FOUND ? "empty"
                                                    : "damaged");
        if (slot->status == STATUS_OK) {
            put_number(out, "generation", slot->generation);
            put_number(out, "term", slot->term);
            put_number(out, "vote", slot->vote);
        }
        put_bool(out, "counts", view->superblock.counts == (int)i);
        raft_out(out, "}");
    }
    raft_out(out, "]");
}

static void put_problems(struct raft_out *out, const struct raft_view *view) {
    raft_out(out, ",\"problems\":[");
    for (size_t i = 0; i < raft_view_problems_kept(view); i++) {
        const struct raft_view_problem *problem = &view->problems[i];
        raft_out(out, "%s{\"verdict\":\"%s\",\"file\":", i ? "," : "", verdict_word(problem->verdict));
        raft_out_json(out, raft_view_short(view, problem->path));
        put_number(out, "from", problem->from);
        put_number(out, "to", problem->to);
        put_number(out, "lost_from", problem->lost_from);
        put_number(out, "lost_to", problem->lost_to);
        raft_out(out, ",\"text\":");
        raft_out_json(out, problem->text);
        raft_out(out, "}");
    }
    raft_out(out, "]");
}

static void put_segments(struct raft_out *out, const struct raft_view *view) {
    static const char *const states[] = {"fits", "bad header", "of another log", "renamed", "cut short"};
    raft_out(out, ",\"segments\":[");
    for (size_t i = 0; i < view->segment_count; i++) {
        const struct raft_view_segment *segment = &view->segments[i];
        raft_out(out, "%s{\"segment\":%" PRIu32 ",\"state\":\"%s\"", i ? "," : "", segment->number,
                 states[segment->fit]);
        put_number(out, "bytes", segment->bytes);
        put_number(out, "entries", segment->entries);
        put_number(out, "first", segment->first);
        put_number(out, "last", segment->last);
        raft_out(out, "}");
    }
    raft_out(out, "]");
}

static void put_configurations(struct raft_out *out, const struct raft_view *view) {
    raft_out(out, ",\"configurations\":[");
    for (size_t i = 0; i < view->configuration_count; i++) {
        const struct raft_view_configuration *configuration = &view->configurations[i];
        raft_out(out, "%s{\"index\":%" PRIu64 ",\"term\":%" PRIu64 ",\"members\":", i ? "," : "", configuration->index,
                 configuration->term);
        put_configuration(out, &configuration->configuration);
        raft_out(out, "}");
    }
    raft_out(out, "]");
}

/* Entries of one term, kind and segment, without a gap. */
static size_t run_end(const struct raft_view *view, size_t begin) {
    const struct raft_view_entry *first = &view->entries[begin];
    size_t end = begin + 1;
    for (; end < view->entry_count && end - begin < RAFT_JSON_SIZES_MAX; end++) {
        const struct raft_view_entry *entry = &view->entries[end];
        if (entry->term != first->term || entry->kind != first->kind || entry->lsn >> 32 != first->lsn >> 32 ||
            entry->index != entry[-1].index + 1)
            break;
    }
    return end;
}

static void put_run(struct raft_out *out, const struct raft_view *view, size_t begin, size_t end) {
    const struct raft_view_entry *first = &view->entries[begin];
    uint64_t bytes = 0;
    for (size_t i = begin; i < end; i++) bytes += view->entries[i].size;
    raft_out(out,
             "{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"term\":%" PRIu64 ",\"kind\":\"%s\",\"segment\":%" PRIu64
             ",\"offset\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"sizes\":[",
             first->index, view->entries[end - 1].index, first->term, raft_view_kind_name(first->kind),
             first->lsn >> 32, first->lsn & UINT32_MAX, bytes);
    for (size_t i = begin; i < end; i++) raft_out(out, "%s%" PRIu32, i > begin ? "," : "", view->entries[i].size);
    raft_out(out, "]}");
}

/* Of many entries the newest RAFT_JSON_RUNS_MAX runs, and RAFT_JSON_SIZES_MAX * 16 entries. */
static void put_runs(struct raft_out *out, const struct raft_view *view) {
    const size_t most = (size_t)RAFT_JSON_SIZES_MAX * 16;
    size_t begin = view->entry_count > most ? view->entry_count - most : 0, runs = 0, told = 0;
    for (size_t at = begin; at < view->entry_count; at = run_end(view, at)) runs++;
    for (; runs > RAFT_JSON_RUNS_MAX; runs--) begin = run_end(view, begin);
    put_number(out, "left_out", view->left_out + begin);
    raft_out(out, ",\"runs\":[");
    for (size_t at = begin; at < view->entry_count;) {
        const size_t end = run_end(view, at);
        if (told++) raft_out(out, ",");
        put_run(out, view, at, end);
        at = end;
    }
    raft_out(out, "]");
}

static void put_log(struct raft_out *out, const struct raft_view *view) {
    raft_out(out, ",\"log\":{\"file\":");
    raft_out_json(out, raft_view_short(view, view->log_path));
    put_bool(out, "there", view->has_log);
    put_number(out, "first", view->entry_count ? view->entries[0].index : 0);
    put_number(out, "last", view->entry_count ? raft_view_last(view) : 0);
    put_number(out, "entries", view->entry_count + view->left_out);
    put_number(out, "last_term", raft_view_last_term(view));
    put_number(out, "commit_note", view->commit_note);
    put_number(out, "cuts", view->cuts);
    put_number(out, "cut_entries", view->cut_entries);
    put_runs(out, view);
    raft_out(out, "}");
}

static void put_node(struct raft_out *out, const struct raft_view *view, const struct raft_standing *standing) {
    raft_out(out, "{\"directory\":");
    raft_out_json(out, view->dir);
    raft_out(out, ",\"name\":");
    raft_out_json(out, raft_view_name(view));
    raft_out(out, ",\"verdict\":\"%s\"", verdict_word(view->verdict));
    put_number(out, "node", view->node_id);
    if (view->slot)
        raft_out(out, ",\"cluster\":\"%016" PRIx64 "\",\"incarnation\":\"%016" PRIx64 "\"",
                 view->slot->identity.cluster_id, view->slot->identity.incarnation);
    put_bool(out, "witness", view->slot && view->slot->is_witness);
    put_number(out, "term", view->slot ? view->slot->term : 0);
    put_number(out, "vote", view->slot ? view->slot->vote : 0);
    put_number(out, "doubt_term", view->slot ? view->slot->doubt_term : 0);
    put_slots(out, view);
    raft_out(out, ",\"store\":{\"file\":");
    raft_out_json(out, raft_view_short(view, view->store_path));
    put_bool(out, "there", view->has_store);
    put_number(out, "index", view->store.index);
    put_number(out, "term", view->store.term);
    raft_out(out, ",\"members\":");
    if (view->store.has_configuration)
        put_configuration(out, &view->store.configuration);
    else
        raft_out(out, "null");
    raft_out(out, "}");
    put_number(out, "commit", view->commit);
    put_log(out, view);
    put_segments(out, view);
    put_configurations(out, view);
    put_number(out, "agrees_to", standing->agrees_to);
    put_number(out, "behind", standing->behind);
    put_number(out, "parts_at", standing->parts_at);
    put_number(out, "lost", standing->lost);
    put_bool(out, "voter", standing->is_voter);
    put_bool(out, "can_lead", standing->can_lead);
    put_problems(out, view);
    raft_out(out, "}");
}

/* ---- Side by side ------------------------------------------------------------------------------------------------ */

static void put_holders(struct raft_out *out, const struct raft_compare *compare, unsigned holders) {
    const char *comma = "";
    raft_out(out, "[");
    for (size_t i = 0; i < compare->count; i++) {
        if (!(holders >> i & 1)) continue;
        raft_out(out, "%s%zu", comma, i);
        comma = ",";
    }
    raft_out(out, "]");
}

static void put_span(struct raft_out *out, const struct raft_compare *compare, const struct raft_span *span) {
    static const char *const states[] = {"absent", "held", "store", "lost", "unknown"};
    raft_out(out, "{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"at\":[", span->first, span->last);
    for (size_t i = 0; i < compare->count; i++) raft_out(out, "%s\"%s\"", i ? "," : "", states[span->at[i]]);
    raft_out(out, "],\"branches\":[");
    for (unsigned b = 0; b < span->branch_count; b++) {
        const struct raft_branch *branch = &span->branches[b];
        raft_out(out, "%s{\"first_term\":%" PRIu64 ",\"last_term\":%" PRIu64 ",\"holders\":", b ? "," : "",
                 branch->first_term, branch->last_term);
        put_holders(out, compare, branch->holders);
        put_bool(out, "on_quorum", branch->on_quorum);
        raft_out(out, ",\"fate\":\"%s\"}", raft_fate_name(branch->fate));
    }
    raft_out(out, "]}");
}

static void put_compare(struct raft_out *out, const struct raft_compare *compare) {
    raft_out(out, ",\"comparison\":{\"best\":%zu", compare->best);
    put_number(out, "commit", compare->commit);
    put_number(out, "parts_at", compare->parts_at);
    put_number(out, "members_index", compare->configuration_index);
    raft_out(out, ",\"members\":");
    put_configuration(out, &compare->configuration);
    put_number(out, "missing_voters", compare->missing_voters);
    put_number(out, "spans_left_out", compare->span_count - raft_compare_spans_kept(compare));
    raft_out(out, ",\"spans\":[");
    for (size_t i = 0; i < raft_compare_spans_kept(compare); i++) {
        if (i) raft_out(out, ",");
        put_span(out, compare, &compare->spans[i]);
    }
    raft_out(out, "],\"problems\":[");
    for (size_t i = 0; i < compare->problem_count && i < RAFT_COMPARE_PROBLEMS_MAX; i++) {
        if (i) raft_out(out, ",");
        raft_out_json(out, compare->problems[i]);
    }
    raft_out(out, "]}");
}

void raft_json_directories(struct raft_out *out, const struct raft_compare *compare) {
    enum raft_view_verdict verdict = compare->problem_count ? RAFT_VIEW_CORRUPT : RAFT_VIEW_CLEAN;
    for (size_t i = 0; i < compare->count; i++)
        if (compare->views[i]->verdict == RAFT_VIEW_CORRUPT || verdict == RAFT_VIEW_CLEAN)
            verdict = compare->views[i]->verdict;
    raft_out(out, "{\"raft\":\"directories\",\"verdict\":\"%s\",\"nodes\":[", verdict_word(verdict));
    for (size_t i = 0; i < compare->count; i++) {
        if (i) raft_out(out, ",");
        put_node(out, compare->views[i], &compare->standings[i]);
    }
    raft_out(out, "]");
    put_compare(out, compare);
    raft_out(out, "}");
}
