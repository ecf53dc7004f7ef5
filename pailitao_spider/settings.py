"""The project's settings: the plug-in, and defaults that suit an API client.

Put your own above or in the environment; `PAILITAO_...` settings are listed in docs/reference.md.
"""

from scrapy.settings import default_settings

BOT_NAME = "pailitao_spider"
SPIDER_MODULES = ["pailitao_spider.spiders"]
COMMANDS_MODULE = "pailitao_spider.commands"
ADDONS = {"pailitao_spider.Addon": 500}

FEED_EXPORT_ENCODING = "utf-8"

FEED_EXPORTERS = {  # the command line asks for these before the add-on is there
    "xlsx": "pailitao_spider.exporters.XlsxExporter",
    "parquet": "pailitao_spider.exporters.ParquetExporter",
}

# How many calls may be under way; how fast they leave is the gate's decision.
CONCURRENT_REQUESTS = 64
CONCURRENT_REQUESTS_PER_DOMAIN = 64  # so many connections stay open for the next call
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_MAXSIZE = 8 * 2**20
DOWNLOAD_HANDLERS = {"data": None, "file": None, "ftp": None, "s3": None}


def _without(base: dict[str, int], *names: str) -> dict[str, int]:
    """Scrapy loads what a `None` switches off all the same: what is not listed, it does not. One
    that is named in the setting without `_BASE` is there again.
    """
    return {path: order for path, order in base.items() if path.rpartition(".")[2] not in names}


# What comes between is for web pages, and costs each request and item its share.
SPIDER_MIDDLEWARES_BASE = _without(
    default_settings.SPIDER_MIDDLEWARES_BASE,
    "HttpErrorMiddleware",
    "RefererMiddleware",
    "UrlLengthMiddleware",
    "DepthMiddleware",
    "StartSpiderMiddleware",  # the spider marks its own
    "MetaCopyDetectionMiddleware",
)
DOWNLOADER_MIDDLEWARES_BASE = _without(
    default_settings.DOWNLOADER_MIDDLEWARES_BASE,
    "OffsiteMiddleware",
    "HttpAuthMiddleware",
    "RobotsTxtMiddleware",
    "MetaRefreshMiddleware",
    "RedirectMiddleware",
    "CookiesMiddleware",  # loads tldextract, requests and urllib3
    "HttpCompressionMiddleware",
) | {"pailitao_spider.middlewares.compression.CompressionMiddleware": 590}
EXTENSIONS_BASE = _without(  # one that is named in EXTENSIONS is there again
    default_settings.EXTENSIONS_BASE,
    "TelnetConsole",  # loads Twisted's SSH
    "RemoteControl",  # loads aiohttp, its client and its server
)

# Nothing but the API is asked.
COOKIES_ENABLED = False
REDIRECT_ENABLED = False
METAREFRESH_ENABLED = False
ROBOTSTXT_OBEY = False
REFERER_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

LOG_LEVEL = "INFO"
LOG_VERSIONS: list[str] = []
LOG_FORMATTER = "pailitao_spider.scrapy_overrides.QuietLogFormatter"
STATS_DUMP = False
STATS_CLASS = "pailitao_spider.scrapy_overrides.QuickStats"
WARN_ON_GENERATOR_RETURN_VALUE = False  # it reads the callback's source for every answer
