"""Segments of traffic that are watched beyond the columns of a trace: language, group, tool."""

from __future__ import annotations

from schemas.queries.traces import SEGMENT_COLUMNS

# Attributes in which SDKs send the group of a user.
GROUPS = ("user.group", "metadata.user_group", "user_group", "langfuse.trace.metadata.user_group")
# Function words that tell languages in Latin letters apart, roughly; other languages by script.
_WORDS = {
    "en": "the|and|is|of|to|what|how|my|you|for", "de": "der|die|das|und|ist|nicht|ich|wie|ein|zu",
    "fr": "le|la|les|est|et|je|une|pour|comment|des", "es": "el|los|es|que|una|por|para|como|mi",
    "it": "il|che|una|per|di|sono|come|non|della|mio", "pt": "o|os|uma|para|como|meu|do|da|em",
}  # fmt: skip
_SCRIPTS = {
    "ja": "[\\\\p{Hiragana}\\\\p{Katakana}]", "ko": "\\\\p{Hangul}", "zh": "\\\\p{Han}",
    "cyrillic": "\\\\p{Cyrillic}", "arabic": "\\\\p{Arabic}", "greek": "\\\\p{Greek}",
    "devanagari": "\\\\p{Devanagari}", "hebrew": "\\\\p{Hebrew}", "thai": "\\\\p{Thai}",
}  # fmt: skip
_TEXT = (
    "lower(argMinIf(s.input_preview, (s.parent_span_id != '', s.start_time), s.input_length > 0))"
)


def language_sql(text: str) -> str:
    """An expression that is the language of a text in lower case, or '' where nothing tells it:
    by script, and in Latin letters by the commonest function words."""
    by_script = ", ".join(f"match({text}, '{p}'), '{name}'" for name, p in _SCRIPTS.items())
    counts = ", ".join(f"countMatches({text}, '\\\\b({words})\\\\b')" for words in _WORDS.values())
    names = ", ".join(f"'{name}'" for name in _WORDS)
    return (
        f"multiIf({by_script}, arrayMax([{counts}]) > 0,"
        f" [{names}][indexOf([{counts}], arrayMax([{counts}]))], '')"
    )


_GROUP = ", ".join(
    f"nullIf(anyIf(s.attributes['{key}'], s.attributes['{key}'] != ''), '')" for key in GROUPS
)
EXTRA = ("language", "user_group")
EXTRA_SQL = f"""{_TEXT} AS segment_text, {language_sql("segment_text")} AS segment_language,
    coalesce({_GROUP}, '') AS segment_user_group,
    arrayDistinct(arrayConcat(groupUniqArrayArray(s.tool_names),
                              groupUniqArrayIf(s.name, s.kind = 'TOOL'))) AS segment_tools"""
_COLUMNS = ", ".join(f"('{c}', toString(segment_{c}))" for c in (*SEGMENT_COLUMNS, *EXTRA))
# (column, value) of every segment of a trace, ('', '') being all traffic.
PAIRS_SQL = f"""arrayConcat([('', ''), {_COLUMNS}],
    arrayMap(name -> ('tool', toString(name)), segment_tools))"""
