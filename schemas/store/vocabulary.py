"""What a restricted user may name: tables, functions, settings, formats, kinds of syntax.

Everything is listed as allowed, so that what a newer engine brings is refused until it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

DATABASE = "assay"
TABLES = frozenset(
    {"spans", "span_texts", "trace_times", "segments", "logs", "metrics"}
    | {"scores", "embeddings", "findings", "deliveries", "rejections", "tombstones"}
    | {"labels", "judge_usage", "review_batches", "review_items"}
    | {"dataset_versions", "dataset_items", "questions"}
)
TABLE_FUNCTIONS = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "one", "values", "sqlstandardvalues"}
    | {"generateseries", "generate_series"}
)
# Nodes of `parseQueryToJSON`. SetQuery (SETTINGS) is not among them.
NODES = frozenset(
    {"SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "Subquery"}
    | {"ExpressionList", "Literal", "Identifier", "TableIdentifier", "Function", "QueryParameter"}
    | {"WithElement", "TablesInSelectQuery", "TablesInSelectQueryElement", "TableExpression"}
    | {"TableJoin", "ArrayJoin", "SampleRatio", "OrderByElement", "InterpolateElement"}
    | {"WindowListElement", "WindowDefinition", "Asterisk", "QualifiedAsterisk"}
    | {"ColumnsRegexpMatcher", "ColumnsListMatcher"}
    | {"QualifiedColumnsRegexpMatcher", "QualifiedColumnsListMatcher"}
    | {"ColumnsTransformerList", "ColumnsApplyTransformer", "ColumnsExceptTransformer"}
    | {"ColumnsReplaceTransformer", "ColumnsReplaceTransformerReplacement"}
)
# An identifier of these names a place on the disk, or counts rows before any filter.
VIRTUAL = re.compile(r"_(part|block|disk|partition|row_exists|sample_factor|database|table)", re.I)
FORMATS = re.compile(
    r"(?i:native|rowbinary(withnames(andtypes)?)?|(tsv|tabseparated|csv)(raw)?(withnames(andtypes)?)?"
    r"|raw|rawblob|tskv|lineasstring|json(?!\w*progress)\w*|ndjson|prettyndjson|values|vertical|pretty\w*|parquet"
    r"|arrow(stream)?|orc|avro|msgpack|bsoneachrow|npy|markdown|md|xml|null)"
)
# A client's settings: how a result looks, and how much of it there may be. None names a file.
SETTINGS = frozenset(
    {"max_result_rows", "result_overflow_mode", "limit", "offset"}
    | {"max_block_size", "session_timezone", "join_use_nulls", "extremes"}
    | {"date_time_output_format", "bool_true_representation", "bool_false_representation"}
    | {"format_csv_delimiter", "format_csv_null_representation", "format_tsv_null_representation"}
    | {"output_format_decimal_trailing_zeros", "output_format_float_precision"}
    | {"output_format_parallel_formatting", "output_format_compression_level"}
)
SETTING_FAMILIES = tuple(
    f"output_format_{family}_"
    for family in ("json", "csv", "tsv", "pretty", "parquet", "arrow", "orc", "native", "binary")
)

# Categories of `system.functions` whose functions compute from their arguments alone.
_CATEGORIES = frozenset(
    {"Aggregate Functions", "Arithmetic", "Arrays", "Bit", "Bitmap", "Comparison", "Conditional"}
    | {"Dates and Times", "Distance", "Encoding", "Encryption", "Financial", "Geo", "Geo Polygon"}
    | {"Hash", "IP Address", "JSON", "Logical", "Map", "Mathematical", "Null"}
    | {"NumericIndexedVector", "QBit", "Random Number", "Rounding", "String"}
    | {"String Replacement", "String Search", "String Splitting", "Time Window", "Tuple"}
    | {"Type Conversion", "URL", "UUID"}
)
_MORE = frozenset(
    {"lambda", "grouping", "exists", "untuple", "columns", "caseWithExpression", "version"}
    | {"transform", "identity", "materialize", "ignore", "toTypeName", "toColumnTypeName", "bar"}
    | {"byteSize", "formatReadableSize", "formatReadableDecimalSize", "formatReadableQuantity"}
    | {"formatReadableTimeDelta", "parseReadableSize", "parseTimeDelta", "isConstant"}
    | {"initializeAggregation", "finalizeAggregation", "countDigits", "visibleWidth", "digits"}
    | {"getSubcolumn", "variantElement", "variantType", "defaultValueOfTypeName"}
    | {"defaultValueOfArgumentType", "minSampleSizeConversion", "minSampleSizeContinuous"}
    | {"rowNumberInAllBlocks", "lowCardinalityKeys", "lowCardinalityIndices", "countDistinct"}
)
# formatRow takes formats that read files; the others are the engine's, or for its debugging.
_LESS = frozenset(
    {
        "formatRow",
        "formatRowNoNewline",
        "chdb",
        "aggThrow",
        "flameGraph",
        "estimateCompressionRatio",
    }
    | {"serverTimezone", "generateSnowflakeID", "__bitWrapperFunc"}
)
_IN = re.compile(r"(global)?(not)?(null)?in(ignoreset)?|(global)?(not)?nullin(ignoreset)?")


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions that a restricted user may call, as the engine spells them.

    `known` are all that the engine has by name; the sets with `loose` are in small letters, for
    functions that the engine finds in any case.
    """

    known: frozenset[str]
    exact: frozenset[str]
    loose: frozenset[str]
    aggregates: frozenset[str]
    loose_aggregates: frozenset[str]
    combinators: tuple[str, ...]

    def allow(self, name: str) -> bool:
        """True for an allowed function, or an allowed aggregate with combinators behind it."""
        if name in self.exact or name.lower() in self.loose:
            return True
        return name not in self.known and self._combined(name)

    def _combined(self, name: str) -> bool:
        bases = (name.removesuffix(suffix) for suffix in self.combinators if name != suffix)
        return any(
            base in self.aggregates or base.lower() in self.loose_aggregates or self._combined(base)
            for base in bases
            if base != name
        )


def is_membership(name: str) -> bool:
    """True for IN and its kin, whose right side may be the name of a table."""
    return bool(_IN.fullmatch(name.lower()))


def functions(rows: Callable[[str], list[list[str]]]) -> Functions:
    """Ask the engine what it has. `rows` runs a SELECT and returns its rows as texts."""
    found = rows(
        "SELECT name, alias_to, case_insensitive, is_aggregate, categories, origin"
        " FROM system.functions"
    )
    own = {name: (category, aggregate) for name, _, _, aggregate, category, _ in found}
    exact, loose, aggregates = set(_MORE), set[str](), set[str]()
    for name, alias, any_case, _, _, origin in found:
        real = alias or name
        category, aggregate = own.get(real, ("", "0"))
        if origin != "System" or real in _LESS or name in _LESS:
            continue
        if category not in _CATEGORIES and real not in _MORE:
            continue
        exact.add(name)
        if any_case == "1":
            loose.add(name.lower())
        if aggregate == "1":
            aggregates.add(name)
    suffixes = [row[0] for row in rows("SELECT name FROM system.aggregate_function_combinators")]
    return Functions(
        known=frozenset(own),
        exact=frozenset(exact),
        loose=frozenset(loose),
        aggregates=frozenset(aggregates),
        loose_aggregates=frozenset(name.lower() for name in aggregates if name.lower() in loose),
        combinators=tuple(suffixes),
    )


def setting_allowed(name: str) -> bool:
    """True for a setting that a restricted user may change."""
    return name in SETTINGS or name.startswith(SETTING_FAMILIES)
