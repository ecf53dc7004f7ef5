"""Forms as they go over the wire."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.gateways.urlencode import encoded

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT, TEXT | st.just("9" * 2000) | st.just("+/" * 2000)))
@example({})
@example({"imgid": "https://a.test/b c.jpg?d=e&f=g", "a_b": "", "é": "1²", "x": "٣"})
def test_a_form_is_encoded_as_the_standard_library_does(params: dict[str, str]) -> None:
    assert encoded(params) == urlencode(params)
