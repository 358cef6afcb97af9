"""Invented people: random combinations of common family and given names of many languages.

The names do not refer to real people. Scripts, accents, word order and writing directions vary as in a real clinic.
"""

import random
from dataclasses import dataclass

from common import person_names


@dataclass(frozen=True)
class NameStyle:
    """How one language forms names, and its share among all styles."""

    share: int
    pattern: str
    families: tuple[str, ...]
    givens: tuple[str, ...]

    def name(self, rng: random.Random) -> str:
        """Returns a random name in canonical form."""
        parts = {"family": rng.choice(self.families), "given": rng.choice(self.givens)}
        return person_names.canonical(self.pattern.format(**parts))


def invent(count: int, rng: random.Random) -> list[str]:
    """Returns `count` names; some may occur more than once."""
    styles = rng.choices(NAME_STYLES, [style.share for style in NAME_STYLES], k=count)
    return [style.name(rng) for style in styles]


def _style(share: int, pattern: str, families: str, givens: str) -> NameStyle:
    return NameStyle(share, pattern, tuple(families.split()), tuple(givens.split()))


WESTERN = "{given} {family}"

NAME_STYLES = (
    _style(  # Korean
        60,
        "{family}{given}",
        "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍 전 고 문 양 손 배 백 허 남궁 선우",
        "서연 민준 지우 서준 하은 도윤 지민 예준 수아 시우 하윤 주원 지유 건우 채원 현우 다은 지훈 은서 준서 유진 "
        "성민 영숙 정호 미경 상철 순자 영수 경희 동현 혜진 재석 보람 가온 나래 슬기 한결 빛나 준 솔",
    ),
    _style(  # Korean, romanised
        6,
        WESTERN,
        "Kim Lee Park Choi Jung Kang Cho Yoon Lim Shin Kwon Hwang",
        "Seo-yeon Min-jun Ji-woo Ha-eun Do-yun Yu-jin Hyun-woo Eun-seo Sung-min Kyung-hee Dong-hyun Hye-jin",
    ),
    _style(  # Western and Central European
        12,
        WESTERN,
        "Müller García Lefèvre Nováková Sørensen Björnsdóttir Kowalczyk O’Brien Fernández Çelik Østergård Žukauskas "
        "Petrović Ionescu D’Angelo Gonçalves Mäkinen Szabó Weiß Åkesson",
        "Zoë José François Łucja Søren Björk Anaïs Chloé Jürgen Renée Noël Inês Małgorzata Ásta Çağla Dušan Siân "
        "Niamh Matteo Päivi",
    ),
    _style(  # Vietnamese
        4,
        "{family} {given}",
        "Nguyễn Trần Lê Phạm Huỳnh Phan Vũ Đặng Bùi Đỗ",
        "Thảo Minh Hương Tuấn Ngọc Đức Quỳnh Việt Ánh Phương",
    ),
    _style(  # Japanese
        6,
        "{family} {given}",
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田",
        "陽菜 蓮 結衣 湊 葵 大翔 さくら 悠真 凛 ひなた 美咲 健太",
    ),
    _style(  # Chinese
        4,
        "{family}{given}",
        "王 李 張 刘 陳 杨 趙 黄 周 吴 欧阳 司马",
        "伟 芳 秀英 敏 静 麗 强 磊 洋 艷 子涵 浩宇",
    ),
    _style(  # Arabic, written from right to left
        4,
        WESTERN,
        "الأحمد الحسن العلي الخطيب المصري النجار الشامي حداد منصور العمري",
        "فاطمة محمد مريم عمر ليلى يوسف نور خالد سلمى إبراهيم",
    ),
    _style(  # Cyrillic
        2,
        WESTERN,
        "Шевченко Коваленко Бондаренко Ткаченко Мельник Йовановић Димитров",
        "Олена Андрій Наталія Тарас Їржина Милош Ангел",
    ),
    _style(  # Hindi
        1,
        WESTERN,
        "शर्मा वर्मा गुप्ता सिंह पटेल कुमार",
        "आरव अनन्या प्रिया रोहन दीया अर्जुन",
    ),
    _style(  # Thai
        1,
        WESTERN,
        "ใจดี สุขสันต์ ทองดี ศรีสุข แสงทอง",
        "สมชาย สมหญิง มาลี ประเสริฐ น้ำฝน",
    ),
)
