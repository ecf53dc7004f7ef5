"""What a refusal's words are about: whole words decide, echoes of the request do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.gateways.wording import bare, gist

BAD_SEED, UNKNOWN = (RefusalClass.BAD_SEED, None, True), (RefusalClass.TRANSIENT, None, False)
TRANSIENT = (RefusalClass.TRANSIENT, None, True)


def denied(cause: Cause) -> tuple[RefusalClass, Cause, bool]:
    return RefusalClass.DENIED, cause, True


TOKEN = (RefusalClass.TOKEN, Cause.TOKEN, True)
KEY, SECRET, CLOCK, PERMISSION, SETTINGS = map(
    denied, (Cause.KEY, Cause.SECRET, Cause.CLOCK, Cause.PERMISSION, Cause.SETTINGS)
)


def answered(name: str, body: Any, status: int = 200) -> Refusal:
    found = dialect(name).page(status, {}, json.dumps(body, ensure_ascii=False).encode())
    assert isinstance(found, Refusal)
    return found


def verdict(refusal: Refusal) -> tuple[RefusalClass, Cause | None, bool]:
    return refusal.kind, refusal.cause, refusal.is_known


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("imgid is null", BAD_SEED),
        ("imgid can not be fetched", BAD_SEED),
        ("Invalid imgId", BAD_SEED),
        ("the img_url must lie on alicdn", BAD_SEED),
        ("picUrl missing", BAD_SEED),
        ("picture too large", BAD_SEED),
        ("IMAGE DECODE FAILED", BAD_SEED),
        ("unsupported format webp", BAD_SEED),
        ("图片下载失败", BAD_SEED),
        ("参数imgid不能为空", BAD_SEED),
        ("图片地址无法访问, 请检查签名", BAD_SEED),
        ("sign error", SECRET),
        ("invalid signature", SECRET),
        ("SignatureInvalid", SECRET),
        ("sign_method not supported", SECRET),
        ("app_secret mismatch", SECRET),
        ("签名错误", SECRET),
        ("验签不通过", SECRET),
        ("timestamp expired", CLOCK),
        ("Invalid timeStamp", CLOCK),
        ("request has expired", CLOCK),
        ("时间戳已过期", CLOCK),
        ("app_key is null", KEY),
        ("appKey不存在", KEY),
        ("Unknown API key", KEY),
        ("invalid client_id", KEY),
        ("method is invalid", SETTINGS),
        ("不支持的方法", SETTINGS),
        ("no permission to call this API", PERMISSION),
        ("app_key is not authorized", PERMISSION),
        ("没有调用该接口的权限", PERMISSION),
        ("access_token has expired", TOKEN),
        ("session is invalid", TOKEN),
        ("please sign in first", TOKEN),
        ("参数错误", UNKNOWN),
        ("invalid parameter", UNKNOWN),
        ("isv.invalid-parameter:v", UNKNOWN),
        ("page is invalid", UNKNOWN),
        # whole words only
        ("designated assignment failed", UNKNOWN),
        ("imagination tokenless signed-off", UNKNOWN),
        ("keyword too long", UNKNOWN),
        ("unexpected token < in JSON", UNKNOWN),
        ("试图绕过检查", UNKNOWN),
        # the API is called after pictures itself
        ("1688.item_search_img failed", UNKNOWN),
        ("item_search_img is not enabled: no permission", PERMISSION),
        ("image search is closed today", UNKNOWN),
        ("图片搜索接口无权限", PERMISSION),
        ("以图搜图服务未开通", PERMISSION),
        ("com.alibaba.fenxiao.crossborder/product.search.imageQuery: bad sign", SECRET),
        # what the request said proves nothing
        ("bad request: method=1688.item_search_img&app_key=27&imgid=a.jpg&sign=AB12", UNKNOWN),
        ("参数错误 sign=AB12&timestamp=1700000000&access_token=x", UNKNOWN),
        ("bad: https://cbu01.alicdn.com/img/ibank/photo.jpg", UNKNOWN),
        ("bad: //cbu01.alicdn.com/img/ibank/photo.jpg", UNKNOWN),
        ("bad: https%3A%2F%2Fcbu01.alicdn.com%2Fimg%2Fphoto.jpg", UNKNOWN),
        ('rejected {"imgid":"a","sign":"AB","timestamp":1700000000}', UNKNOWN),
        (r'rejected {\"imgid\":\"a\",\"sign\":\"AB\"}', UNKNOWN),
        ("rejected {'app_key': '27', 'sign': 'AB'}", UNKNOWN),
        ("rejected {app_key=27, sign=AB, imgid=a}", UNKNOWN),
        ("rejected [imgid] => a [sign] => AB", UNKNOWN),
        ("rejected <imgid>a</imgid><sign>AB</sign>", UNKNOWN),
        ("rejected sign%3DAB%26imgid%3Da", UNKNOWN),
        ("rejected data:image/png;base64,iVBORw0KGgo=", UNKNOWN),
        ("rejected " + "iVBORw0KGgo" * 20, UNKNOWN),
        ("sign error in imgid=a&method=b", SECRET),
        ("imgid is invalid in access_token=abc&sign=AB", BAD_SEED),
        # a pair that announces words is no echo
        ('{"errcode":15,"errmsg":"图片不存在"}', BAD_SEED),
        ("errmsg=sign error", SECRET),
        ("field=imgid", BAD_SEED),
        ("timestamp=null", CLOCK),
    ],
)  # fmt: skip
def test_words_say_what_a_wrong_parameter_is_about(words: str, meant: Any) -> None:
    assert verdict(answered("router", {"code": 400, "msg": words, "request_id": "r"})) == meant


@pytest.mark.parametrize(
    ("name", "body", "status", "meant"),
    [
        ("router", {"code": 1003, "msg": "invalid sign"}, 200, SECRET),
        ("router", {"code": "INVALID_SIGNATURE", "msg": "no"}, 200, SECRET),
        ("router", {"code": 1003, "msg": "picture is broken"}, 200, BAD_SEED),
        ("router", {"code": 1003, "msg": "what"}, 200, UNKNOWN),
        ("router", {"code": 1003, "msg": "what"}, 400, UNKNOWN),
        ("router", {"code": 1003, "msg": "sign service down"}, 503, TRANSIENT),
        ("router", {"code": 500, "msg": "invalid signature"}, 200, SECRET),
        ("router", {"code": 500, "msg": "sign service busy"}, 200, TRANSIENT),
        ("router", {"code": 500, "msg": "image server error"}, 200, TRANSIENT),
        ("router", {"code": 401, "msg": "invalid app_key"}, 200, KEY),
        ("router", {"code": 401, "msg": "invalid access_token"}, 200, TOKEN),
        ("router", {"code": 401, "msg": "invalid access_token of this app_key"}, 200, TOKEN),
        ("router", {"code": 401, "msg": "unauthorized"}, 200, TOKEN),
        ("router", {"code": 401, "msg": "签名错误"}, 200, SECRET),
        ("router", {"code": 403, "msg": "invalid signature"}, 200, SECRET),
        ("router", {"code": 403, "msg": "forbidden"}, 200, PERMISSION),
        ("router", {"code": 400, "message": "sign error"}, 200, SECRET),
        ("router", {"code": 400, "msg": "sign error", "data": None}, 200, SECRET),
        ("router", {"error_response": {"code": 40, "msg": "Missing app key"}}, 200, KEY),
        ("router", {"error_response": {"code": 15, "msg": "Remote service error",
                    "sub_code": "isv.picture-not-found", "sub_msg": "x"}}, 200, BAD_SEED),
        ("onebound", {"error_code": "4003", "reason": "imgid required"}, 200, BAD_SEED),
        ("onebound", {"error_code": "4003", "reason": "required parameter"}, 200, UNKNOWN),
        ("onebound", {"error_code": "4014", "reason": "secret is wrong"}, 200, KEY),
        ("onebound", {"error_code": "4444", "error": "此接口无权限"}, 200, PERMISSION),
        ("onebound", {"error_code": "4444", "reason": "?"}, 200, UNKNOWN),
        ("tmapi", {"code": 422, "msg": "img_url invalid"}, 200, BAD_SEED),
        ("tmapi", {"detail": [{"loc": ["query", "img_url"], "msg": "required"}]}, 422, BAD_SEED),
        ("tmapi", {"code": 422, "msg": "apiToken is missing"}, 200, denied(Cause.TOKEN)),
        ("tmapi", {"code": 400, "msg": "page_size too large"}, 200, UNKNOWN),
        ("linkplus", {"error_code": "gw.ParamMissing",
                      "error_message": "Required argument picUrl"}, 400, BAD_SEED),
        ("linkplus", {"error_code": "gw.ParamMissing",
                      "error_message": "Required argument _aop_timestamp"}, 400, CLOCK),
        ("linkplus", {"success": False, "message": "sign error"}, 200, SECRET),
        ("imagequery", {"result": {"success": "false", "code": "PARAM_ERROR",
                                   "message": "imageId不能为空"}}, 200, BAD_SEED),
        ("imagequery", {"result": {"success": "false", "message": "系统开小差"}}, 200, UNKNOWN),
        ("imagequery", {"error_code": "400", "error_message": "appKey invalid"}, 400, KEY),
    ],
)  # fmt: skip
def test_every_dialect_listens_to_the_words(name: str, body: Any, status: int, meant: Any) -> None:
    assert verdict(answered(name, body, status)) == meant


@pytest.mark.parametrize("name", ["router", "imagequery", "linkplus"])
@pytest.mark.parametrize(
    ("words", "setting"),
    [
        ("app_key unknown", "PAILITAO_APP_KEY"),
        ("wrong secret", "PAILITAO_APP_SECRET"),
        ("timestamp expired", "clock"),
        ("permission needed", "console"),
        ("unknown method", "PAILITAO_GATEWAY"),
    ],
)
def test_a_remedy_fits_the_cause(name: str, words: str, setting: str) -> None:
    codes = {"code": 400, "msg": words} | {"error_code": "400", "error_message": words}
    body = codes if name != "router" else {"code": 400, "msg": words}
    assert setting in answered(name, body).remedy


SPENT = (RefusalClass.SPENT, Cause.QUOTA, True)
THROTTLED = (RefusalClass.THROTTLED, Cause.QUOTA, True)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("今日调用次数已达上限", SPENT),
        ("余额不足，请充值", SPENT),
        ("Daily limit reached for your plan", SPENT),
        ("Insufficient balance to process this image", SPENT),
        ("your quota has been exceeded", SPENT),
        ("Too many requests, slow down", THROTTLED),
        ("请求过于频繁", THROTTLED),
        ("图片请求太快，请稍后重试", THROTTLED),
        ("Too many images per second", THROTTLED),
        ("账号已被冻结", PERMISSION),
        ("image is too large, the limit is 2 MB", BAD_SEED),
        ("图片大小超过限制", BAD_SEED),
        ("呃，这次不行哦", UNKNOWN),
    ],
)
@pytest.mark.parametrize("code", [1001, 400], ids=["unknown-code", "a-code-for-all"])
def test_calls_and_money_are_never_a_picture_s_matter(words: str, meant: Any, code: int) -> None:
    told = answered("router", {"code": code, "msg": words})
    assert (told.kind, told.cause, told.is_known) == meant


@pytest.mark.parametrize("status", [404, 302, 405])
def test_a_readable_body_is_asked_before_the_http_status(status: int) -> None:
    told = answered("router", {"code": status, "msg": "No matching products found"}, status)
    assert (told.kind, told.is_known) == (RefusalClass.TRANSIENT, False)


def test_the_same_said_of_two_pictures_is_the_same() -> None:
    one = gist("400 参数错误 [trace 8f3a] at 12:01 for https://a.example/1.jpg (imgid=1)")
    two = gist("400 参数错误 [trace 77bc] at 12:09 for https://a.example/2.jpg (imgid=2)")
    assert one == two
    assert "参数错误" in one
    assert gist("参数错误") != gist("系统错误")


@pytest.mark.parametrize("hostile", ["=" * 5000, '{"a":' * 900, "a=" * 3000, "\\" * 4000 + '"', ""])
def test_odd_words_take_no_time_and_raise_nothing(hostile: str) -> None:
    assert isinstance(bare(hostile), str)
    assert verdict(answered("router", {"code": 400, "msg": hostile or "x"})) == UNKNOWN
