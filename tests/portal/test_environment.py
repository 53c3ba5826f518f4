"""The environment's variables, one by one."""

from datetime import timedelta

import pytest

from portal import environment as shape
from portal.environment import EnvironmentReader


def test_an_unset_and_an_empty_variable_are_the_default() -> None:
    reader = EnvironmentReader({"EMPTY": "  "})

    values = [reader.read(name, shape.whole_number, 7, "a number") for name in ("UNSET", "EMPTY")]

    assert values == [7, 7]
    assert reader.problems == []


def test_every_wrong_variable_is_noted_and_none_of_the_values_repeated() -> None:
    reader = EnvironmentReader({"FIRST": "s3cret", "SECOND": "gr8"})

    first = reader.read("FIRST", shape.whole_number, 1, "a number")
    second = reader.read("SECOND", shape.boolean, False, "0 or 1")

    assert (first, second) == (1, False)
    assert [problem.variable for problem in reader.problems] == ["FIRST", "SECOND"]
    assert "s3cret" not in str(reader.problems)
    assert "gr8" not in str(reader.problems)


def test_a_required_variable_that_is_missing_says_how_to_make_it() -> None:
    reader = EnvironmentReader({})

    value = reader.require("KEY", shape.key_of_32_bytes, b"stand-in", "32 bytes", "Draw one.")

    assert value == b"stand-in"
    assert [(problem.what, problem.remedy) for problem in reader.problems] == [("KEY is not set.", "Draw one.")]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (shape.boolean, "maybe"),
        (shape.codes, "300002,派送"),
        (shape.whole_number, "-1"),
        (shape.whole_number, "1.5"),
        (shape.positive_number, "0"),
        (shape.port, "65536"),
        (shape.address, "localhost"),
        (shape.seconds, "1h"),
        (shape.two_durations, "86400"),
        (shape.deadlines, "300002=6h"),
        (shape.deadlines, "300002=6 hours,*=24h"),
        (shape.rate, "600"),
        (shape.rate, "0/min"),
        (shape.networks, "10.0.0.1/8"),
        (shape.choice("safe", "plain"), "Safe"),
        (shape.http_url, "api.weixin.qq.com"),
        (shape.http_url, "ftp://api.weixin.qq.com"),
        (shape.relay_url, "/callback"),
        (shape.key_of_32_bytes, "not base64!"),
        (shape.key_of_32_bytes, "c2hvcnQ="),
        (shape.keys_of_32_bytes, ",".join(["QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="] * 2)),
        (shape.encoding_aes_keys, "A" * 42),
        (shape.pattern("gh_.+", "of the form gh_…"), "wx123"),
    ],
)
def test_a_wrong_shape_is_refused(parse: object, text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)  # type: ignore[operator]


def test_deadlines_know_every_unit() -> None:
    deadlines = shape.deadlines("1=30s,2=5m,3=6h,*=2d")

    assert deadlines == {
        1: timedelta(seconds=30),
        2: timedelta(minutes=5),
        3: timedelta(hours=6),
        None: timedelta(days=2),
    }


def test_the_spare_bits_of_an_encoding_aes_key_do_not_matter() -> None:
    plain, with_spare_bits = shape.encoding_aes_keys("A" * 43 + "," + "A" * 42 + "B")

    assert plain == with_spare_bits == bytes(32)
