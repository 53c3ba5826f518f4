"""Access tokens: the two worlds, by a clock that is passed in. Source: message-push.md, "access_token"."""

import pytest

from wechat.sandbox.errors import ApiError
from wechat.sandbox.tokens import StableTokens, SuccessiveTokens

START = 1_700_000_000.0


def test_a_stable_token_is_the_same_for_everyone_and_its_time_counts_down():
    tokens = StableTokens()

    first, later = tokens.issue(START), tokens.issue(START + 1000)

    assert first.expires_in == 7200
    assert later.access_token == first.access_token
    assert later.expires_in == 6200


def test_within_its_last_five_minutes_a_new_one_is_made_and_both_work_for_five():
    tokens = StableTokens()
    old = tokens.issue(START).access_token

    new = tokens.issue(START + 6901)

    assert new.access_token != old
    assert new.expires_in == 7200
    assert tokens.judge(old, START + 6901 + 299) == 0
    assert tokens.judge(new.access_token, START + 6901 + 299) == 0
    assert tokens.judge(old, START + 6901 + 300) == 40001


def test_just_before_its_last_five_minutes_the_token_stays():
    tokens = StableTokens()
    old = tokens.issue(START).access_token

    assert tokens.issue(START + 6899).access_token == old


def test_a_token_that_ran_out_is_expired_and_one_never_given_is_unknown():
    tokens = StableTokens()
    old = tokens.issue(START).access_token

    assert tokens.judge(old, START + 7200) == 42001
    assert tokens.judge("made up", START) is None


def test_a_forced_refresh_voids_the_old_token_at_once():
    tokens = StableTokens()
    old = tokens.issue(START).access_token

    new = tokens.force(START + 1).access_token

    assert tokens.judge(old, START + 1) == 40001
    assert tokens.judge(new, START + 1) == 0


def test_a_second_forced_refresh_within_thirty_seconds_changes_nothing():
    tokens = StableTokens()
    first = tokens.force(START).access_token

    assert tokens.force(START + 29).access_token == first
    assert tokens.force(START + 31).access_token != first


def test_the_twenty_first_forced_refresh_of_a_day_in_china_is_refused_and_the_next_day_is_free():
    midnight = 1_700_064_000.0  # 2023-11-16 00:00 in China
    tokens = StableTokens()
    for number in range(20):
        tokens.force(midnight + 60 * number)

    with pytest.raises(ApiError) as refused:
        tokens.force(midnight + 86399)

    assert refused.value.errcode == 45009
    assert tokens.force(midnight + 86400).expires_in == 7200


def test_expiring_the_token_now_makes_calls_say_42001_and_the_next_issue_a_new_one():
    tokens = StableTokens()
    old = tokens.issue(START).access_token

    tokens.expire(START + 5)

    assert tokens.judge(old, START + 5) == 42001
    assert tokens.seconds_left(START + 5) == 0
    assert tokens.issue(START + 6).access_token != old
    assert tokens.judge(old, START + 6) == 42001


def test_the_older_token_call_makes_a_new_one_each_time_and_soon_voids_the_last():
    tokens = SuccessiveTokens()
    old = tokens.issue(START).access_token

    new = tokens.issue(START + 1).access_token

    assert new != old
    assert tokens.judge(old, START + 10) == 0
    assert tokens.judge(old, START + 11) == 40001
    assert tokens.judge(new, START + 11) == 0


def test_the_older_token_can_be_expired_too():
    tokens = SuccessiveTokens()
    old = tokens.issue(START).access_token

    tokens.expire(START + 1)

    assert tokens.judge(old, START + 1) == 42001


def test_tokens_are_forgotten_beyond_a_thousand():
    tokens = SuccessiveTokens()
    first = tokens.issue(START).access_token

    for _ in range(1000):
        tokens.issue(START)

    assert tokens.judge(first, START) is None
