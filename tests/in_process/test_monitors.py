"""The Spidermon suite: what went wrong with a run is told, by Spidermon's own means."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import pytest_twisted

from pailitao_spider import PailitaoSpider
from pailitao_spider.monitoring.spidermon import PailitaoMonitors
from tests.in_process.conftest import Ran
from tests.test_crawl import photo

with warnings.catch_warnings():  # Spidermon mails by Scrapy's own mailer, which is on its way out
    warnings.simplefilter("ignore")
    from spidermon.contrib.actions.email.smtp import SendSmtpEmail

Crawl = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore::Warning")


class Mailing(PailitaoMonitors):
    monitors_failed_actions = [SendSmtpEmail]  # noqa: RUF012


SETTINGS = {
    "EXTENSIONS": {"spidermon.contrib.scrapy.extensions.Spidermon": 500},
    "SPIDERMON_ENABLED": True,
    "SPIDERMON_ENGINE_STOP_MONITORS": ["tests.in_process.test_monitors.Mailing"],
    "SPIDERMON_EMAIL_FAKE": True,
    "SPIDERMON_SMTP_HOST": "127.0.0.1",
    "SPIDERMON_SMTP_USER": "user",
    "SPIDERMON_SMTP_PASSWORD": "password",
    "SPIDERMON_EMAIL_SENDER": "crawls@example.com",
    "SPIDERMON_EMAIL_TO": "buyer@example.com",
    "SPIDERMON_EMAIL_SUBJECT": "the crawl",
    "SPIDERMON_BODY_HTML_TEMPLATE": "reports/email/monitors/result.jinja",
    "FEEDS": {"offers.jsonl": {"format": "jsonlines"}},
}
GOOD, BAD = photo("mug-01"), "https://sandbox.invalid/unknown.png"


@pytest.mark.parametrize(
    ("seeds", "settings", "words"),
    [
        ([GOOD], {}, None),
        ([GOOD, BAD], {}, "1 seeds failed or came in part"),
        ([GOOD, BAD], {"SPIDERMON_PAILITAO_MAX_FAILED_SEEDS": 1}, "calls were refused"),
        ([GOOD], {"PAILITAO_SANDBOX": "fault=500@1"}, "refused: 1 transient"),
        ([GOOD], {"PAILITAO_PRICE": "0.5", "SPIDERMON_PAILITAO_MAX_SPENT": "0.1"}, "0.50 yuan"),
        ([GOOD], {"PAILITAO_PRICE": "0.5", "SPIDERMON_PAILITAO_MAX_SPENT": "0.5"}, None),
        ([GOOD], {"PAILITAO_SANDBOX": "drift=rename@1"}, "nobody documents"),
    ],
    ids=["all well", "a bad seed", "one may be", "a refusal", "money", "enough money", "drift"],
)
@pytest_twisted.ensureDeferred
async def test_what_went_wrong_is_mailed(
    crawl: Crawl,
    tmp_path: Any,
    caplog: pytest.LogCaptureFixture,
    seeds: list[str],
    settings: dict[str, Any],
    words: str | None,
) -> None:
    (tmp_path / "seeds.txt").write_text("\n".join(seeds))

    caplog.set_level("INFO")
    ran: Ran = await crawl(PailitaoSpider, SETTINGS | settings, seeds="seeds.txt")

    assert len(ran.ids) == 49
    text = "\n".join(each.getMessage() for each in caplog.records)
    assert "5 monitors in" in text
    if words is None:
        assert "FAIL:" not in text
        assert "buyer@example.com" not in text
        return
    assert words in text
    assert "buyer@example.com" in text, "the mail that would have gone"
