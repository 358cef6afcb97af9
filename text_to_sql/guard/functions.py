"""The functions that a query may call. All others are refused, known and unknown ones.

A function is on the list if it only computes: it has no effect, reads no file, no setting and no catalogue, waits for
nothing, and its value is not much larger than its arguments (so not REPEAT, SPACE or LPAD).
"""

# ruff: noqa: E501 - tables of words
from collections.abc import Mapping

from sqlglot import exp

_CLASSES = """
    Abs Ceil Floor Round Trunc Sqrt Cbrt Pow Exp Ln Log Sign Mod Pi Sin Cos Tan Asin Acos Atan Atan2 Degrees Radians
    Greatest Least Coalesce Nullif If Case Cast TryCast CastToStrType Nvl2
    Count CountIf Sum Avg Min Max Stddev StddevPop StddevSamp Variance VariancePop Corr CovarPop CovarSamp Median
    PercentileCont PercentileDisc Mode GroupConcat ArrayAgg LogicalAnd LogicalOr AnyValue Grouping
    RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue
    Lower Upper Initcap Trim Length Substring SubstringIndex Left Right Concat ConcatWs Replace Reverse StrPosition
    SplitPart Ascii Unicode Chr Contains StartsWith EndsWith RegexpLike RegexpILike RegexpReplace RegexpSubstr Translate
    CurrentDate CurrentTime CurrentTimestamp CurrentDatetime Localtime Localtimestamp UtcDate UtcTime UtcTimestamp
    Date DateAdd DateSub DateDiff DateTrunc DateFromParts DateStrToDate TimestampAdd TimestampSub TimestampDiff
    TimestampTrunc Timestamp Datetime DatetimeAdd DatetimeSub DatetimeDiff DatetimeTrunc Time TimeAdd TimeSub TimeDiff
    TimeToStr TimeToUnix TimeStrToTime TimeStrToDate TimeStrToUnix StrToDate StrToTime StrToUnix UnixToTime UnixToStr
    UnixToTimeStr ToChar ToDays ToNumber TsOrDsAdd TsOrDsDiff TsOrDsToDate TsOrDsToDateStr TsOrDsToTimestamp
    TsOrDsToTime TsOrDsToDatetime Extract Year Quarter Month Week WeekOfYear Day DayOfMonth DayOfWeek DayOfYear Hour Minute Second
    Dayname Monthname LastDay MakeInterval JustifyDays JustifyHours JustifyInterval And Or Xor Exists Not
    JSONExtract JSONExtractScalar JSONBExtract JSONBExtractScalar Format Typeof
    """
# Functions that sqlglot has a class for. It writes them in each dialect's own form.
CLASSES: frozenset[type[exp.Expr]] = frozenset(getattr(exp, name) for name in _CLASSES.split())

_COMMON = """
    abs ceil ceiling floor round trunc truncate sqrt cbrt pow power exp ln log log2 log10 sign mod pi sin cos tan asin
    acos atan atan2 degrees radians greatest least coalesce ifnull nullif if iif cast char_length character_length length
    count sum avg min max stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
    grouping row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
    lower upper trim ltrim rtrim btrim substr substring left right concat concat_ws replace reverse position ascii chr
    char extract date time timestamp current_date current_time current_timestamp localtime localtimestamp
"""
_NAMES = {
    "postgres": """
        date_trunc date_part to_char to_date to_timestamp to_number make_date make_interval age now justify_days
        justify_hours justify_interval isfinite initcap split_part strpos starts_with translate regexp_replace
        regexp_like regexp_substr string_agg array_agg bool_and bool_or every any_value percentile_cont percentile_disc
        mode width_bucket octet_length jsonb_typeof json_typeof json_extract_path json_extract_path_text
        jsonb_extract_path jsonb_extract_path_text cot numeric decimal varchar
    """,
    "mysql": """
        date_format str_to_date date_add date_sub adddate subdate datediff timestampdiff timestampadd timediff
        addtime subtime makedate last_day year quarter month week weekofyear day dayofmonth dayofweek dayofyear hour
        minute second microsecond dayname monthname weekday yearweek to_days from_days unix_timestamp from_unixtime
        curdate curtime now utc_date utc_time utc_timestamp time_to_sec sec_to_time group_concat locate instr
        substring_index mid field elt find_in_set format regexp_like regexp_replace regexp_substr regexp_instr
        json_extract json_unquote json_value json_contains json_length crc32 std var_pop any_value isnull lcase ucase
        octet_length strcmp convert decimal values
    """,
    "sqlite": """
        strftime julianday datetime unixepoch group_concat string_agg total instr typeof unicode glob like printf
        format date_diff json_extract json_array_length json_type octet_length hex quote likely unlikely decimal
    """,
}
# What is called by a name, in the generated text, by dialect.
NAMES: Mapping[str, frozenset[str]] = {
    dialect: frozenset((_COMMON + names).split()) - {"values", "printf", "format", "quote"}
    | ({"format"} if dialect == "mysql" else set())
    for dialect, names in _NAMES.items()
}
