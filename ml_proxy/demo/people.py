"""Invented people: common family and given names of many languages, put together at random.

Nobody is meant by any of them. Scripts, accents, word order and directions of writing are as various as a clinic's.
"""

import random
from dataclasses import dataclass

from common import person_names


@dataclass(frozen=True)
class Custom:
    """How one language puts a name together, and its share among the others."""

    share: int
    pattern: str
    families: tuple[str, ...]
    givens: tuple[str, ...]

    def name(self, rng: random.Random) -> str:
        """A name in canonical form."""
        parts = {"family": rng.choice(self.families), "given": rng.choice(self.givens)}
        return person_names.canonical(self.pattern.format(**parts))


def invent(count: int, rng: random.Random) -> list[str]:
    """`count` names; as in any town, some have a namesake."""
    customs = rng.choices(CUSTOMS, [custom.share for custom in CUSTOMS], k=count)
    return [custom.name(rng) for custom in customs]


def _custom(share: int, pattern: str, families: str, givens: str) -> Custom:
    return Custom(share, pattern, tuple(families.split()), tuple(givens.split()))


WESTERN = "{given} {family}"

CUSTOMS = (
    _custom(  # Korean
        60,
        "{family}{given}",
        "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍 전 고 문 양 손 배 백 허 남궁 선우",
        "서연 민준 지우 서준 하은 도윤 지민 예준 수아 시우 하윤 주원 지유 건우 채원 현우 다은 지훈 은서 준서 유진 "
        "성민 영숙 정호 미경 상철 순자 영수 경희 동현 혜진 재석 보람 가온 나래 슬기 한결 빛나 준 솔",
    ),
    _custom(  # Korean, romanised
        6,
        WESTERN,
        "Kim Lee Park Choi Jung Kang Cho Yoon Lim Shin Kwon Hwang",
        "Seo-yeon Min-jun Ji-woo Ha-eun Do-yun Yu-jin Hyun-woo Eun-seo Sung-min Kyung-hee Dong-hyun Hye-jin",
    ),
    _custom(  # Western and Central European
        12,
        WESTERN,
        "Müller García Lefèvre Nováková Sørensen Björnsdóttir Kowalczyk O’Brien Fernández Çelik Østergård Žukauskas "
        "Petrović Ionescu D’Angelo Gonçalves Mäkinen Szabó Weiß Åkesson",
        "Zoë José François Łucja Søren Björk Anaïs Chloé Jürgen Renée Noël Inês Małgorzata Ásta Çağla Dušan Siân "
        "Niamh Matteo Päivi",
    ),
    _custom(  # Vietnamese
        4,
        "{family} {given}",
        "Nguyễn Trần Lê Phạm Huỳnh Phan Vũ Đặng Bùi Đỗ",
        "Thảo Minh Hương Tuấn Ngọc Đức Quỳnh Việt Ánh Phương",
    ),
    _custom(  # Japanese
        6,
        "{family} {given}",
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田",
        "陽菜 蓮 結衣 湊 葵 大翔 さくら 悠真 凛 ひなた 美咲 健太",
    ),
    _custom(  # Chinese
        4,
        "{family}{given}",
        "王 李 張 刘 陳 杨 趙 黄 周 吴 欧阳 司马",
        "伟 芳 秀英 敏 静 麗 强 磊 洋 艷 子涵 浩宇",
    ),
    _custom(  # Arabic, written from right to left
        4,
        WESTERN,
        "الأحمد الحسن العلي الخطيب المصري النجار الشامي حداد منصور العمري",
        "فاطمة محمد مريم عمر ليلى يوسف نور خالد سلمى إبراهيم",
    ),
    _custom(  # Cyrillic
        2,
        WESTERN,
        "Шевченко Коваленко Бондаренко Ткаченко Мельник Йовановић Димитров",
        "Олена Андрій Наталія Тарас Їржина Милош Ангел",
    ),
    _custom(  # Hindi
        1,
        WESTERN,
        "शर्मा वर्मा गुप्ता सिंह पटेल कुमार",
        "आरव अनन्या प्रिया रोहन दीया अर्जुन",
    ),
    _custom(  # Thai
        1,
        WESTERN,
        "ใจดี สุขสันต์ ทองดี ศรีสุข แสงทอง",
        "สมชาย สมหญิง มาลี ประเสริฐ น้ำฝน",
    ),
)
