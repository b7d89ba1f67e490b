/* step_json: what get and scan say, as members of an object (tools/loam/README.md, "loam explain"). */
#ifndef TOOLS_LOAM_EXPLAIN_STEP_JSON_H
#define TOOLS_LOAM_EXPLAIN_STEP_JSON_H

#include "tools/loam/explain/json.h"
#include "tools/loam/explain/steps.h"
#include "tools/loam/explain/subject.h"

void step_json_subject(struct json *json, const struct subject *subject, const char *what);
void step_json_steps(struct json *json, const struct steps *steps);
void step_json_cost(struct json *json, const struct steps *steps);
/* Nothing could be explained: why, to stderr, or with --json as an object. */
void step_json_failure(const struct subject *subject, enum status status);

#endif
