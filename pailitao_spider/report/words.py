"""Every word of the page in English and Chinese; `{name}` stands for a value, and `{name:one|more}`
for a word that follows its number.
"""

from __future__ import annotations

import re

__all__ = ["WORDS", "word_of"]

WORDS: dict[str, tuple[str, str]] = {
    "skip": ("Skip to the offers", "跳到商品"),
    "views": ("Views", "视图"),
    "offers": ("Offers", "商品"),
    "overview": ("Overview", "总览"),
    "made": ("made {when}", "生成于 {when}"),
    "theme": ("Light or dark", "浅色或深色"),
    "theme_auto": ("◐ Auto", "◐ 自动"),
    "theme_light": ("☀ Light", "☀ 浅色"),
    "theme_dark": ("☾ Dark", "☾ 深色"),
    "invented": (
        "These offers are invented: they come from the sandbox, and their pictures are drawn.",
        "这些商品是虚构的：来自沙盒，图片为绘制。",
    ),
    "limited": (
        "{shown} of {all} offers are shown: the most similar of each photo. Counts, prices and "
        "suppliers in the overview are of all. Show more with --limit.",
        "共 {all} 件商品，本页显示每张图片最相似的 {shown} 件；总览按全部商品计算。"
        "用 --limit 显示更多。",
    ),
    "pictures_left_out": (
        "{count} {count:picture is|pictures are} left out: the page would grow too large.",
        "为控制页面大小，省略了 {count} 张图片。",
    ),
    "torn": (
        "{count} {count:line|lines} could not be read and {count:is|are} left out, the first at "
        "{where}.",
        "有 {count} 行无法读取，已略去；第一处在 {where}。",
    ),
    "photos": ("Photos", "图片"),
    "photo": ("Photo", "图片"),
    "all_photos": ("All photos", "全部图片"),
    "unknown_photo": ("photo unknown", "图片未知"),
    "find_photo": ("Find a photo", "查找图片"),
    "more_photos": ("{count} more: search by name", "还有 {count} 张，请按名称查找"),
    "text": ("Search title, seller or id", "搜索标题、卖家或编号"),
    "filters": ("Filters", "筛选"),
    "sort": ("Sort by", "排序"),
    "by_similarity": ("Similarity", "相似度"),
    "by_look": ("Look", "外观"),
    "look": ("Compared by their looks, roughly", "按外观粗略比较"),
    "by_price": ("Price", "价格"),
    "by_sales": ("Sales", "销量"),
    "price_span": ("Price, ¥", "价格 ¥"),
    "min_price": ("Lowest price in yuan", "最低价（元）"),
    "max_price": ("Highest price in yuan", "最高价（元）"),
    "min": ("min", "最低"),
    "max": ("max", "最高"),
    "max_moq": ("MOQ at most", "起订量不超过"),
    "min_similarity": ("Similarity from", "相似度不低于"),
    "area": ("Area", "地区"),
    "shop_type": ("Shop type", "店铺类型"),
    "any": ("any", "不限"),
    "dropship_only": ("Dropship only", "仅一件代发"),
    "keep_unknown": ("Keep unknown", "保留未知"),
    "reset": ("Reset", "重置"),
    "show_results": ("Show", "查看"),
    "count": ("{found} of {all} {all:offer|offers}", "{found} / {all} 件商品"),
    "unjudged": (", of {count} a filter does not know enough", "，其中 {count} 件信息不足以判断"),
    "none_found": ("No offer fits these filters.", "没有符合筛选条件的商品。"),
    "none_at_all": ("This photo has no offers.", "这张图片没有商品。"),
    "none_new": (
        "{count} {count:row was|rows were} found for this photo, none of them new: these offers "
        "stand under another photo (or a filter of the crawl left them out). Crawl with "
        "PAILITAO_MATCHES=1 to have it told which.",
        "这张图片找到 {count} 行，但没有新商品：它们已列在其他图片下（或被抓取时的筛选略去）。"
        "抓取时设置 PAILITAO_MATCHES=1 即可知道是哪些图片。",
    ),
    "tick_page": ("Tick this page", "勾选本页"),
    "previous": ("Previous", "上一页"),
    "next": ("Next", "下一页"),
    "page": ("{page} of {pages}", "第 {page} / {pages} 页"),
    "pages_label": ("Pages", "分页"),
    "tick": ("Shortlist: {title}", "加入清单：{title}"),
    "shortlist": ("Shortlist", "清单"),
    "ticked": ("{count} ticked", "已选 {count} 件"),
    "show_ticked": ("Show", "查看"),
    "clear": ("Clear", "清空"),
    "download": ("Download CSV", "下载 CSV"),
    "unknown": ("unknown", "未知"),
    "price_unknown": ("Price unknown", "价格未知"),
    "title_unknown": ("Title unknown", "标题未知"),
    "seller_unknown": ("Seller unknown", "卖家未知"),
    "from_price": ("from {price}", "{price} 起"),
    "to_price": ("up to {price}", "最高 {price}"),
    "promotion": ("Promo {price}", "促销 {price}"),
    "moq": ("MOQ", "起订量"),
    "sold": ("Sold", "销量"),
    "sold_total": ("Sold in all", "总销量"),
    "sold_days": ("Sold, {days} days", "{days} 天销量"),
    "postage": ("Postage", "运费"),
    "free": ("free", "包邮"),
    "dropship": ("Dropship", "一件代发"),
    "yes": ("yes", "支持"),
    "no": ("no", "不支持"),
    "ad": ("Ad", "广告"),
    "off_sale": ("Off sale", "已下架"),
    "in_photos": ("in {count} photos", "见于 {count} 张图片"),
    "similarity": ("Similarity", "相似度"),
    "of_seller": ("Offers of {seller}", "{seller} 的商品"),
    "facts_count": ("{count} {count:offer|offers}", "{count} 件商品"),
    "facts_median": ("median {median}", "中位价 {median}"),
    "facts_similarity": ("similarity {span}", "相似度 {span}"),
    "facts_prices": ("Prices of what is found", "所列商品的价格分布"),
    "suppliers": ("Suppliers", "供应商"),
    "supplier": ("Supplier", "供应商"),
    "covers": ("Photos", "图片"),
    "price_level": ("Price level", "价格水平"),
    "score": ("Score", "评分"),
    "median_price": ("Median price", "中位价"),
    "prices": ("Prices", "价格分布"),
    "prices_said": ("How many offers cost what, in yuan", "各价位的商品数（元）"),
    "supplier_prices": ("Suppliers: price level and photos", "供应商：价格水平与覆盖图片"),
    "suppliers_said": (
        "To the right the price, 100% being the median of the same photo; upwards the photos; "
        "the size: the offers.",
        "横轴为价格水平（100% 为同一图片的中位价），纵轴为覆盖的图片数，大小为商品数。",
    ),
    "picked_fewest": (
        "Filled are the fewest that together have all {all} {all:photo|photos}: {count}.",
        "实心的是覆盖全部 {all} 张图片的最少供应商：{count} 家。",
    ),
    "picked_part": (
        "Filled are the fewest that together have as many photos as can be had, {covered} of "
        "{all}: {count}.",
        "无法覆盖全部图片；实心的是覆盖 {all} 张中 {covered} 张的最少供应商：{count} 家。",
    ),
    "picked_greedily": (
        "Filled are {count} that together have {covered} of {all} photos; they were found "
        "greedily, fewer may do.",
        "实心的 {count} 家共覆盖 {all} 张图片中的 {covered} 张；按贪心法求得，可能还有更少的组合。",
    ),
    "with_price": (
        "{count} of {all} {all:offer|offers} {count:tells|tell} a price above 0.",
        "{all} 件商品中 {count} 件有价格。",
    ),
    "more_suppliers": (
        "The first {shown} of {all}; scrapy pailitao suppliers --top N tells more.",
        "共 {all} 家，显示前 {shown} 家；更多请用 scrapy pailitao suppliers --top N。",
    ),
    "nameless": (
        "{count} {count:offer names|offers name} no seller.",
        "{count} 件商品没有卖家信息。",
    ),
    "status": ("Status", "状态"),
    "status_done": ("done", "完成"),
    "status_empty": ("empty", "无结果"),
    "status_partial": ("partial", "部分"),
    "status_failed": ("failed", "失败"),
    "status_open": ("no result yet (not told)", "尚无结果（未记录）"),
    "rejected": ("Rejected rows", "无效行"),
    "rejected_rows": ("{count} {count:row was|rows were} no offer:", "{count} 行不是商品："),
    "problems": ("What is missing", "缺失与失败"),
    "not_ended": (
        "This run has not ended: {count} {count:photo has|photos have} no result yet; go on with "
        "-o {feed} (a cluster's: merge again).",
        "本次抓取尚未结束：还有 {count} 张图片没有结果；请用 -o {feed} 继续（集群：请重新合并）。",
    ),
    "running": (
        "This run is still going on; {count} {count:photo has|photos have} offers here but no "
        "result yet.",
        "本次抓取仍在进行；其中 {count} 张图片已有商品但尚无结果。",
    ),
    "running_on": (
        "This run is still going on; more may come.",
        "本次抓取仍在进行，可能还有更多结果。",
    ),
    "killed": (
        "This run was killed; more photos may be left: go on with -o {feed}.",
        "本次抓取被强行中止，可能还有图片未处理；请用 -o {feed} 继续。",
    ),
    "elsewhere": (
        "{count} {count:photo|photos} found nothing new: these offers stand under other photos "
        "(or a filter of the crawl left them out). PAILITAO_MATCHES=1 has it told which.",
        "{count} 张图片没有新商品：它们已列在其他图片下（或被抓取时的筛选略去）。"
        "设置 PAILITAO_MATCHES=1 即可知道是哪些图片。",
    ),
    "rows_elsewhere": (
        "{count} {count:row|rows}, under other photos",
        "{count} 行，列在其他图片下",
    ),
    "sideways": ("→ Scroll sideways for more columns", "→ 左右滑动查看更多列"),
    "more_problems": (
        "and {count} more; offers.seeds.jsonl names all.",
        "还有 {count} 项，见 offers.seeds.jsonl。",
    ),
    "reported": ("Reported", "平台报告"),
    "pages": ("Pages", "页数"),
    "calls": ("Calls", "调用"),
    "shown": ("{count} shown", "显示 {count}"),
    "more_seeds": (
        "{shown} of {all} photos; the ledger has all.",
        "共 {all} 张图片，显示 {shown} 张；完整记录见账本。",
    ),
    "no_ledger": (
        "No ledger lies beside the feed, so how the photos ended is not known.",
        "数据旁没有账本，无法得知各图片的结果状态。",
    ),
}  # fmt: skip

# Why a seed failed or a row was no offer; the code that the files have follows in brackets.
_CODES: dict[str, tuple[str, str]] = {
    "throttled": ("calls came faster than the gateway allows", "调用过快，被平台限流"),
    "spent": ("the calls of the key are used up", "调用次数已用完"),
    "token": ("the access token is not accepted", "访问令牌无效"),
    "denied": ("the gateway refused the key or the call", "平台拒绝了密钥或此次调用"),
    "bad_seed": ("the gateway cannot use this picture", "平台无法使用这张图片"),
    "transient": ("gateway or network failed at every try", "平台或网络故障，多次尝试均未成功"),
    "moved": ("the key that began this search is used up", "开始此搜索的密钥已不可用"),
    "not_taken": ("no gateway can be asked this", "没有平台支持此搜索"),
    "not_fetched": ("the picture could not be fetched", "图片无法下载"),
    "no_image": ("no picture is given", "未提供图片"),
    "no_such_file": ("the picture is not there", "找不到图片文件"),
    "not_a_file": ("this is no file", "不是文件"),
    "unreadable_file": ("the picture cannot be read", "图片无法读取"),
    "bad_scheme": ("neither an address nor a file", "既不是网址也不是文件"),
    "bad_url": ("the address cannot be used", "网址无效"),
    "bad_base64": ("the Base64 cannot be read", "Base64 无法读取"),
    "empty_file": ("the picture is empty", "图片为空"),
    "truncated_picture": ("the picture is cut off", "图片不完整"),
    "too_many_bytes": ("the picture is too large", "图片过大"),
    "too_many_pixels": ("the picture has too many pixels", "图片像素过多"),
    "picture_gone": ("the picture is no longer in Redis", "图片已不在 Redis 中"),
    "no_id": ("without an id that can be read", "没有可读取的商品编号"),
    "no_object": ("not built as an offer at all", "结构不是商品"),
}
WORDS |= {
    f"code_{code}": (f"{english} ({{told}})", f"{chinese}（{{told}}）")
    for code, (english, chinese) in _CODES.items()
}
_CODE = re.compile(rf"(?:^|[:;] )({'|'.join(_CODES)})(?=:|$)")


def word_of(reason: str | None) -> str | None:
    """The word for a reason of the ledger or of a rejected row; its `told` is the reason."""
    found = _CODE.search(reason or "")
    return f"code_{found[1]}" if found else None
