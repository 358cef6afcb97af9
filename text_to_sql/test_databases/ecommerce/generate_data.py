"""Rows of a web shop."""

from text_to_sql.test_databases.source import Rows, Source

CATEGORIES = ("노트북", "휴대폰", "주변기기", "생활가전", "의류", "식품", "도서", "화장품")
CITIES = ("서울", "부산", "인천", "대구", "대전", "광주", "울산", "수원", "세종", "제주")
GRADES = ("일반", "일반", "일반", "실버", "골드", "VIP")
STATUSES = ("배송완료", "배송완료", "배송완료", "배송중", "결제완료", "취소", "환불")


def rows(source: Source) -> Rows:
    """All tables."""
    rng, fake = source.rng, source.fake
    products = [
        (number, category := rng.randrange(1, len(CATEGORIES) + 1),
         f"{CATEGORIES[category - 1]} {rng.choice('XSPA')}{number}",
         source.won(5_000, 2_500_000), rng.randrange(0, 500))
        for number in range(1, 121)
    ]  # fmt: skip
    customers = [
        (
            number,
            fake.name(),
            f"customer{number}@shop.example",
            source.skewed(CITIES),
            rng.choice(GRADES),
            source.day(1500),
        )
        for number in range(1, 501)
    ]
    orders, items = _orders(source, products)
    reviews = [
        (
            number,
            source.skewed(products)[0],
            rng.randrange(1, 501),
            min(5, int(rng.triangular(1, 6, 5))),
            source.time(400),
        )
        for number in range(1, 801)
    ]
    return {
        "categories": [(number, name) for number, name in enumerate(CATEGORIES, start=1)],
        "products": list(products),
        "customers": list(customers),
        "orders": orders,
        "order_items": items,
        "reviews": list(reviews),
    }


def _orders(
    source: Source, products: list[tuple[int, int, str, int, int]]
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Orders whose amount is the sum of their items."""
    orders: list[tuple[object, ...]] = []
    items: list[tuple[object, ...]] = []
    for number in range(1, 3001):
        amount = 0
        for _ in range(source.rng.choice((1, 1, 2, 3))):
            product, quantity = source.skewed(products), source.rng.choice((1, 1, 1, 2, 3))
            items.append((len(items) + 1, number, product[0], quantity, product[3]))
            amount += quantity * product[3]
        orders.append((number, source.skewed(range(1, 501)), source.time(400), source.rng.choice(STATUSES), amount))
    return orders, items
