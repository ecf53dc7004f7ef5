"""Keys as they are used: what is set of one, with what its gateway and earlier runs add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pailitao_spider.config.credentials import KeyConfig, keys_of
from pailitao_spider.config.setting_table import Config
from pailitao_spider.config.shown_urls import without_login
from pailitao_spider.gateways.calls import Credential
from pailitao_spider.gateways.protocol import Dialect
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.keys.budget import Budget, KeyLimits
from pailitao_spider.keys.key import Key
from pailitao_spider.keys.rate_limiter import RateLimiter
from pailitao_spider.keys.token_file import TokenFile, default_folder
from pailitao_spider.keys.tokens import Token, TokenStore
from pailitao_spider.keys.upload_cache import Uploads

if TYPE_CHECKING:
    from pailitao_spider.sandbox.server import Site

__all__ = ["Account", "accounts_of"]


@dataclass(frozen=True, slots=True)
class Account:
    """What a key is made from: who calls, where, with which tokens."""

    config: KeyConfig
    dialect: Dialect
    url: str
    token_url: str | None
    credential: Credential
    """Without a token that could be renewed."""
    configured: Token
    is_invented: bool = False
    """It is the sandbox's: nothing of it is kept."""

    @property
    def owner(self) -> str:
        """Tells it from all other keys. No secret."""
        return f"{without_login(self.url)} {self.credential.owner}"

    @property
    def rate(self) -> float | None:
        """Calls a second: what is set, else what the gateway states; None is to be found."""
        return self.dialect.limits.rate if self.config.rate is None else self.config.rate

    @property
    def allowance(self) -> KeyLimits:
        return KeyLimits(self.config.daily_calls, self.config.price)

    def token_file(self) -> TokenFile:
        """Where its newest tokens are kept from run to run."""
        return TokenFile.of(default_folder(), self.credential.owner, self.configured)

    def key(self, gate: RateLimiter, tokens: TokenStore, budget: Budget, uploads: Uploads) -> Key:
        """The key as the pool has it."""
        return Key(
            name=self.config.name,
            group=self.config.group,
            gateway="sandbox" if self.is_invented else self.dialect.name,
            dialect=self.dialect,
            url=self.url,
            token_url=self.token_url,
            credential=self.credential,
            gate=gate,
            tokens=tokens,
            budget=budget,
            uploads=uploads,
        )

    def newest(self) -> Token:
        """The kept tokens, else the configured ones."""
        return self.configured if self.is_invented else self.token_file().newest()


def accounts_of(config: Config, sandbox: Site | None = None) -> list[Account]:
    """The keys of the settings; with the embedded sandbox they are its own. Raises ConfigError."""
    return [_account(key, sandbox) for key in keys_of(config)]


def _account(config: KeyConfig, sandbox: Site | None) -> Account:
    spoken = dialect(config.gateway)
    if sandbox is not None:
        return _invented(config, spoken, sandbox)
    app_key = config.app_key or ""
    own_token = None if app_key else config.access_token
    token_url = config.token_url or spoken.token_url
    return Account(
        config,
        spoken,
        config.url or spoken.url,
        token_url and token_url.replace("{app_key}", app_key),
        Credential(app_key, config.app_secret or "", own_token),
        Token(config.access_token, config.refresh_token),
    )


def _invented(config: KeyConfig, spoken: Dialect, sandbox: Site) -> Account:
    known = sandbox.gateway.accounts.get(config.app_key or "", sandbox.gateway.account)
    token_url = sandbox.token_url_of(spoken.name)
    return Account(
        config,
        spoken,
        sandbox.url_of(spoken.name),
        token_url and token_url.replace("{app_key}", known.app_key),
        Credential(known.app_key, known.secret),
        Token(known.access_token, known.refresh_token),
        is_invented=True,
    )
