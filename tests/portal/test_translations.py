"""The Chinese catalogue: whole, current, and in the specification's own words."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import unfold
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

from waybills.action_types import ActionType

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES"
SOURCES = [settings.BASE_DIR / name for name in ("portal", "waybills", "wechat")]
TEMPLATES = [settings.BASE_DIR / "templates", *SOURCES]
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
IN_TEMPLATE = re.compile(r"""gettext\(u?(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
SPECIFICATION = {
    90001: "揽件前阶段-网点接单",
    90002: "揽件前阶段-分配业务员",
    90003: "揽件前阶段-重新分配业务员",
    90010: "揽件前阶段-待支付",
    90011: "揽件前阶段-已支付",
    100001: "揽件阶段-揽件成功",
    100002: "揽件阶段-揽件失败",
    200001: "运输阶段-更新运输轨迹",
    300002: "派送阶段-派送中",
    300003: "派送阶段-签收成功",
    300004: "派送阶段-签收失败",
    300005: "派送阶段-第三方代收入库",
    300006: "派送阶段-第三方代收快递员取出",
    300007: "派送阶段-代签收",
    400001: "异常阶段-订单取消",
    400002: "异常阶段-订单滞留",
    400003: "异常阶段-订单退回",
    400004: "异常阶段-订单拒收",
    400005: "异常阶段-问题件",
    500001: "兜底状态-其他未分类状态",
}
"""Section 4.1; of 500001 the sentence is shortened to its name."""
NEVER_SHOWN = {
    "\n                Found %(counter)s result in %(time)s seconds\n            ",
    "Filter navigation items",
}
"""Unfold's search over all models, which the desk leaves off."""


def test_every_action_type_has_the_words_of_the_specification() -> None:
    with translation.override("zh-hans"):
        assert {member.value: str(member.label) for member in ActionType} == SPECIFICATION


def test_every_text_of_the_code_is_in_the_catalogue() -> None:
    sources = {text for folder in SOURCES for path in folder.rglob("*.py") for text in texts_of(path.read_text())}

    assert sources
    assert sources - written().keys() == set()


def test_every_text_of_the_templates_is_in_the_catalogue() -> None:
    sources = {text for folder in TEMPLATES for text in texts_of_templates(folder)}

    assert sources
    assert sources - written().keys() == set()


def test_every_text_has_a_translation_and_none_is_a_guess() -> None:
    assert [text for text, translated in written().items() if not translated] == []
    assert "fuzzy" not in (CATALOGUE / "django.po").read_text()


def test_every_placeholder_survives_translation() -> None:
    for text, translated in written().items():
        assert sorted(PLACEHOLDER.findall(translated)) == sorted(PLACEHOLDER.findall(text)), text


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_the_compiled_catalogue_is_current(domain: str) -> None:
    assert written(domain)
    assert compiled(domain) == written(domain)


def test_unfold_speaks_chinese_too() -> None:
    texts = set(texts_of_templates(Path(unfold.__file__).parent / "templates")) - NEVER_SHOWN

    with translation.override("zh-hans"):
        left = {text for text in texts if translation.gettext(text) == text and text.isascii()}

    assert texts
    assert left == set()


def texts_of(source: str) -> Iterator[str]:
    """Yield the literals that a module marks for translation."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            argument = node.args[1 if node.func.id.startswith("p") else 0]
            if isinstance(argument, ast.Constant):
                yield str(argument.value)


def texts_of_templates(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.html"):
        for match in IN_TEMPLATE.finditer(templatize(path.read_text())):
            yield ast.literal_eval(match["text"]).replace("%%", "%")


def written(domain: str = "django") -> dict[str, str]:
    """Return what a .po file says, by context and msgid."""
    result: dict[str, str] = {}
    for block in (CATALOGUE / f"{domain}.po").read_text().split("\n\n")[1:]:
        entry = {"msgctxt": "", "msgid": "", "msgstr": ""}
        for line in block.splitlines():
            if match := re.match(r'(msgctxt|msgid|msgstr)(?:\[0\])? (".*")', line):
                entry[match[1]] = ast.literal_eval(match[2])
        context = f"{entry['msgctxt']}\x04" if entry["msgctxt"] else ""
        result[context + entry["msgid"]] = entry["msgstr"]
    return result


def compiled(domain: str) -> dict[str, str]:
    """Return what a .mo file says, by context and msgid."""
    with (CATALOGUE / f"{domain}.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key[0] if isinstance(key, tuple) else key: text for key, text in catalogue.items() if key}
