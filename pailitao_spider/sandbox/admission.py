"""The gateway's desk: its accounts, and what each of them may still ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.refusals import RefusalError

__all__ = ["Desk"]


class Desk:
    """One for all dialects, so that a key has one quota whichever it speaks.

    `quotas` are those of single keys; the others share the terms of `quota`, each by itself.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        quota: Quota,
        quotas: Mapping[str, Quota],
        clock: Callable[[], float],
    ) -> None:
        self.accounts = {account.app_key: account for account in accounts}
        self.now = clock
        self._quota = quota
        self._quotas = dict(quotas)

    def holder(self, token: str) -> Account | None:
        """Whose access token it is."""
        return next((each for each in self.accounts.values() if each.holds(token)), None)

    def charge(self, account: Account) -> None:
        """Count one call. Raises RefusalError when it is one too many."""
        if refusal := self._quota_of(account).take(account.app_key):
            raise RefusalError(refusal)

    def day_of(self, account: Account) -> tuple[int, int | None]:
        """Calls used today and calls of a day; None is without end."""
        quota = self._quota_of(account)
        return quota.used_today(account.app_key), quota.daily_calls

    def _quota_of(self, account: Account) -> Quota:
        return self._quotas.get(account.app_key, self._quota)
