BOT_NAME = "pailitao_spider"
