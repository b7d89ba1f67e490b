/* raft_json: see raft_json.h. */
#include "tools/loam/inspect/raftview/raft_json.h"

#include <inttypes.h>

static const char *verdict_word(enum raft_view_verdict verdict) {
    return verdict == RAFT_VIEW_CORRUPT ? "corrupt" : verdict == RAFT_VIEW_TORN ? "torn" : "clean";
}

static void put_bool(struct out *out, const char *name, bool value) {
    out_print(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void put_number(struct out *out, const char *name, uint64_t value) {
    out_print(out, ",\"%s\":%" PRIu64, name, value);
}

static void put_ids(struct out *out, const char *name, const uint64_t *ids, unsigned count) {
    out_print(out, "\"%s\":[", name);
    for (unsigned i = 0; i < count; i++) out_print(out, "%s%" PRIu64, i ? "," : "", ids[i]);
    out_print(out, "]");
}

static void put_configuration(struct out *out, const struct raft_configuration *configuration) {
    out_print(out, "{");
    put_ids(out, "voters", configuration->voters, configuration->voter_count);
    out_print(out, ",");
    put_ids(out, "outgoing", configuration->outgoing, configuration->outgoing_count);
    out_print(out, ",");
    put_ids(out, "learners", configuration->learners, configuration->learner_count);
    out_print(out, ",");
    put_ids(out, "learners_next", configuration->learners_next, configuration->learner_next_count);
    out_print(out, "}");
}

/* ---- A node ------------------------------------------------------------------------------------------------------ */

static void put_slots(struct out *out, const struct raft_view *view) {
    out_print(out, ",\"slots\":[");
    for (unsigned i = 0; view->superblock_status == STATUS_OK && i < 2; i++) {
        const struct raft_survey_slot *slot = &view->superblock.slots[i];
        out_print(out, "%s{\"slot\":%u,\"state\":\"%s\"", i ? "," : "", i,
                  slot->status == STATUS_OK          ? "sound"
                  : slot->status == STATUS_NOT_FOUND ? "empty"
                                                     : "damaged");
        if (slot->status == STATUS_OK) {
            put_number(out, "generation", slot->generation);
            put_number(out, "term", slot->term);
            put_number(out, "vote", slot->vote);
        }
        put_bool(out, "counts", view->superblock.counts == (int)i);
        out_print(out, "}");
    }
    out_print(out, "]");
}

static void put_problems(struct out *out, const struct raft_view *view) {
    out_print(out, ",\"problems\":[");
    for (size_t i = 0; i < raft_view_problems_kept(view); i++) {
        const struct raft_view_problem *problem = &view->problems[i];
        out_print(out, "%s{\"verdict\":\"%s\",\"file\":", i ? "," : "", verdict_word(problem->verdict));
        out_json(out, raft_view_short(view, problem->path));
        put_number(out, "from", problem->from);
        put_number(out, "to", problem->to);
        put_number(out, "lost_from", problem->lost_from);
        put_number(out, "lost_to", problem->lost_to);
        out_print(out, ",\"text\":");
        out_json(out, problem->text);
        out_print(out, "}");
    }
    out_print(out, "]");
}

static void put_segments(struct out *out, const struct raft_view *view) {
    static const char *const states[] = {"fits", "bad header", "of another log", "renamed", "cut short"};
    out_print(out, ",\"segments\":[");
    for (size_t i = 0; i < view->segment_count; i++) {
        const struct raft_view_segment *segment = &view->segments[i];
        out_print(out, "%s{\"segment\":%" PRIu32 ",\"state\":\"%s\"", i ? "," : "", segment->number,
                  states[segment->fit]);
        put_number(out, "bytes", segment->bytes);
        put_number(out, "entries", segment->entries);
        put_number(out, "first", segment->first);
        put_number(out, "last", segment->last);
        out_print(out, "}");
    }
    out_print(out, "]");
}

static void put_configurations(struct out *out, const struct raft_view *view) {
    out_print(out, ",\"configurations\":[");
    for (size_t i = 0; i < view->configuration_count; i++) {
        const struct raft_view_configuration *configuration = &view->configurations[i];
        out_print(out, "%s{\"index\":%" PRIu64 ",\"term\":%" PRIu64 ",\"members\":", i ? "," : "", configuration->index,
                  configuration->term);
        put_configuration(out, &configuration->configuration);
        out_print(out, "}");
    }
    out_print(out, "]");
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

static void put_run(struct out *out, const struct raft_view *view, size_t begin, size_t end) {
    const struct raft_view_entry *first = &view->entries[begin];
    uint64_t bytes = 0;
    for (size_t i = begin; i < end; i++) bytes += view->entries[i].size;
    out_print(out,
              "{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"term\":%" PRIu64 ",\"kind\":\"%s\",\"segment\":%" PRIu64
              ",\"offset\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"sizes\":[",
              first->index, view->entries[end - 1].index, first->term, raft_view_kind_name(first->kind),
              first->lsn >> 32, first->lsn & UINT32_MAX, bytes);
    for (size_t i = begin; i < end; i++) out_print(out, "%s%" PRIu32, i > begin ? "," : "", view->entries[i].size);
    out_print(out, "]}");
}

/* Of many entries the newest RAFT_JSON_RUNS_MAX runs, and RAFT_JSON_SIZES_MAX * 16 entries. */
static void put_runs(struct out *out, const struct raft_view *view) {
    const size_t most = (size_t)RAFT_JSON_SIZES_MAX * 16;
    size_t begin = view->entry_count > most ? view->entry_count - most : 0, runs = 0, told = 0;
    for (size_t at = begin; at < view->entry_count; at = run_end(view, at)) runs++;
    for (; runs > RAFT_JSON_RUNS_MAX; runs--) begin = run_end(view, begin);
    put_number(out, "left_out", view->left_out + begin);
    out_print(out, ",\"runs\":[");
    for (size_t at = begin; at < view->entry_count;) {
        const size_t end = run_end(view, at);
        if (told++) out_print(out, ",");
        put_run(out, view, at, end);
        at = end;
    }
    out_print(out, "]");
}

static void put_log(struct out *out, const struct raft_view *view) {
    out_print(out, ",\"log\":{\"file\":");
    out_json(out, raft_view_short(view, view->log_path));
    put_bool(out, "there", view->has_log);
    put_number(out, "first", view->entry_count ? view->entries[0].index : 0);
    put_number(out, "last", view->entry_count ? raft_view_last(view) : 0);
    put_number(out, "entries", view->entry_count + view->left_out);
    put_number(out, "last_term", raft_view_last_term(view));
    put_number(out, "commit_note", view->commit_note);
    put_number(out, "cuts", view->cuts);
    put_number(out, "cut_entries", view->cut_entries);
    put_runs(out, view);
    out_print(out, "}");
}

static void put_node(struct out *out, const struct raft_view *view, const struct raft_standing *standing) {
    out_print(out, "{\"directory\":");
    out_json(out, view->dir);
    out_print(out, ",\"name\":");
    out_json(out, raft_view_name(view));
    out_print(out, ",\"verdict\":\"%s\"", verdict_word(view->verdict));
    put_number(out, "node", view->node_id);
    if (view->slot)
        out_print(out, ",\"cluster\":\"%016" PRIx64 "\",\"incarnation\":\"%016" PRIx64 "\"",
                  view->slot->identity.cluster_id, view->slot->identity.incarnation);
    put_bool(out, "witness", view->slot && view->slot->is_witness);
    put_number(out, "term", view->slot ? view->slot->term : 0);
    put_number(out, "vote", view->slot ? view->slot->vote : 0);
    put_number(out, "doubt_term", view->slot ? view->slot->doubt_term : 0);
    put_slots(out, view);
    out_print(out, ",\"store\":{\"file\":");
    out_json(out, raft_view_short(view, view->store_path));
    put_bool(out, "there", view->has_store);
    put_number(out, "index", view->store.index);
    put_number(out, "term", view->store.term);
    out_print(out, ",\"members\":");
    if (view->store.has_configuration)
        put_configuration(out, &view->store.configuration);
    else
        out_print(out, "null");
    out_print(out, "}");
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
    out_print(out, "}");
}

/* ---- Side by side ------------------------------------------------------------------------------------------------ */

static void put_holders(struct out *out, const struct raft_compare *compare, unsigned holders) {
    const char *comma = "";
    out_print(out, "[");
    for (size_t i = 0; i < compare->count; i++) {
        if (!(holders >> i & 1)) continue;
        out_print(out, "%s%zu", comma, i);
        comma = ",";
    }
    out_print(out, "]");
}

static void put_span(struct out *out, const struct raft_compare *compare, const struct raft_span *span) {
    static const char *const states[] = {"absent", "held", "store", "lost", "unknown"};
    out_print(out, "{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"at\":[", span->first, span->last);
    for (size_t i = 0; i < compare->count; i++) out_print(out, "%s\"%s\"", i ? "," : "", states[span->at[i]]);
    out_print(out, "],\"branches\":[");
    for (unsigned b = 0; b < span->branch_count; b++) {
        const struct raft_branch *branch = &span->branches[b];
        out_print(out, "%s{\"first_term\":%" PRIu64 ",\"last_term\":%" PRIu64 ",\"holders\":", b ? "," : "",
                  branch->first_term, branch->last_term);
        put_holders(out, compare, branch->holders);
        put_bool(out, "on_quorum", branch->on_quorum);
        out_print(out, ",\"fate\":\"%s\"}", raft_fate_name(branch->fate));
    }
    out_print(out, "]}");
}

static void put_compare(struct out *out, const struct raft_compare *compare) {
    out_print(out, ",\"comparison\":{\"best\":%zu", compare->best);
    put_number(out, "commit", compare->commit);
    put_number(out, "parts_at", compare->parts_at);
    put_number(out, "members_index", compare->configuration_index);
    out_print(out, ",\"members\":");
    put_configuration(out, &compare->configuration);
    put_number(out, "missing_voters", compare->missing_voters);
    put_number(out, "spans_left_out", compare->span_count - raft_compare_spans_kept(compare));
    out_print(out, ",\"spans\":[");
    for (size_t i = 0; i < raft_compare_spans_kept(compare); i++) {
        if (i) out_print(out, ",");
        put_span(out, compare, &compare->spans[i]);
    }
    out_print(out, "],\"problems\":[");
    for (size_t i = 0; i < compare->problem_count && i < RAFT_COMPARE_PROBLEMS_MAX; i++) {
        if (i) out_print(out, ",");
        out_json(out, compare->problems[i]);
    }
    out_print(out, "]}");
}

void raft_json_directories(struct out *out, const struct raft_compare *compare) {
    enum raft_view_verdict verdict = compare->problem_count ? RAFT_VIEW_CORRUPT : RAFT_VIEW_CLEAN;
    for (size_t i = 0; i < compare->count; i++)
        if (compare->views[i]->verdict == RAFT_VIEW_CORRUPT || verdict == RAFT_VIEW_CLEAN)
            verdict = compare->views[i]->verdict;
    out_print(out, "{\"raft\":\"directories\",\"verdict\":\"%s\",\"nodes\":[", verdict_word(verdict));
    for (size_t i = 0; i < compare->count; i++) {
        if (i) out_print(out, ",");
        put_node(out, compare->views[i], &compare->standings[i]);
    }
    out_print(out, "]");
    put_compare(out, compare);
    out_print(out, "}");
}
