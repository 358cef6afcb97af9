"""The parser accepts exactly RFC 8259, and needs little time for any text."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import strict_json
from common.strict_json import MAX_DEPTH, NotJSON, Number
from tests.support.wait import until

MIB = 1024 * 1024

texts = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates and NUL included
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


def understood(value: Any, number: Callable[[str], Any] = json.loads) -> Any:
    """The value of Python's own parser."""
    if isinstance(value, Number):
        return number(value)
    if isinstance(value, tuple):
        return {name: understood(member, number) for name, member in value}
    return [understood(item, number) for item in value] if isinstance(value, list) else value


def quick_number(text: str) -> float:
    """Converts integers of more than 64 bits to floats, as the fast parser does."""
    value: float = json.loads(text)
    return value if -(2**63) <= value < 2**64 else float(value)


@given(values, st.booleans(), st.sampled_from([None, 0, 3]))
def test_it_reads_whatever_json_dumps_writes(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert understood(strict_json.parse(text)) == value


@given(st.binary())
def test_it_parses_or_refuses_any_bytes(raw: bytes) -> None:
    try:
        strict_json.parse(strict_json.decode(raw))
    except NotJSON:
        return
    json.loads(raw)  # other parsers accept it too


JSONISH = st.text(st.sampled_from('[]{}:,"\\\\u0eE+-.12 tnrfalsed')) | st.builds(json.dumps, values)


@given(st.binary() | JSONISH.map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"[-9223372036854775809, -9223372036854775808, 18446744073709551615, 18446744073709551616]")
def test_the_fast_parser_accepts_nothing_that_the_strict_one_refuses(raw: bytes) -> None:
    value = strict_json.parse_fast(raw)
    assert value is None or understood(strict_json.parse(strict_json.decode(raw)), quick_number) == value


class Member(msgspec.Struct):
    a: int


DECODER = msgspec.json.Decoder(Member)


@given(st.binary() | JSONISH.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.builds(json.dumps, values))
@example(b"\xff")
@example(b'"\xed\xa0\x80"')
@example(b'{"\xc3": 1}')
@example(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
def test_members_are_read_from_nothing_that_the_strict_parser_refuses(rest: bytes | str) -> None:
    raw = b'{"a":1,"b":' + (rest if isinstance(rest, bytes) else rest.encode("utf-8", "surrogatepass")) + b"}"
    if strict_json.parse_members(raw, DECODER, "a"):
        value = strict_json.parse(strict_json.decode(raw))
        assert [inner for name, inner in value if name == "a"] == ["1"]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"b":{"a":2}}',
        r'{"a":1,"\u0061":2}',
        '{"b":1}',
        '{"a":NaN}',
        '{"a":1}x',
        '{"a":"\ud800"}',
        '{"a":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}",
    ],
)
def test_the_fast_parser_returns_none_if_members_may_repeat(text: str) -> None:
    assert strict_json.parse_fast(text.encode("utf-8", "surrogatepass"), "a") is None
    assert strict_json.parse_fast(b'{"a":1}', "a") == {"a": 1}
    assert strict_json.parse_members(text.encode("utf-8", "surrogatepass"), DECODER, "a") is None
    assert strict_json.parse_members(b'{"a":1, "b": "\\n"}', DECODER, "a") == Member(1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Number("0")),
        ("-0", Number("-0")),
        ("1e999", Number("1e999")),
        ("-1.50E+3", Number("-1.50E+3")),
        ("9" * 5000, Number("9" * 5000)),
        ('"\\ud800"', "\ud800"),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('"\\u0000\\/\\b\\f\\n\\r\\t"', "\0/\b\f\n\r\t"),
        ('"\x7f\u2028"', "\x7f\u2028"),
        (" \t\r\n[ ] \n", []),
        ('{"a":1,"a":[null,true,false]}', (("a", Number("1")), ("a", [None, True, False]))),
        ("{}", ()),
    ],
)
def test_it_keeps_every_number_escape_and_member(text: str, value: Any) -> None:
    found = strict_json.parse(text)
    assert (found, type(found)) == (value, type(value))


NOT_JSON = ["", " ", "NaN", "[NaN]", "Infinity", "-Infinity", '{"a": -Infinity}', "nul", "True", "undefined", "{} {}"]
NOT_JSON += ["[1,]", '{"a":1,}', "{a:1}", "{'a':1}", '{"a" 1}', "{1:2}", "[1 2]", "[", '{"a":', '"a', "]", "// c\n1"]
NOT_JSON += ["01", "-", "+1", "1.", ".5", "1e", "0x10", "1_000", "--1", "\u0661", "1\u0661", "1e\u0661", "\uff11"]
NOT_JSON += [
    '"\n"',
    '"\t"',
    '"\x00"',
    '"\x1f"',
    '"\\x41"',
    '"\\u12"',
    '"\\u+123"',
    '"\\u 123"',
    '"\\u00_0"',
    '"\\U0041"',
]
NOT_JSON += ["\ufeff{}", "\ufeff", "\xa01", "\x0b1", "\u20281", "1\0", "/* c */ 1"]


@pytest.mark.parametrize("text", NOT_JSON)
def test_it_refuses_what_is_not_json_and_quotes_nothing_of_it(text: str) -> None:
    with pytest.raises(NotJSON) as refusal:
        strict_json.parse(text.replace("c", "secret"))
    assert "secret" not in str(refusal.value)


NOT_UTF_8 = [
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"\x00",
    b"{\x00}\x00",
    "{}".encode("utf-16"),
    "{}".encode("utf-32-le"),
]
NOT_UTF_8 += [b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xe9"', b'"\xf4\x90\x80\x80"']


@pytest.mark.parametrize("raw", NOT_UTF_8)
def test_it_reads_utf_8_only(raw: bytes) -> None:
    with pytest.raises(NotJSON):
        strict_json.parse(strict_json.decode(raw))


BRACKETS: list[Callable[[int], str]] = [
    lambda depth: "[" * depth + "]" * depth,
    lambda depth: '{"a":' * depth + "0" + "}" * depth,
    lambda depth: '[{"[":' * (depth // 2) + "[" * (depth % 2) + "0" + "]" * (depth % 2) + "}]" * (depth // 2),
    lambda depth: '["]","\\"]",' * (depth - 1) + "[]" + "]" * (depth - 1),
    lambda depth: "[[]," * (depth - 1) + "[]" + "]" * (depth - 1),
]


@pytest.mark.parametrize("nest", BRACKETS)
def test_it_counts_levels_to_the_last_one(nest: Callable[[int], str]) -> None:
    assert strict_json.parse(nest(MAX_DEPTH)) is not None
    with pytest.raises(NotJSON, match="512"):
        strict_json.parse(nest(MAX_DEPTH + 1))


@given(st.text('[{"\\ ]}a', max_size=40), st.integers(MAX_DEPTH, 2 * MAX_DEPTH))
def test_a_bracket_in_a_string_is_not_a_level(noise: str, times: int) -> None:
    written = json.dumps(noise + "[" * times)
    assert strict_json.parse(f"[{written},{{{written}:0}}]") == [noise + "[" * times, ((noise + "[" * times, "0"),)]


def test_it_reads_the_deepest_text_from_deep_in_a_stack() -> None:
    deepest = '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH

    def below(frames: int) -> Any:
        return below(frames - 1) if frames else strict_json.parse(deepest)

    assert [strict_json.is_object(below(frames)) for frames in range(0, 801, 50)] == [True] * 17


@pytest.mark.parametrize("pattern", ["[", '"', '\\"', '{"a":'])
@pytest.mark.parametrize("wrap", ["{}", "[[0],{}" + "[" * 600])
def test_it_parses_ten_mebibytes_quickly(pattern: str, wrap: str) -> None:
    ends_in_a_moment(wrap.format(pattern * (10 * MIB // len(pattern))))


MORE = ["[]", '"[', "]", "1", "-", "\\", '"\\', "[[],", '"\\"[']


@pytest.mark.parametrize("pattern", MORE)
def test_it_refuses_many_brackets_quickly(pattern: str) -> None:
    ends_in_a_moment("[" * 600 + pattern * (2 * MIB // len(pattern)), seconds=2)
    ends_in_a_moment('[0,"' + pattern * (2 * MIB // len(pattern)) + "[" * 600, seconds=2)


def ends_in_a_moment(text: str, seconds: float = 10) -> None:
    """In linear time; time proportional to length times depth would be minutes."""
    started = time.process_time()
    with suppress(NotJSON):
        strict_json.parse(text)
    assert time.process_time() - started < seconds


ESCAPES = {
    r"\u0000": "\0",
    r"\ud83d": "\ud83d",
    r"\ude00": "\ude00",
    r"\"": '"',
    r"\\": "\\",
    r"\/": "/",
    "[": "[",
    "김": "김",
}


@settings(max_examples=20)
@given(st.lists(st.sampled_from(list(ESCAPES)), min_size=1, max_size=8), st.integers(1, 8))
def test_a_mebibyte_of_escapes_has_its_value_or_is_refused_quickly(escapes: list[str], cut: int) -> None:
    times = MIB // len("".join(escapes))
    text = f'{{"a":"{"".join(escapes) * times}"}}'
    pairs = ("".join(map(ESCAPES.__getitem__, escapes)) * times).encode("utf-16", "surrogatepass")
    value = pairs.decode("utf-16", "surrogatepass")  # two halves of a character are one character
    started = time.process_time()
    assert strict_json.parse(text) == (("a", value),)
    assert strict_json.parse_fast(text.encode()) in (None, {"a": value})
    assert strict_json.without(text, "a") == "{}"
    with pytest.raises(NotJSON):
        strict_json.parse(text[:-cut])
    assert time.process_time() - started < 5


def test_escapes_that_spell_no_name_need_no_slow_parser() -> None:
    korean = json.dumps({"a": 1, "note": "김민준 \U0001f600"}).encode()
    assert strict_json.parse_members(korean, DECODER, "a") == Member(1)
    assert strict_json.parse_members(b'{"a": 1, "\\u0061": 2}', DECODER, "a") is None  # the name, twice
    for wrong in (b'"\\ud800"', b'"\\uZZZZ"', b'"\\u12"'):
        assert strict_json.parse_members(b'{"a": 1, "b": %b}' % wrong, DECODER, "a") is None


def test_other_threads_get_their_turn_while_it_parses() -> None:
    text = f"[{','.join('1' * 1_000_000)}]"
    turns, ends = [0], threading.Event()

    def count() -> None:
        while not ends.wait(0.001):
            turns[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    until(lambda: turns[0] > 0, what="the thread")
    before = turns[0]
    assert len(strict_json.parse(text)) == 1_000_000
    during = turns[0] - before
    ends.set()
    thread.join()
    assert during >= 5
