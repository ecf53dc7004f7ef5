"""What the words of a refusal are about, where its number leaves that open.

Many gateways have one code for every wrong parameter. So the words decide: whole words, after all
that merely repeats the request is cut out of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pailitao_spider.gateways.refusals import (
    BAD_SEED,
    DEAD_TOKEN,
    THROTTLED,
    TRANSIENT,
    UNKNOWN,
    Cause,
    Meaning,
    RefusalClass,
    denied,
)

__all__ = ["bare", "decided", "gist"]

_MOST = 2000  # letters of a refusal that are looked at

# What repeats the request
_BLOB = re.compile(r"data:[\w/+.-]*;base64,[\w+/=-]*|[\w+/]{80,}={0,2}", re.ASCII)
_URL = re.compile(
    r"""(?:https?(?::|%3a)|(?<![\w:])//(?=\w))(?:[/\\]|%2f)*[^\s"'<>\u2e80-\uffff]*"""
    r"""|(?<![\w.])(?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|hk|top)(?:/[^\s"'<>\u2e80-\uffff]*)?(?![\w.])""",
    re.IGNORECASE | re.ASCII,
)
_TELLING = re.compile(
    r"(?:\w*_)?(?:err|error|sub|ret)?(?:msgs?|message|reason|details?|desc|description|info|code)"
    r"|err|errors?|field|param|parameter|arg|argument|name|loc|path",
    re.IGNORECASE | re.ASCII,
)
_QUOTE = r"""\\*["']"""
_PAIR = re.compile(
    rf"""(?:{_QUOTE}(?P<quoted>[\w.-]+){_QUOTE}\s*(?::|=>?)\s*|\[(?P<listed>[\w.-]+)\]\s*=>?\s*"""
    rf"""|<(?P<tag>[\w.-]+)>|(?<![\w.])(?P<plain>[a-z_][\w.-]*)\s?(?:=(?!=)>?|%3d)\s?)"""
    rf"""(?P<value>{_QUOTE}[^"'\\]*{_QUOTE}|[^\s&,;"'<>(){{}}\[\]\u2e80-\uffff]*)"""
    rf"""(?:</(?P=tag)>)?""",
    re.IGNORECASE | re.ASCII,
)
_NOTHING = ("null", "none", "undefined", "nil")

# The API is named after pictures itself
_API = re.compile(
    r"(?<![\w.])(?:1688|taobao|tmall|alibaba|com|cn)(?:[./:][\w-]+)+"
    r"|(?<![a-z])(?:item[ _-]?)?search[ _-]?(?:by[ _-]?)?(?:img|image|picture|pic)(?![a-z])"
    r"|(?<![a-z])(?:img|image|picture|pic)[ _-]?(?:search|query)(?![a-z])"
    r"|(?<![a-z])upload_(?:img|image)(?![a-z])"
    r"|以图搜[图货款]?|图片?搜索?|搜图|图形验证",
    re.IGNORECASE | re.ASCII,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_LETTER = re.compile(r"[^a-z0-9\u2e80-\uffff]+")

PICTURE = "picture"
Subject = Cause | str


def _either(words: str, chinese: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z])|{chinese}")


_SUBJECTS: dict[Subject, re.Pattern[str]] = {
    PICTURE: _either(
        "(?:img|image|pic|picture|photo)(?:s| ?ids?| ?urls?| ?codes?)?|jpe?g|png|webp|gif|bmp",
        "(?<![试意企地版])图|照片|相片",
    ),
    Cause.CLOCK: _either(
        "time ?stamps?|clock|requests? (?:has |is |was |have )?(?:already )?(?:expired|outdated)"
        "|expired requests?|(?:request|server|system|client) time|time skew",
        "时间戳|请求已?(?:过期|超期)|请求时间|系统时间|时钟",
    ),
    Cause.SECRET: _either(
        "(?:app |client )?secrets?|appsecret|secret ?key|sign(?! (?:in|up|on)(?![a-z]))"
        "|signs|signatures?|signing|sign ?methods?|hmac",
        "签名|验签|加签|密钥|秘钥",
    ),
    Cause.PERMISSION: _either(
        "permissions?|permitted|unauthori[sz]ed|not (?:been )?authori[sz]ed|forbidden|access denied"
        "|not subscribed|(?:no|insufficient) (?:rights?|access|privileges?|scopes?)"
        "|account (?:is |was |has been )?(?:suspended|banned|frozen|disabled|locked)",
        "权限|未授权|没有授权|无权|未开通|未订阅|账[号户].{0,6}(?:冻结|封禁|被封|停用)",
    ),
    Cause.TOKEN: _either(
        "(?<!unexpected )(?:access |refresh |auth |api |bearer )?tokens?|accesstoken|apitoken"
        "|sessions?|session ?keys?|(?:sign|log) in|login",
        "令牌|会话|登[录陆]|授权码?已?(?:过期|失效)",
    ),
    Cause.KEY: _either(
        "(?:app|api|client|consumer|access) ?(?:keys?|id)|appid"
        "|(?:invalid|wrong|bad|unknown|missing|illegal|expired|no) key"
        "|key (?:is|was|has|not|error|invalid|expired|missing|does|cannot|can)",
        "应用(?:标识|编号|不存在|无效|已|未)",
    ),
    Cause.SETTINGS: _either(
        "methods?|(?:no such|unknown|invalid) api|api (?:is |was |does )?(?:not found|not exist)",
        "方法|接口(?:名|不存在)",
    ),
}
_QUOTAS: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (
        _either(
            "(?:insufficient|not enough|no|low|out of) (?:account )?(?:balance|credits?|quota)"
            "|(?:balance|credits?|quota) (?:is |are |was |has been |have been )?(?:insufficient"
            "|not enough|exceeded|exhausted|used up|depleted)"
            "|(?:daily|monthly) (?:\\w+ )?(?:limit|quota)|exceeded (?:the |your )?(?:\\w+ )?quota",
            "余额不足|欠费|充值|配额|额度(?:已|不足|用)|调用次数|次数(?:已|不足|用|超)|今日.{0,8}上限",
        ),
        Meaning(RefusalClass.SPENT, Cause.QUOTA),
    ),
    (
        _either(
            "too many (?:requests?|calls?|images?|pictures?|quer(?:y|ies)|searches)|too fast"
            "|too frequent(?:ly)?|rate limit(?:ed|ing|s)?|slow down|throttl(?:ed|ing)|qps"
            "|(?:requests?|calls?|images?|quer(?:y|ies)) per (?:second|minute)",
            "频繁|太快|过快|限流|流控|频率",
        ),
        THROTTLED,
    ),
)
"""What is said of calls and money is never said of a picture, even where it names one."""
_BUSY = _either(
    "busy|time(?:d)? ?out|unavailable|overload(?:ed)?|(?:try|retry) (?:again|later)|maintenance",
    "繁忙|超时|稍后|维护",
)

_ANY: Sequence[Subject] = (
    PICTURE, Cause.CLOCK, Cause.SECRET, Cause.PERMISSION, Cause.TOKEN, Cause.KEY, Cause.SETTINGS,
)  # fmt: skip
_ABOUT_CALLER: Sequence[Subject] = (Cause.CLOCK, Cause.SECRET, Cause.KEY)
_HEARD: dict[RefusalClass, Sequence[Subject]] = {
    RefusalClass.BAD_SEED: _ANY,
    RefusalClass.DENIED: (PICTURE, Cause.PERMISSION, *_ANY[1:]),
    RefusalClass.TOKEN: (Cause.TOKEN, *_ABOUT_CALLER),
    RefusalClass.TRANSIENT: _ABOUT_CALLER,
}
"""By the class that a vague code has: what its words may say instead, the first before the last."""


def bare(words: str) -> str:
    """The words without what they repeat of the request: URLs, pictures, `name=value` in its many
    notations. A pair whose name announces words, such as `msg`, leaves them.
    """
    text = _URL.sub(" ", _BLOB.sub(" ", words[:_MOST]))
    return _PAIR.sub(_left_of_pair, text)


def _left_of_pair(pair: re.Match[str]) -> str:
    name = pair["quoted"] or pair["listed"] or pair["tag"] or pair["plain"]
    value = pair["value"].strip("\\\"' ")
    if _TELLING.fullmatch(name):
        return f" {bare(value)} "
    return f" {name} " if value.lower() in _NOTHING else " "


def gist(words: str) -> str:
    """What stays the same when the same is said of another picture: no number, id or echo."""
    plain = _NO_LETTER.sub(" ", bare(words).lower())
    return " ".join(word for word in plain.split() if not any(map(str.isdigit, word)))


def decided(
    by_code: Meaning | None,
    by_status: Meaning | None,
    words: str,
    causes: Mapping[Cause, Meaning] | None = None,
) -> Meaning:
    """What a refusal means: the code where it is clear, else the words, else the HTTP status.

    `words` hold the code as well, `causes` what a dialect makes of a cause that they name. What
    nobody knows is UNKNOWN.
    """
    if by_code is None and by_status in (THROTTLED, TRANSIENT):
        return by_status
    if by_code is not None and not by_code.is_vague:
        return by_code
    if (quota := _quota(words)) is not None:
        return quota
    kind = RefusalClass.BAD_SEED if by_code is None else by_code.kind
    subject = _subject(words, _HEARD.get(kind, ()))
    if subject is None or (kind is RefusalClass.TRANSIENT and _is_busy(words)):
        return _without_subject(by_code, by_status)
    if subject == PICTURE:
        return BAD_SEED
    cause = Cause(subject)
    if by_code is not None and cause is by_code.cause:
        return by_code
    return (causes or {}).get(cause) or (DEAD_TOKEN if cause is Cause.TOKEN else denied(cause))


def _without_subject(by_code: Meaning | None, by_status: Meaning | None) -> Meaning:
    if by_code is None:
        is_wrong_place = by_status is not None and by_status.cause is Cause.SETTINGS
        return UNKNOWN if by_status is None or is_wrong_place else by_status
    return UNKNOWN if by_code.kind is RefusalClass.BAD_SEED else by_code


def _subject(words: str, heard: Sequence[Subject]) -> Subject | None:
    """The first of those that are heard which the words name."""
    text = _plain(words)
    return next((each for each in heard if _SUBJECTS[each].search(text)), None)


def _quota(words: str) -> Meaning | None:
    text = _plain(words)
    return next((meaning for pattern, meaning in _QUOTAS if pattern.search(text)), None)


def _is_busy(words: str) -> bool:
    return _BUSY.search(_plain(words)) is not None


def _plain(words: str) -> str:
    """Lower-case words with single blanks between them: `app_key`, `appKey`, `app-key` are one."""
    text = _CAMEL.sub(" ", _API.sub(" ", bare(words)))
    return _NO_LETTER.sub(" ", text.lower())
