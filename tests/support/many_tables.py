# ruff: noqa: E501 - a table of words
"""A database of 1,000 synthetic tables, and questions of which it is known which table answers them.

A table is a thing of a domain (`hotel_reservations`, 호텔 예약). The words of the questions are not always those of the
tables, and a fifth of the tables has abbreviated names.
"""

import random
from dataclasses import dataclass

from text_to_sql.models import Column, Database, Table

DOMAINS = (
    ("hotel", "호텔"), ("hospital", "병원"), ("airline", "항공"), ("library", "도서관"), ("university", "대학"),
    ("bank", "은행"), ("insurance", "보험"), ("factory", "공장"), ("farm", "농장"), ("restaurant", "식당"),
    ("theater", "극장"), ("museum", "박물관"), ("gym", "헬스장"), ("pharmacy", "약국"), ("cinema", "영화관"),
    ("bookstore", "서점"), ("logistics", "물류"), ("telecom", "통신"), ("energy", "에너지"), ("construction", "건설"),
    ("parking", "주차"), ("rental", "렌터카"), ("academy", "학원"), ("bakery", "제과점"), ("salon", "미용실"),
    ("zoo", "동물원"), ("resort", "리조트"), ("shipping", "해운"), ("mining", "광산"), ("fishery", "수산"),
    ("forestry", "산림"), ("broadcast", "방송"), ("publishing", "출판"), ("gallery", "미술관"), ("kindergarten", "유치원"),
    ("laundry", "세탁소"), ("railway", "철도"), ("stadium", "경기장"), ("winery", "양조장"), ("warehouse", "창고"),
)  # fmt: skip
# Name, abbreviation, Korean name, other words in both languages, and two columns of its own.
Thing = tuple[str, str, str, str, str, tuple[tuple[str, str], tuple[str, str]]]
THINGS: tuple[Thing, ...] = (
    ("reservations", "rsv", "예약", "booking", "예약", (("arrival_date", "도착일"), ("guest_count", "인원수"))),
    ("members", "mbr", "회원", "subscribers", "가입자", (("membership_level", "회원 등급"), ("joined_on", "가입일"))),
    ("employees", "emp", "직원", "staff", "사원", (("position_name", "직급"), ("hired_on", "입사일"))),
    ("payments", "pymt", "결제", "payment", "지불", (("paid_amount", "결제 금액"), ("pay_method", "결제 수단"))),
    ("invoices", "invc", "청구서", "bills", "청구", (("due_date", "납기일"), ("billed_amount", "청구 금액"))),
    ("suppliers", "splr", "공급업체", "vendors", "거래처", (("contact_phone", "연락처"), ("business_number", "사업자 번호"))),
    ("products", "prd", "상품", "items", "제품", (("unit_price", "단가"), ("color", "색상"))),
    ("inventory", "invt", "재고", "stock", "재고", (("quantity_on_hand", "보유 수량"), ("reorder_level", "재주문 기준"))),
    ("contracts", "cntr", "계약", "agreements", "계약서", (("signed_on", "체결일"), ("expires_on", "만료일"))),
    ("complaints", "cmpl", "민원", "complaints", "불만", (("severity", "심각도"), ("resolved_on", "해결일"))),
    ("reviews", "rvw", "후기", "reviews", "리뷰", (("rating", "별점"), ("review_text", "후기 내용"))),
    ("coupons", "cpn", "쿠폰", "vouchers", "할인권", (("discount_rate", "할인율"), ("valid_until", "유효 기한"))),
    ("shipments", "shp", "배송", "deliveries", "운송", (("carrier", "운송사"), ("tracking_code", "송장 번호"))),
    ("refunds", "rfnd", "환불", "refunds", "환불", (("refund_reason", "환불 사유"), ("refunded_amount", "환불 금액"))),
    ("schedules", "schd", "일정", "calendar", "스케줄", (("starts_at", "시작 시각"), ("ends_at", "종료 시각"))),
    ("inspections", "insp", "점검", "inspections", "점검", (("inspector", "점검자"), ("passed", "합격 여부"))),
    ("repairs", "rpr", "수리", "repairs", "정비", (("repair_cost", "수리비"), ("technician", "기술자"))),
    ("trainings", "trn", "교육", "training", "연수", (("trainer", "강사"), ("hours", "교육 시간"))),
    ("budgets", "bdgt", "예산", "budget", "예산", (("fiscal_year", "회계 연도"), ("approved_amount", "승인 금액"))),
    ("attendance", "atnd", "출석", "attendance", "출결", (("checked_in_at", "입장 시각"), ("is_late", "지각 여부"))),
    ("surveys", "srvy", "설문", "questionnaires", "설문조사", (("respondent_age", "응답자 나이"), ("satisfaction", "만족도"))),
    ("campaigns", "cmpn", "캠페인", "campaigns", "캠페인", (("impressions", "노출 수"), ("clicks", "클릭 수"))),
    ("accidents", "acdt", "사고", "accidents", "사고", (("injured_count", "부상자 수"), ("occurred_at", "발생 일시"))),
    ("vehicles", "vhcl", "차량", "cars", "자동차", (("plate_number", "차량 번호"), ("mileage", "주행 거리"))),
    ("tickets", "tckt", "티켓", "tickets", "표", (("seat_number", "좌석 번호"), ("face_value", "액면가"))),
)  # fmt: skip
KOREAN = (
    "{domain} {thing} 중에서 {column} 기준으로 상위 10건을 보여줘", "지난달 {domain}의 {thing} {column} 합계는?",
    "{domain} {thing} 현황을 {column}별로 정리해줘", "올해 {domain}에서 {thing}이 몇 건이었나요? {column}도 알려줘",
    "{domain} {thing} 건수는 얼마나 되나요?", "{domain}의 {thing} 목록",
)  # fmt: skip
ENGLISH = (
    "Show the 10 {domain} {thing} with the highest {column}", "How many {thing} did the {domain} have last month?",
    "What is the average {column} of the {domain} {thing} this year?", "List the {domain}'s {thing} by {column}",
    "Count all {thing} of the {domain}", "For the {domain}, which {thing} have no {column}?",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question, its language, and the name of the table that answers it."""

    question: str
    language: str
    table: str


def fill(database: Database, *, korean: bool, seed: int) -> list[Asked]:
    """Adds 1,000 tables, with Korean names or without any, and returns two questions for each table."""
    rng = random.Random(seed)
    asked: list[Asked] = []
    tables, columns = [], []
    for domain in DOMAINS:
        for thing in THINGS:
            name = f"TB_{domain[0][:5]}_{thing[1]}".upper() if rng.random() < 0.2 else f"{domain[0]}_{thing[0]}"
            table = Table(database=database, name=name, kor_name=f"{domain[1]} {thing[2]}" if korean else "")
            tables.append(table)
            columns += _columns(table, thing, korean)
            asked += _questions(rng, domain, thing, name)
    Table.objects.bulk_create(tables)
    Column.objects.bulk_create(columns)
    return asked


def _columns(table: Table, thing: Thing, korean: bool) -> list[Column]:
    own = (("id", "번호"), *thing[5], ("status", "상태"), ("created_at", "등록일"))
    return [
        Column(table=table, name=name, kor_name=title if korean else "", position=place, data_type="VARCHAR")
        for place, (name, title) in enumerate(own)
    ]


def _questions(rng: random.Random, domain: tuple[str, str], thing: Thing, table: str) -> list[Asked]:
    """Half of the questions have another word for the thing than the table has."""
    name, _, title, other, other_title, columns = thing
    column = rng.choice(columns)
    korean = rng.choice(KOREAN).format(domain=domain[1], thing=rng.choice((title, other_title)), column=column[1])
    english = rng.choice(ENGLISH).format(
        domain=domain[0], thing=rng.choice((name, other)), column=column[0].replace("_", " ")
    )
    return [Asked(korean, "ko", table), Asked(english, "en", table)]
