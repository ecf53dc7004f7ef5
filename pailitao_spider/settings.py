"""The project's settings: the plug-in, and defaults that suit an API client.

Put your own above or in the environment; `PAILITAO_...` settings are listed in the README.
"""

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
DOWNLOAD_MAXSIZE = 8 * 2**20
DOWNLOAD_HANDLERS = {"data": None, "file": None, "ftp": None, "s3": None}

# What comes between is for web pages, and costs each request and item its share.
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,
    "scrapy.spidermiddlewares.referer.RefererMiddleware": None,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.start.StartSpiderMiddleware": None,  # the spider marks its own
}
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
}

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
LOG_FORMATTER = "pailitao_spider.logformatter.QuietLogFormatter"
STATS_DUMP = False
STATS_CLASS = "pailitao_spider.collector.QuickStats"
WARN_ON_GENERATOR_RETURN_VALUE = False  # it reads the callback's source for every answer
