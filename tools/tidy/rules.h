/*
 * rules: each looks at the whole tree and adds what it objects to. DESIGN's R1 to R6 are named in the findings.
 */
#ifndef TOOLS_TIDY_RULES_H
#define TOOLS_TIDY_RULES_H

#include "tools/tidy/findings.h"
#include "tools/tidy/tree.h"

void rule_includes(const struct tree *tree,
                   struct findings *findings); /* R1 direction and privacy; R2 to R4 as far as includes tell */
void rule_calls(const struct tree *tree, struct findings *findings); /* R2 the one door; R3 allocation; banned calls */
void rule_shape(const struct tree *tree,
                struct findings *findings); /* sizes, opening comment, guards, globals, test ifdefs */
void rule_layout(const struct tree *tree, struct findings *findings);  /* what stands in the root; unique names */
void rule_words(const struct tree *tree, struct findings *findings);   /* names in README.md and FORMAT.md exist */
void rule_mutants(const struct tree *tree, struct findings *findings); /* planted bugs are small and still apply */

/* All of them. */
void rules_run(const struct tree *tree, struct findings *findings);

#endif
