"""A dialect of one's own, for an invented gateway that takes a picture's URL and speaks JSON.

    export PYTHONPATH=examples PAILITAO_GATEWAY=dialect:PictureFinder PAILITAO_ACCESS_TOKEN=…

It answers `{"offers": [{"id", "name", "fen", "sold"}], "found": 60}` or `{"error", "about"}`.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from pailitao_spider.errors import AnswerError
from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall
from pailitao_spider.gateways.json_bodies import decode, whole_number
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass, retry_after_seconds
from pailitao_spider.offers.row_reader import RowShape, RowsToRead
from pailitao_spider.offers.values import fen

ERRORS = {
    "slow_down": (RefusalClass.THROTTLED, Cause.QUOTA, ""),
    "bad_token": (RefusalClass.DENIED, Cause.TOKEN, "check PAILITAO_ACCESS_TOKEN"),
    "bad_picture": (RefusalClass.BAD_SEED, None, ""),
}


class PictureFinder:
    name = "picturefinder"
    url = "https://finder.example/search"
    token_url = None
    limits = Limits(page_size=30, picture=None, sorts=frozenset(), search_types=frozenset({1}))
    shape = RowShape(
        names={"num_iid": ("id",), "title": ("name",), "price": ("fen",), "sales": ("sold",)},
        readers={"price": fen},
        sales_window="30d",
    )
    needs = ("access_token",)

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        query = {"token": credential.access_token or "", "picture": imgid, "page": call.page}
        return Form(f"{url}?{urlencode(query)}", method="GET")

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        try:
            answer = decode(body)
            if "error" in answer:
                return self.refusal(str(answer["error"]), str(answer.get("about")), headers)
            rows = RowsToRead(list(answer["offers"]), self.shape)
            return Page(rows, whole_number(answer["found"]))
        except (AnswerError, KeyError, TypeError, AttributeError):
            return self.refusal(f"HTTP {status}", "no answer of this gateway", headers)

    def refusal(self, code: str, text: str, headers: Mapping[str, str]) -> Refusal:
        kind, cause, remedy = ERRORS.get(code, (RefusalClass.TRANSIENT, None, ""))
        wait = retry_after_seconds(headers.get("retry-after"), headers.get("date"))
        return Refusal(kind, code, text, wait, remedy, cause=cause)
