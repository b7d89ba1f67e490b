/*
 * fault: what is wrong with a query, where, and of which kind.
 *
 * The kinds are those by which the openCypher TCK names errors; the text is for people and ends with the place,
 * "(line 1, column 8)". The first fault of a query wins. A fault is plain memory of its owner, without clean-up.
 */
#ifndef GRAPH_CYPHER_FAULT_H
#define GRAPH_CYPHER_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"

/* Where something stands in the text: both from 1; columns count characters (code points), not bytes. Line 0: nowhere
 * in particular. */
struct cypher_place {
    uint32_t line;
    uint32_t column;
};

/* clang-format off */
/*  name                         TCK's type                    TCK's detail                          status */
#define CYPHER_FAULT_LIST(X)                                                                                        \
    X(NONE,                        "",                           "",                                 OK)            \
    X(UNEXPECTED_SYNTAX,           "SyntaxError",                "UnexpectedSyntax",                 SYNTAX)        \
    X(UNDEFINED_VARIABLE,          "SyntaxError",                "UndefinedVariable",                SYNTAX)        \
    X(VARIABLE_ALREADY_BOUND,      "SyntaxError",                "VariableAlreadyBound",             SYNTAX)        \
    X(VARIABLE_TYPE_CONFLICT,      "SyntaxError",                "VariableTypeConflict",             SYNTAX)        \
    X(COLUMN_NAME_CONFLICT,        "SyntaxError",                "ColumnNameConflict",               SYNTAX)        \
    X(NO_EXPRESSION_ALIAS,         "SyntaxError",                "NoExpressionAlias",                SYNTAX)        \
    X(NO_VARIABLES_IN_SCOPE,       "SyntaxError",                "NoVariablesInScope",               SYNTAX)        \
    X(INVALID_ARGUMENT_TYPE,       "SyntaxError",                "InvalidArgumentType",              SYNTAX)        \
    X(TYPE_MISMATCH,               "TypeError",                  "InvalidArgumentType",              SYNTAX)        \
    X(INVALID_ARGUMENT_COUNT,      "SyntaxError",                "InvalidNumberOfArguments",         SYNTAX)        \
    X(INVALID_ARGUMENT_PASSING,    "SyntaxError",                "InvalidArgumentPassingMode",       SYNTAX)        \
    X(INVALID_NUMBER_LITERAL,      "SyntaxError",                "InvalidNumberLiteral",             SYNTAX)        \
    X(INTEGER_OVERFLOW,            "SyntaxError",                "IntegerOverflow",                  SYNTAX)        \
    X(FLOAT_OVERFLOW,              "SyntaxError",                "FloatingPointOverflow",            SYNTAX)        \
    X(INVALID_UNICODE_LITERAL,     "SyntaxError",                "InvalidUnicodeLiteral",            SYNTAX)        \
    X(INVALID_UNICODE_CHARACTER,   "SyntaxError",                "InvalidUnicodeCharacter",          SYNTAX)        \
    X(INVALID_AGGREGATION,         "SyntaxError",                "InvalidAggregation",               SYNTAX)        \
    X(NESTED_AGGREGATION,          "SyntaxError",                "NestedAggregation",                SYNTAX)        \
    X(AMBIGUOUS_AGGREGATION,       "SyntaxError",                "AmbiguousAggregationExpression",   SYNTAX)        \
    X(NON_CONSTANT_EXPRESSION,     "SyntaxError",                "NonConstantExpression",            SYNTAX)        \
    X(NEGATIVE_INTEGER,            "SyntaxError",                "NegativeIntegerArgument",          SYNTAX)        \
    X(INVALID_CLAUSE_COMPOSITION,  "SyntaxError",                "InvalidClauseComposition",         SYNTAX)        \
    X(DIFFERENT_COLUMNS_IN_UNION,  "SyntaxError",                "DifferentColumnsInUnion",          SYNTAX)        \
    X(INVALID_PARAMETER_USE,       "SyntaxError",                "InvalidParameterUse",              SYNTAX)        \
    X(REQUIRES_DIRECTED,           "SyntaxError",                "RequiresDirectedRelationship",     SYNTAX)        \
    X(NO_SINGLE_TYPE,              "SyntaxError",                "NoSingleRelationshipType",         SYNTAX)        \
    X(CREATING_VAR_LENGTH,         "SyntaxError",                "CreatingVarLength",                SYNTAX)        \
    X(RELATIONSHIP_UNIQUENESS,     "SyntaxError",                "RelationshipUniquenessViolation",  SYNTAX)        \
    X(INVALID_RELATIONSHIP_PATTERN, "SyntaxError",               "InvalidRelationshipPattern",       SYNTAX)        \
    X(INVALID_DELETE,              "SyntaxError",                "InvalidDelete",                    SYNTAX)        \
    X(UNKNOWN_FUNCTION,            "SyntaxError",                "UnknownFunction",                  SYNTAX)        \
    X(PROCEDURE_NOT_FOUND,         "ProcedureError",             "ProcedureNotFound",                SYNTAX)        \
    X(MISSING_PARAMETER,           "ParameterMissing",           "MissingParameter",                 INVALID)       \
    X(UNSUPPORTED,                 "Unsupported",                "NotSupportedYet",                  UNSUPPORTED)   \
    X(TOO_LARGE,                   "LimitExceeded",              "TooLarge",                         TOO_LARGE)     \
    X(NO_MEMORY,                   "ResourceError",              "OutOfMemory",                      NO_MEMORY)     \
    X(INVALID_ARGUMENT_VALUE,      "TypeError",                  "InvalidArgumentValue",             INVALID)       \
    X(INVALID_PROPERTY_TYPE,       "TypeError",                  "InvalidPropertyType",              INVALID)       \
    X(MAP_ELEMENT_ACCESS,          "TypeError",                  "MapElementAccessByNonString",      INVALID)       \
    X(LIST_ELEMENT_ACCESS,         "TypeError",                  "ListElementAccessByNonInteger",    INVALID)       \
    X(PROPERTY_ACCESS,             "TypeError",                  "PropertyAccessOnNonMap",           INVALID)       \
    X(ARGUMENT_RANGE,              "ArgumentError",              "NumberOutOfRange",                 INVALID)       \
    X(ARITHMETIC,                  "ArithmeticError",            "DivisionByZero",                   INVALID)       \
    X(MERGE_READ_OWN_WRITES,       "SemanticError",              "MergeReadOwnWrites",               INVALID)       \
    X(DELETED_ENTITY,              "EntityNotFound",             "DeletedEntityAccess",              INVALID)       \
    X(DELETE_CONNECTED_NODE,       "ConstraintVerificationFailed", "DeleteConnectedNode",            INVALID)

enum cypher_fault_code {
#define X(name, type, detail, status) CYPHER_FAULT_##name,
    CYPHER_FAULT_LIST(X)
#undef X
    CYPHER_FAULT_COUNT
};
/* clang-format on */

enum { CYPHER_FAULT_TEXT_BYTES = 256 };

struct cypher_fault {
    enum cypher_fault_code code;
    struct cypher_place place;
    char text[CYPHER_FAULT_TEXT_BYTES]; /* one line, with the place at its end */
};

/* Static strings: "SyntaxError", "UndefinedVariable". Any thread. */
const char *cypher_fault_type(enum cypher_fault_code code);
const char *cypher_fault_detail(enum cypher_fault_code code);
enum status cypher_fault_status(enum cypher_fault_code code);

/* Writes code, place and text unless a fault stands in *fault already; returns the status of the one that stands. */
enum status cypher_fault_set(struct cypher_fault *fault, enum cypher_fault_code code, struct cypher_place place,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "WHAT is not supported yet (line L, column C)". */
enum status cypher_fault_unsupported(struct cypher_fault *fault, struct cypher_place place, const char *what);

#endif
