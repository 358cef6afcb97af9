"""Rows of advertising campaigns."""

import datetime as dt

from text_to_sql.test_databases.source import Rows, Source

INDUSTRIES = ("유통", "금융", "게임", "교육", "여행", "식음료", "자동차")
CHANNELS = ("검색", "배너", "동영상", "소셜", "메신저")


def rows(source: Source) -> Rows:
    """All tables."""
    advertisers = [(number, source.fake.company(), source.rng.choice(INDUSTRIES)) for number in range(1, 41)]
    campaigns = [_campaign(source, number) for number in range(1, 121)]
    stats = [row for campaign in campaigns for row in _stats(source, campaign)]
    return {"advertisers": list(advertisers), "campaigns": list(campaigns), "daily_stats": stats}


def _campaign(source: Source, number: int) -> tuple[int, int, str, str, int, dt.date, dt.date | None]:
    start = source.day(300)
    ends = start + dt.timedelta(days=source.rng.randrange(14, 90))
    channel = source.rng.choice(CHANNELS)
    budget = source.won(1_000_000, 80_000_000, 10_000)
    advertiser = source.skewed(range(1, 41))
    return (
        number,
        advertiser,
        f"{channel} 캠페인 {number}",
        channel,
        budget,
        start,
        ends if ends < source.today else None,
    )


def _stats(
    source: Source, campaign: tuple[int, int, str, str, int, dt.date, dt.date | None]
) -> list[tuple[object, ...]]:
    number, *_, start, end = campaign
    days = ((end or source.today) - start).days + 1
    found: list[tuple[object, ...]] = []
    for day in range(days):
        impressions = int(source.rng.lognormvariate(8, 0.8))
        clicks = int(impressions * source.rng.betavariate(2, 60))
        conversions = int(clicks * source.rng.betavariate(2, 30))
        found.append(
            (number, start + dt.timedelta(days=day), impressions, clicks, conversions, clicks * source.won(80, 900, 10))
        )
    return found
