"""The sandbox's account, quota, fault script and options, without a server."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.sandbox.accounts import Account, GrantError
from pailitao_spider.sandbox.faults import KINDS, Fault, Script, parse_fault
from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.quota import Quota

MIDNIGHT_IN_BEIJING = 1_767_196_800


class Clock:
    def __init__(self, now: float = MIDNIGHT_IN_BEIJING - 10) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def grant(account: Account, **changes: str) -> dict[str, str]:
    form = {
        "grant_type": "refresh_token",
        "client_id": account.app_key,
        "client_secret": account.secret,
        "refresh_token": account.refresh_token,
    }
    return account.refresh(form | changes)


def test_a_token_dies_after_its_life_and_not_before() -> None:
    clock = Clock()
    account = Account(token_life_seconds=5, clock=clock)
    clock.now += 4.9
    assert account.accepts("sandbox-token")
    clock.now += 0.1
    assert not account.accepts("sandbox-token")


def test_a_refresh_rotates_both_tokens_and_tells_its_life_as_text() -> None:
    account = Account(token_life_seconds=2)
    answer = grant(account)
    assert answer["expires_in"] == "2"
    assert account.accepts(answer["access_token"])
    assert not account.accepts("sandbox-token")
    with pytest.raises(GrantError) as refused:
        grant(account, refresh_token="sandbox-refresh")
    assert refused.value.body["error"] == "invalid_grant"


def test_a_revoked_token_is_dead_until_the_next_refresh() -> None:
    account = Account()
    account.revoke()
    assert not account.accepts("sandbox-token")
    assert account.accepts(grant(account)["access_token"])


def test_a_refresh_with_a_wrong_secret_is_refused() -> None:
    with pytest.raises(GrantError, match="client_secret"):
        grant(Account(), client_secret="guess")


def test_a_quota_without_numbers_refuses_nothing() -> None:
    quota = Quota()
    assert not any(quota.take("a") for _ in range(1000))


def test_the_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    clock = Clock()
    quota = Quota(2, 3, clock=clock)
    assert [quota.take("a") is None for _ in range(5)] == [True] * 3 + [False] * 2
    clock.now += 0.5
    assert [quota.take("a") is None for _ in range(2)] == [True, False]
    assert quota.take("b") is None


@pytest.mark.parametrize(("form", "status"), [("body", 200), ("http", 429), ("top", 200)])
def test_each_form_of_throttling_names_itself(form: str, status: int) -> None:
    quota = Quota(0.1, 1, form=form, clock=Clock())
    quota.take("a")
    refusal = quota.take("a")
    assert refusal is not None
    assert (refusal.kind, refusal.status) == ("throttled", status)
    assert ("Retry-After" in refusal.headers) == (form == "http")
    assert ("last for 10 more seconds" in str(refusal.body)) == (form == "top")


def test_the_daily_quota_is_whole_again_at_midnight_in_beijing() -> None:
    clock = Clock()
    quota = Quota(daily_calls=2, clock=clock)
    assert [quota.take("a") for _ in range(2)] == [None, None]
    refusal = quota.take("a")
    assert refusal is not None
    assert refusal.body["error_response"]["sub_code"] == "accesscontrol.limited-by-app-access-count"
    clock.now = MIDNIGHT_IN_BEIJING
    assert quota.take("a") is None


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("500@3", [3]),
        ("429@3-6", [3, 4, 5, 6]),
        ("spent@10-", [10, 11, 12]),
        ("reset@%5", [5, 10]),
        ("hang", list(range(1, 13))),
        ("slow=0.5@2", [2]),
        ("html@0%", []),
        ("html@100%", list(range(1, 13))),
    ],
)
def test_a_fault_hits_the_calls_it_names(text: str, calls: list[int]) -> None:
    fault = parse_fault(text)
    assert [call for call in range(1, 13) if fault.hits(call)] == calls


def test_a_seeded_share_hits_about_that_many_and_always_the_same() -> None:
    fault = parse_fault("html@20%")
    hits = [fault.hits(call, seed=1) for call in range(1, 2001)]
    assert 330 < sum(hits) < 470
    assert hits == [fault.hits(call, seed=1) for call in range(1, 2001)]
    assert hits != [fault.hits(call, seed=2) for call in range(1, 2001)]


def test_a_fault_of_one_method_counts_that_method_alone() -> None:
    script = Script([parse_fault("500@2:upload"), parse_fault("401@3"), parse_fault("503@1:token")])
    met = [script.strike(m) for m in ("upload", "token", "search", "upload", "token")]
    assert [fault and fault.kind for fault in met] == [None, "503", None, "500", None]


def test_a_fault_without_a_method_spares_the_token_url() -> None:
    assert Script([Fault("500")]).strike("token") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x@3",
        "500@0",
        "html@120%",
        "500@6-3",
        "500=3@1",
        "401@",
        "500@3:foo",
        "reset@%0",
        "500 @",
    ],
)
def test_a_wrong_fault_is_named_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))) as wrong:
        parse_fault(text)
    assert "\n" not in str(wrong.value)


@given(st.text(max_size=30))
def test_no_text_gives_anything_but_a_fault_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_fault(text).kind in KINDS


@pytest.mark.parametrize("text", ["1", "true", "on", " Yes "])
def test_a_plain_yes_means_the_defaults(text: str) -> None:
    assert SandboxOptions.from_text(text) == SandboxOptions()


def test_options_are_read_from_their_short_form() -> None:
    options = SandboxOptions.from_text(
        "rate=20,burst=5, latency=0.08,token_life=2,fault=500@3,fault=slow=0.5@2,messy=on,seed=3"
    )
    assert options == SandboxOptions(
        rate_per_second=20,
        burst=5,
        latency_seconds=0.08,
        token_life_seconds=2,
        faults=(parse_fault("500@3"), parse_fault("slow=0.5@2")),
        messy=True,
        seed=3,
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("speed=3", "speed"),
        ("rate=fast", "rate"),
        ("rate=0", "rate"),
        ("rate=nan", "rate"),
        ("burst=-1", "burst"),
        ("fault=x@1", "x@1"),
        ("messy=perhaps", "messy"),
        ("port=70000", "port"),
        ("maybe", "maybe"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named) as wrong:
        SandboxOptions.from_text(text)
    assert "\n" not in str(wrong.value)


def test_options_build_a_gateway() -> None:
    gateway = build(SandboxOptions.from_text("rate=2,burst=1,daily=9,token_life=3,messy=1"))
    assert gateway.quota.daily_calls == 9
    assert gateway.account.token_life_seconds == 3
    assert gateway.catalogue.messy
