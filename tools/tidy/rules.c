/*
 * rules: the list.
 */
#include "tools/tidy/rules.h"

void rules_run(const struct tree *tree, struct findings *findings) {
    static void (*const rules[])(const struct tree *tree, struct findings *findings) = {
        rule_includes, rule_calls, rule_shape, rule_layout, rule_words, rule_mutants,
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) rules[i](tree, findings);
}
