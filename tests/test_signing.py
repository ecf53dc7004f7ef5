"""Signatures against known results; `signatures.json` says where each comes from."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.gateways.signing import SIGNERS, sign, sign_path

VECTORS = json.loads((files("pailitao_spider.gateways") / "signatures.json").read_text("utf-8"))
OF_ROUTER = [vector for vector in VECTORS if vector["dialect"] == "router"]
OF_AOP = [vector for vector in VECTORS if vector["dialect"] == "aop"]
METHODS = pytest.mark.parametrize("method", list(SIGNERS))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PARAMS = st.dictionaries(TEXTS, TEXTS, max_size=8)


@pytest.mark.parametrize(
    "vector", OF_ROUTER, ids=lambda v: f"{v['sign_method']}-{v['origin'].replace(' ', '-')}"
)
def test_a_known_call_has_its_known_signature(vector: dict[str, Any]) -> None:
    assert sign(vector["params"], vector["secret"], vector["sign_method"]) == vector["expected"]


@pytest.mark.parametrize("vector", OF_AOP, ids=lambda v: v["path"])
def test_a_known_path_has_its_known_signature(vector: dict[str, Any]) -> None:
    assert sign_path(vector["path"], vector["params"], vector["secret"]) == vector["expected"]


def test_every_known_result_is_tried() -> None:
    assert len(OF_ROUTER) + len(OF_AOP) == len(VECTORS) > len(OF_ROUTER) > 0


def test_the_known_results_cover_what_was_published() -> None:
    assert {vector["sign_method"] for vector in OF_ROUTER} == {"md5", "hmac-sha256"}
    assert len(OF_ROUTER) == 4


# RFC 1321 A.5 (MD5), RFC 2202 section 2 case 2 (HMAC-MD5), RFC 4231 case 2 (HMAC-SHA256).
# The message is split into one parameter's name and value.
@pytest.mark.parametrize(
    ("params", "secret", "method", "expected"),
    [
        pytest.param({}, "", "md5", "D41D8CD98F00B204E9800998ECF8427E", id="md5-of-nothing"),
        pytest.param(
            {"message ": "digest"}, "", "md5", "F96B697D7CB7938D525A2F31AAF161D0", id="md5"
        ),
        pytest.param(
            {"what do ya want ": "for nothing?"},
            "Jefe",
            "hmac",
            "750C783E6AB0B503EAA86E310A5DB738",
            id="hmac-md5",
        ),
        pytest.param(
            {"what do ya want ": "for nothing?"},
            "Jefe",
            "hmac-sha256",
            "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
            id="hmac-sha256",
        ),
    ],
)
def test_each_method_is_the_one_of_its_standard(
    params: dict[str, str], secret: str, method: str, expected: str
) -> None:
    assert sign(params, secret, method) == expected


def test_md5_has_the_secret_on_both_sides() -> None:
    assert sign({"age": " d"}, "mess") == sign({"messag": "e dmess"}, "") != sign({"age": " d"}, "")
    assert sign({"essage diges": ""}, "m") != sign({"essage diges": ""}, "t")


@METHODS
def test_keys_are_signed_in_ascii_order(method: str) -> None:
    shuffled = {"b": "4", "B": "1", "_": "2", "a": "3"}
    assert sign(shuffled, "s", method) == sign({"B1_2a3b4": ""}, "s", method)


@given(method=st.sampled_from(list(SIGNERS)), params=PARAMS, secret=TEXTS, data=st.data())
def test_the_order_in_which_parameters_are_given_does_not_matter(
    method: str, params: dict[str, str], secret: str, data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(params.items()))))
    assert sign(shuffled, secret, method) == sign(params, secret, method)


@METHODS
def test_a_sign_among_the_parameters_is_left_out(method: str) -> None:
    assert sign({"a": "1", "sign": "OLD"}, "s", method) == sign({"a": "1"}, "s", method)


@METHODS
@pytest.mark.parametrize("name", ["sign_method", "DriftFinding", "signature"])
def test_every_other_parameter_is_signed(method: str, name: str) -> None:
    assert sign({"a": "1", name: "x"}, "s", method) != sign({"a": "1"}, "s", method)


# MD5 of the UTF-8 bytes of "密词语密", by md5sum.
def test_text_is_signed_as_utf_8() -> None:
    assert sign({"词": "语"}, "密") == "97477AFA4438FB479D7C9402E03842B4"


@METHODS
def test_an_empty_value_is_signed_with_its_name(method: str) -> None:
    assert sign({"a": "", "b": "2"}, "s", method) == sign({"ab2": ""}, "s", method)


@given(method=st.sampled_from(list(SIGNERS)), params=PARAMS, secret=TEXTS)
def test_a_signature_is_upper_case_hex_of_its_length(
    method: str, params: dict[str, str], secret: str
) -> None:
    signature = sign(params, secret, method)
    assert len(signature) == (64 if method == "hmac-sha256" else 32)
    assert set(signature) <= set("0123456789ABCDEF")


# the open platform's


# RFC 2202 section 3 case 2 (HMAC-SHA1), the message split into a path, a name and a value.
def test_a_path_s_signature_is_hmac_sha1_of_the_path_and_the_parameters() -> None:
    expected = "EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79"
    assert sign_path("what do ya ", {"want ": "for nothing?"}, "Jefe") == expected
    assert sign_path("what do ya want for nothing?", {}, "Jefe") == expected


def test_a_path_s_parameters_are_signed_in_ascii_order() -> None:
    shuffled = {"b": "4", "B": "1", "_aop_timestamp": "2", "a": "3"}
    assert sign_path("p", shuffled, "s") == sign_path("pB1_aop_timestamp2a3b4", {}, "s")


def test_an_aop_signature_among_the_parameters_is_left_out_and_a_sign_is_not() -> None:
    signed = {"a": "1", "sign": "x"}
    assert sign_path("p", {**signed, "_aop_signature": "OLD"}, "s") == sign_path("p", signed, "s")
    assert sign_path("p", signed, "s") != sign_path("p", {"a": "1"}, "s")


@given(path=TEXTS, params=PARAMS, secret=TEXTS)
def test_a_path_s_signature_is_upper_case_hex(
    path: str, params: dict[str, str], secret: str
) -> None:
    assert set(sign_path(path, params, secret)) <= set("0123456789ABCDEF")
    assert len(sign_path(path, params, secret)) == 40
