"""Made-up stations, couriers and customers of the demo's carrier, in real cities."""

from dataclasses import dataclass
from random import Random

from waybills.documents import Contact

_COURIER_BLOCK = 19_900_010_000
_CUSTOMER_BLOCK = 19_900_020_000
HEADQUARTERS = "95000"
"""The carrier's service line."""


@dataclass(frozen=True)
class Person:
    """Someone with a phone."""

    name: str
    phone: str


@dataclass(frozen=True)
class Place:
    """A city with the carrier's station in one of its districts, and who works there."""

    province: str
    city: str
    area: str
    street: str
    home: str
    hub: str
    couriers: tuple[Person, ...]

    @property
    def station(self) -> str:
        """Return the station's name as it stands in a trail."""
        return f"{self.city.removesuffix('市')}{self.area.removesuffix('区').removesuffix('市')}营业点"


_PLACES = (
    ("浙江省", "杭州市", "余杭区", "仓前街道", "良睦路1399号", "杭州转运中心", "李伟", "周敏"),
    ("浙江省", "绍兴市", "柯桥区", "柯岩街道", "纺都路137号", "绍兴转运中心", "张勇", "沈建国"),
    ("福建省", "泉州市", "晋江市", "磁灶镇", "庄宅北区158-6", "泉州磁灶集散中心", "黄志强", "林文斌"),
    ("福建省", "厦门市", "思明区", "莲前街道", "前埔北路88号", "厦门转运中心", "陈海龙", "吴晓东"),
    ("广东省", "深圳市", "南山区", "粤海街道", "科苑路15号", "深圳转运中心", "刘洋", "何俊杰"),
    ("广东省", "广州市", "天河区", "石牌街道", "五山路248号", "广州转运中心", "梁家明", "罗永辉"),
    ("北京市", "北京市", "海淀区", "中关村街道", "知春路63号", "北京顺义转运中心", "王磊", "赵鹏"),
    ("上海市", "上海市", "浦东新区", "张江镇", "祖冲之路887弄", "上海青浦转运中心", "徐斌", "朱佳"),
    ("四川省", "成都市", "武侯区", "桂溪街道", "天府三街199号", "成都转运中心", "唐小军", "蒋涛"),
    ("湖北省", "武汉市", "洪山区", "关山街道", "珞喻路1037号", "武汉转运中心", "胡斌", "万里"),
    ("陕西省", "西安市", "雁塔区", "小寨路街道", "长安南路86号", "西安转运中心", "马超", "孟凡"),
    ("山东省", "青岛市", "市南区", "香港中路街道", "闽江路120号", "青岛转运中心", "孙浩", "于洋"),
    ("江苏省", "苏州市", "吴中区", "木渎镇", "金枫南路216号", "苏州转运中心", "顾明", "陆军"),
    ("湖南省", "长沙市", "岳麓区", "橘子洲街道", "麓山南路932号", "长沙转运中心", "彭亮", "谭波"),
    ("辽宁省", "沈阳市", "和平区", "南湖街道", "文化路3巷11号", "沈阳转运中心", "高峰", "宋佳"),
    ("云南省", "昆明市", "五华区", "莲华街道", "学府路253号", "昆明转运中心", "段鹏飞", "杨帆"),
)
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡郭何林高罗"
_GIVEN_NAMES = (
    "芳",
    "娜",
    "静",
    "敏",
    "强",
    "军",
    "洋",
    "艳",
    "杰",
    "涛",
    "明",
    "丽华",
    "志远",
    "欣怡",
    "子涵",
    "雨桐",
)
_COMPANIES = (
    "绍兴锦绣纺织有限公司",
    "晋江市恒达鞋业有限公司",
    "杭州云栖图书专营店",
    "深圳市星海电子商行",
    "青岛鲜捕海产旗舰店",
)


def _place(number: int) -> Place:
    province, city, area, street, home, hub, *names = _PLACES[number]
    couriers = tuple(Person(name, str(_COURIER_BLOCK + number * 10 + place)) for place, name in enumerate(names, 1))
    return Place(province, city, area, street, home, hub, couriers)


PLACES = tuple(_place(number) for number in range(len(_PLACES)))


def customer(rng: Random, number: int, place: Place) -> Contact:
    """Return a private customer at a place; `number` makes the phone, so that it is known which are bound."""
    name = rng.choice(_SURNAMES) + rng.choice(_GIVEN_NAMES)
    return _contact(name, str(_CUSTOMER_BLOCK + number), rng, place)


def sender(rng: Random, number: int, place: Place) -> Contact:
    """Return who sends from a place: a shop as often as a person."""
    if rng.random() < 0.5:
        return customer(rng, 5000 + number, place)
    return _contact(rng.choice(_COMPANIES), f"0571-8{number % 10_000_000:07d}", rng, place)


def _contact(name: str, phone: str, rng: Random, place: Place) -> Contact:
    door = f"{place.home}{rng.randrange(1, 30)}幢{rng.randrange(1, 5)}单元{rng.randrange(101, 2404)}室"
    return Contact(name, phone, place.province, place.city, place.area, place.street, door)


def is_bound(number: int) -> bool:
    """Return whether the demo binds the phone of customer `number`: three in four.

    >>> [is_bound(number) for number in range(4)]
    [True, True, True, False]
    """
    return number % 4 != 3


def bound_phones(count: int) -> list[str]:
    """Return the phones that are bound when the sandbox starts, of the first `count` customers."""
    return [str(_CUSTOMER_BLOCK + number) for number in range(count) if is_bound(number)]
