/*
 * function: the bodies of the functions in functions.def, one file per family. A body gets its arguments evaluated;
 * their types lie in the sets of the row; none is null unless the function takes nulls (function.c).
 */
#ifndef GRAPH_CYPHER_FUNCTION_H
#define GRAPH_CYPHER_FUNCTION_H

#include "graph/cypher/evaluate_parts.h"

struct function_call {
    const struct cypher_expr *expr;
    const struct value *arguments;
    uint32_t count;
};

typedef enum status function_body(struct evaluation *evaluation, const struct function_call *call, struct value *value);

/* An argument of a right type whose value the function cannot take. */
enum status function_refuse(struct evaluation *evaluation, const struct function_call *call, uint32_t argument,
                            const char *expected);

/* function_graph.c */
function_body function_id, function_labels, function_type, function_properties, function_keys, function_start_node,
    function_end_node, function_nodes, function_relationships, function_length, function_has_labels, function_in_degree,
    function_out_degree;
/* function_convert.c */
function_body function_exists, function_type_of, function_to_integer, function_to_float, function_to_string,
    function_to_boolean;
/* function_list.c */
function_body function_size, function_head, function_last, function_tail, function_reverse, function_range;
/* function_text.c */
function_body function_left, function_right, function_substring, function_replace, function_split, function_trim,
    function_ltrim, function_rtrim, function_to_lower, function_to_upper;
enum status function_reverse_text(struct evaluation *evaluation, struct slice text, struct value *value);
size_t function_text_length(struct slice text);
/* function_math.c */
function_body function_abs, function_sign, function_math, function_pow, function_atan2, function_pi, function_e;

#endif
