"""Writes a CSV file of SYNTHETIC products: no such product or shop exists. The same number and seed give the same file.

python -m tools.synthetic_products 240 > imaging/products/synthetic_products.csv
"""

import csv
import random
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Final, TextIO

from imaging.products import COLUMNS

# Main category: sub category, the product's word in names, the lowest price in won.
KINDS: Final = {
    "책상": (
        ("컴퓨터책상", "책상", 89000),
        ("스탠딩데스크", "높이조절 데스크", 249000),
        ("책상", "원목 책상", 159000),
    ),
    "의자": (
        ("사무용의자", "메쉬 의자", 99000),
        ("게이밍의자", "게이밍 체어", 149000),
    ),
    "모니터": (
        ("일반모니터", "27인치 모니터", 189000),
        ("4K모니터", "32인치 4K 모니터", 389000),
    ),
    "모니터 주변용품": (
        ("모니터받침대", "모니터 받침대", 19900),
        ("모니터암", "모니터암", 45900),
        ("모니터조명", "모니터 조명", 32900),
    ),
    "키보드": (
        ("기계식키보드", "기계식 키보드", 69900),
        ("무선키보드", "저소음 무선 키보드", 39900),
    ),
    "마우스": (
        ("유선마우스", "무소음 유선 마우스", 9900),
        ("무선마우스", "블루투스 마우스", 21900),
    ),
    "데스크 매트": (
        ("장패드", "데스크 매트", 12900),
        ("마우스패드", "마우스 패드", 6900),
    ),
    "조명": (
        ("스탠드조명", "LED 스탠드 조명", 29900),
        ("무드등", "무드등", 15900),
    ),
    "노트북 주변용품": (
        ("노트북거치대", "알루미늄 노트북 거치대", 24900),
        ("USB허브", "USB-C 허브", 34900),
    ),
    "음향": (
        ("스피커", "PC 스피커", 27900),
        ("헤드셋", "무선 헤드셋", 59900),
    ),
    "정리용품": (
        ("데스크정리함", "서랍형 정리함", 13900),
        ("펜꽂이", "펜꽂이", 7900),
        ("멀티탭", "개별스위치 멀티탭", 16900),
        ("케이블정리", "케이블 홀더", 5900),
    ),
    "책장/선반": (
        ("책꽂이", "책상 위 책꽂이", 22900),
        ("타공판", "타공판 세트", 31900),
    ),
    "데스크테리어": (
        ("화분", "미니 화분", 8900),
        ("탁상시계", "디지털 탁상시계", 18900),
        ("액자", "포스터 액자", 14900),
        ("머그컵", "도자기 머그컵", 11900),
    ),
    "컴퓨터": (("데스크톱", "미니 데스크톱", 489000),),
}
ADJECTIVES: Final = "심플 모던 우드 미니멀 프리미엄 컴팩트 빈티지 슬림 무광 파스텔".split()  # noqa: SIM905
COLOURS: Final = "화이트 블랙 그레이 베이지 오크 월넛 네이비 민트".split()  # noqa: SIM905
SHOP: Final = "합성 데이터 (synthetic)"  # every row says what it is


def rows(count: int, seed: int = 15) -> Iterator[tuple[str, ...]]:
    """Rows with the columns of the import, each kind of product in turn."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    kinds = [(main, *kind) for main, listed in KINDS.items() for kind in listed]
    for number in range(count):
        main, sub, word, lowest = kinds[number % len(kinds)]
        name = f"[합성] {dice.choice(ADJECTIVES)} {word} {dice.choice(COLOURS)} {number + 1:04}"
        price = lowest + 100 * dice.randrange(lowest // 200)
        url = f"https://shop.example/synthetic/{number + 1:06}"
        yield name, str(price), SHOP, url, f"{url}.jpg", main, sub


def write(file: TextIO, count: int, seed: int = 15) -> None:
    """Writes them with a header."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(count, seed))


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    write(sys.stdout, parser.parse_args().count)
