"""Verified examples of the test databases: questions in Korean and English, and the SQL that answers all of them.

Three expressions differ between the databases: `{month:column}` is its month as `2026-10`, `{months_ago:1}` the day a
month before today, `{year:column}` the year as a number. `sql_of` writes them in a dialect.
"""

# ruff: noqa: ISC004 - each statement follows its questions
import re
from collections.abc import Mapping, Sequence

Group = tuple[tuple[str, ...], str]

_MACRO = re.compile(r"\{(\w+):([\w.]+)\}")
_WRITTEN = {
    "sqlite": {
        "month": "strftime('%Y-%m', {})", "year": "CAST(strftime('%Y', {}) AS INTEGER)",
        "months_ago": "date('now', '-{} month')",
    },
    "mysql": {
        "month": "DATE_FORMAT({}, '%Y-%m')", "year": "YEAR({})", "months_ago": "CURRENT_DATE - INTERVAL {} MONTH",
    },
    "postgres": {
        "month": "TO_CHAR({}, 'YYYY-MM')", "year": "CAST(EXTRACT(YEAR FROM {}) AS INTEGER)",
        "months_ago": "CURRENT_DATE - INTERVAL '{} month'",
    },
}  # fmt: skip


def sql_of(sql: str, dialect: str) -> str:
    """The SQL of an example in the dialect `sqlite`, `mysql` or `postgres`."""
    return _MACRO.sub(lambda match: _WRITTEN[dialect][match[1]].format(match[2]), sql)


EXAMPLES: Mapping[str, Sequence[Group]] = {
    "ecommerce": (
        (("최근 한 달간의 주문량을 알려줘", "How many orders were placed in the last month?"),
         "SELECT COUNT(*) AS count FROM orders WHERE order_date >= {months_ago:1}"),
        (("최근 한 달 동안 매출이 가장 높은 제품은?", "Which product had the highest sales in the last month?"),
         "SELECT p.product_name, SUM(i.quantity * i.unit_price) AS total_sales FROM orders o JOIN order_items "
         "i ON i.order_id = o.id JOIN products p ON p.id = i.product_id WHERE o.order_date >= {months_ago:1} "
         "GROUP BY p.product_name ORDER BY total_sales DESC LIMIT 1"),
        (("매출 상위 5개 상품을 보여줘", "Show the top 5 products by sales"),
         "SELECT p.product_name, SUM(i.quantity * i.unit_price) AS total_sales FROM order_items i JOIN "
         "products p ON p.id = i.product_id GROUP BY p.product_name ORDER BY total_sales DESC LIMIT 5"),
        (("도시별 고객 수는?", "How many customers are there in each city?"),
         "SELECT city, COUNT(*) AS customers FROM customers GROUP BY city ORDER BY customers DESC"),
        (("월별 매출을 알려줘", "Show the sales by month"),
         "SELECT {month:order_date} AS month, SUM(amount) AS total_sales FROM orders GROUP BY "
         "{month:order_date} ORDER BY month"),
        (("서울 고객의 이름과 가입일을 보여줘", "Show the names and join dates of customers in Seoul"),
         "SELECT name, joined_at FROM customers WHERE city = '서울' ORDER BY joined_at"),
        (("최근 한 달간 취소 주문은 몇 건이야?", "How many cancelled orders were there in the last month?"),
         "SELECT COUNT(*) AS orders FROM orders WHERE status = '취소' AND order_date >= {months_ago:1}"),
        (("2026년 10월 매출은 얼마야?", "What were the sales in 2026-10?"),
         "SELECT SUM(amount) AS total_sales FROM orders WHERE {month:order_date} = '2026-10'"),
        (("분류별 매출을 알려줘", "Show the sales by category"),
         "SELECT c.name, SUM(i.quantity * i.unit_price) AS total_sales FROM order_items i JOIN products p ON "
         "p.id = i.product_id JOIN categories c ON c.id = p.category_id GROUP BY c.name ORDER BY total_sales "
         "DESC"),
        (("노트북 상품을 비싼 순으로 10개 보여줘", "Show the 10 most expensive products of the category laptop"),
         "SELECT p.product_name, p.price FROM products p JOIN categories c ON c.id = p.category_id WHERE "
         "c.name = '노트북' ORDER BY p.price DESC LIMIT 10"),
        (("재고가 20개 이하인 상품을 알려줘", "Which products have 20 or fewer in stock?"),
         "SELECT product_name, stock FROM products WHERE stock <= 20 ORDER BY stock"),
        (("평균 별점이 높은 상품 5개는?", "Which 5 products have the best average rating?"),
         "SELECT p.product_name, ROUND(AVG(r.rating), 2) AS average, COUNT(*) AS reviews FROM reviews r JOIN "
         "products p ON p.id = r.product_id GROUP BY p.id, p.product_name ORDER BY average DESC, reviews DESC "
         "LIMIT 5"),
        (("골드 등급 고객의 평균 주문 금액은?", "What is the average order amount of customers with the grade gold?"),
         "SELECT ROUND(AVG(o.amount)) AS average FROM orders o JOIN customers c ON c.id = o.customer_id WHERE "
         "c.grade = '골드'"),
        (("주문을 가장 많이 한 고객 10명은?", "Which 10 customers placed the most orders?"),
         "SELECT c.id, c.name, COUNT(*) AS orders FROM orders o JOIN customers c ON c.id = o.customer_id GROUP "
         "BY c.id, c.name ORDER BY orders DESC, c.id LIMIT 10"),
        (("2026년에 가입한 고객은 월별로 몇 명이야?", "How many customers joined in each month of 2026?"),
         "SELECT {month:joined_at} AS month, COUNT(*) AS customers FROM customers WHERE {year:joined_at} = "
         "2026 GROUP BY {month:joined_at} ORDER BY month"),
        (("도시별 평균 주문 금액을 알려줘", "Show the average order amount by city"),
         "SELECT c.city, ROUND(AVG(o.amount)) AS average FROM orders o JOIN customers c ON c.id = "
         "o.customer_id GROUP BY c.city ORDER BY average DESC"),
    ),
    "ad": (
        (("매체별 비용을 알려줘", "Show the cost by channel"),
         "SELECT c.channel, SUM(s.cost) AS cost FROM daily_stats s JOIN campaigns c ON c.id = s.campaign_id "
         "GROUP BY c.channel ORDER BY cost DESC"),
        (("클릭 수 상위 10개 캠페인은?", "Which are the top 10 campaigns by clicks?"),
         "SELECT c.name, SUM(s.clicks) AS clicks FROM daily_stats s JOIN campaigns c ON c.id = s.campaign_id "
         "GROUP BY c.name ORDER BY clicks DESC LIMIT 10"),
        (("업종별 광고주 수는?", "How many advertisers are there in each industry?"),
         "SELECT industry, COUNT(*) AS advertisers FROM advertisers GROUP BY industry ORDER BY advertisers "
         "DESC"),
        (("최근 한 달간 광고비는 얼마야?", "How much was spent on ads in the last month?"),
         "SELECT SUM(cost) AS cost FROM daily_stats WHERE stat_date >= {months_ago:1}"),
        (("월별 광고비를 알려줘", "Show the ad cost by month"),
         "SELECT {month:stat_date} AS month, SUM(cost) AS cost FROM daily_stats GROUP BY {month:stat_date} "
         "ORDER BY month"),
        (("2026년 10월 노출 수와 클릭 수는?", "How many impressions and clicks were there in 2026-10?"),
         "SELECT SUM(impressions) AS impressions, SUM(clicks) AS clicks FROM daily_stats WHERE "
         "{month:stat_date} = '2026-10'"),
        (("검색 매체의 캠페인 목록을 보여줘", "List the campaigns on the channel search"),
         "SELECT name, budget, start_date FROM campaigns WHERE channel = '검색' ORDER BY start_date"),
        (("게임 업종이 쓴 광고비는?", "How much did advertisers in gaming spend?"),
         "SELECT SUM(s.cost) AS cost FROM daily_stats s JOIN campaigns c ON c.id = s.campaign_id JOIN "
         "advertisers a ON a.id = c.advertiser_id WHERE a.industry = '게임'"),
        (("광고비를 가장 많이 쓴 광고주 5곳은?", "Which 5 advertisers spent the most?"),
         "SELECT a.id, a.name, SUM(s.cost) AS cost FROM daily_stats s JOIN campaigns c ON c.id = s.campaign_id "
         "JOIN advertisers a ON a.id = c.advertiser_id GROUP BY a.id, a.name ORDER BY cost DESC LIMIT 5"),
        (("진행 중인 캠페인은 몇 개야?", "How many campaigns are running?"),
         "SELECT COUNT(*) AS campaigns FROM campaigns WHERE end_date IS NULL"),
        (("매체별 평균 예산을 알려줘", "Show the average budget by channel"),
         "SELECT channel, ROUND(AVG(budget)) AS average FROM campaigns GROUP BY channel ORDER BY average DESC"),
        (("매체별 클릭당 비용을 알려줘", "Show the cost per click by channel"),
         "SELECT c.channel, ROUND(SUM(s.cost) / SUM(s.clicks), 1) AS cost_per_click FROM daily_stats s JOIN "
         "campaigns c ON c.id = s.campaign_id GROUP BY c.channel ORDER BY cost_per_click"),
        (("전환 수가 500건 이상인 캠페인은?", "Which campaigns have at least 500 conversions?"),
         "SELECT c.name, SUM(s.conversions) AS conversions FROM daily_stats s JOIN campaigns c ON c.id = "
         "s.campaign_id GROUP BY c.id, c.name HAVING SUM(s.conversions) >= 500 ORDER BY conversions DESC"),
        (("2026-10-01 이후 시작한 캠페인을 보여줘", "Show the campaigns that started after 2026-10-01"),
         "SELECT name, channel, start_date FROM campaigns WHERE start_date > '2026-10-01' ORDER BY start_date"),
        (("예산이 가장 큰 캠페인 5개는?", "Which 5 campaigns have the largest budgets?"),
         "SELECT name, budget FROM campaigns ORDER BY budget DESC LIMIT 5"),
    ),
    "edu": (
        (("과목별 평균 점수를 알려줘", "Show the average score by subject"),
         "SELECT c.subject, ROUND(AVG(e.score), 1) AS average FROM enrollments e JOIN courses c ON c.id = "
         "e.course_id GROUP BY c.subject ORDER BY average DESC"),
        (("수강생이 가장 많은 강좌 3개는?", "Which 3 courses have the most students?"),
         "SELECT c.title, COUNT(*) AS students FROM enrollments e JOIN courses c ON c.id = e.course_id GROUP "
         "BY c.title ORDER BY students DESC LIMIT 3"),
        (("학년별 학생 수는?", "How many students are there in each grade?"),
         "SELECT grade, COUNT(*) AS students FROM students GROUP BY grade ORDER BY grade"),
        (("최근 한 달간 수강 신청은 몇 건이야?", "How many enrollments were there in the last month?"),
         "SELECT COUNT(*) AS enrollments FROM enrollments WHERE enrolled_at >= {months_ago:1}"),
        (("월별 수강 신청 건수를 알려줘", "Show the number of enrollments by month"),
         "SELECT {month:enrolled_at} AS month, COUNT(*) AS enrollments FROM enrollments GROUP BY "
         "{month:enrolled_at} ORDER BY month"),
        (("2026년 10월 수강 신청은 몇 건이야?", "How many enrollments were there in 2026-10?"),
         "SELECT COUNT(*) AS enrollments FROM enrollments WHERE {month:enrolled_at} = '2026-10'"),
        (("서울 학생은 몇 명이야?", "How many students come from Seoul?"),
         "SELECT COUNT(*) AS students FROM students WHERE region = '서울'"),
        (("영어 강좌의 수강료를 보여줘", "Show the fees of the English courses"),
         "SELECT title, fee FROM courses WHERE subject = '영어' ORDER BY fee DESC"),
        (("과학 과목의 평균 점수는?", "What is the average score in science?"),
         "SELECT ROUND(AVG(e.score), 1) AS average FROM enrollments e JOIN courses c ON c.id = e.course_id "
         "WHERE c.subject = '과학'"),
        (("3학년 학생의 지역별 인원은?", "How many students of grade 3 come from each region?"),
         "SELECT region, COUNT(*) AS students FROM students WHERE grade = 3 GROUP BY region ORDER BY students "
         "DESC"),
        (("평균 점수가 가장 높은 학생 10명은?", "Which 10 students have the best average score?"),
         "SELECT s.id, s.name, ROUND(AVG(e.score), 1) AS average FROM enrollments e JOIN students s ON s.id = "
         "e.student_id WHERE e.score IS NOT NULL GROUP BY s.id, s.name ORDER BY average DESC, s.id LIMIT 10"),
        (("교사별 강좌 수를 알려줘", "Show the number of courses by teacher"),
         "SELECT t.id, t.name, COUNT(c.id) AS courses FROM teachers t LEFT JOIN courses c ON c.teacher_id = "
         "t.id GROUP BY t.id, t.name ORDER BY courses DESC, t.id"),
        (("90점 이상 받은 수강은 몇 건이야?", "How many enrollments have a score of 90 or more?"),
         "SELECT COUNT(*) AS enrollments FROM enrollments WHERE score >= 90"),
        (("과목별 강좌 수와 평균 수강료는?",
          "How many courses are there in each subject, and what is their average fee?"),
         "SELECT subject, COUNT(*) AS courses, ROUND(AVG(fee)) AS average_fee FROM courses GROUP BY subject "
         "ORDER BY courses DESC, subject"),
        (("강좌별 이수 인원을 알려줘", "Show the number of completed enrollments by course"),
         "SELECT c.id, c.title, COUNT(*) AS completed FROM enrollments e JOIN courses c ON c.id = e.course_id "
         "WHERE e.completed GROUP BY c.id, c.title ORDER BY completed DESC, c.id"),
    ),
    "hr": (
        (("부서별 재직 인원을 알려줘", "Show the number of current employees by department"),
         "SELECT d.name, COUNT(*) AS employees FROM employees e JOIN departments d ON d.id = e.department_id "
         "WHERE e.resigned_on IS NULL GROUP BY d.name ORDER BY employees DESC"),
        (("직급별 평균 연봉은?", "What is the average salary by position?"),
         "SELECT e.position_name, ROUND(AVG(s.base_salary)) AS average FROM salaries s JOIN employees e ON "
         "e.id = s.employee_id GROUP BY e.position_name ORDER BY average DESC"),
        (("휴가를 가장 많이 쓴 직원 5명은?", "Which 5 employees took the most leave?"),
         "SELECT e.id, e.name, SUM(l.days) AS days FROM leaves l JOIN employees e ON e.id = l.employee_id "
         "GROUP BY e.id, e.name ORDER BY days DESC, e.id LIMIT 5"),
        (("데이터팀의 재직 인원은?", "How many current employees does the data team have?"),
         "SELECT COUNT(*) AS employees FROM employees e JOIN departments d ON d.id = e.department_id WHERE "
         "e.resigned_on IS NULL AND d.name = '데이터팀'"),
        (("2026년 평균 연봉은?", "What is the average salary of 2026?"),
         "SELECT ROUND(AVG(base_salary)) AS average FROM salaries WHERE effective_year = 2026"),
        (("2026년 부서별 평균 연봉은?", "What is the average salary of 2026 by department?"),
         "SELECT d.name, ROUND(AVG(s.base_salary)) AS average FROM salaries s JOIN employees e ON e.id = "
         "s.employee_id JOIN departments d ON d.id = e.department_id WHERE s.effective_year = 2026 GROUP BY "
         "d.name ORDER BY average DESC"),
        (("과장은 몇 명이야?", "How many employees have the position 과장?"),
         "SELECT COUNT(*) AS employees FROM employees WHERE position_name = '과장' AND resigned_on IS NULL"),
        (("연도별 입사자 수를 알려줘", "Show the number of hires by year"),
         "SELECT {year:hired_on} AS year, COUNT(*) AS employees FROM employees GROUP BY {year:hired_on} ORDER "
         "BY year"),
        (("연도별 퇴사자 수를 알려줘", "Show the number of resignations by year"),
         "SELECT {year:resigned_on} AS year, COUNT(*) AS employees FROM employees WHERE resigned_on IS NOT "
         "NULL GROUP BY {year:resigned_on} ORDER BY year"),
        (("연차를 쓴 일수는 월별로 얼마야?", "How many days of annual leave were taken in each month?"),
         "SELECT {month:start_date} AS month, SUM(days) AS days FROM leaves WHERE leave_type = '연차' GROUP BY "
         "{month:start_date} ORDER BY month"),
        (("2026년 10월 휴가 일수를 종류별로 알려줘", "Show the days of leave in 2026-10 by type"),
         "SELECT leave_type, SUM(days) AS days FROM leaves WHERE {month:start_date} = '2026-10' GROUP BY "
         "leave_type ORDER BY days DESC"),
        (("재직 중인 직원의 성별 인원은?", "How many current employees are there of each gender?"),
         "SELECT gender, COUNT(*) AS employees FROM employees WHERE resigned_on IS NULL GROUP BY gender ORDER "
         "BY gender"),
        (("2026년 연봉 상위 10명은?", "Who are the 10 best paid employees of 2026?"),
         "SELECT e.id, e.name, e.position_name, s.base_salary FROM salaries s JOIN employees e ON e.id = "
         "s.employee_id WHERE s.effective_year = 2026 ORDER BY s.base_salary DESC, e.id LIMIT 10"),
        (("2026-01-01 이후 입사한 직원을 보여줘", "Show the employees hired after 2026-01-01"),
         "SELECT id, name, position_name, hired_on FROM employees WHERE hired_on > '2026-01-01' ORDER BY "
         "hired_on, id"),
        (("최근 한 달간 휴가를 쓴 직원은 몇 명이야?", "How many employees took leave in the last month?"),
         "SELECT COUNT(DISTINCT employee_id) AS employees FROM leaves WHERE start_date >= {months_ago:1}"),
    ),
}  # fmt: skip

# English words for values of the data, so that English questions find them.
SYNONYMS: Mapping[str, Sequence[tuple[str, str]]] = {
    "ecommerce": (
        ("Seoul", "서울"), ("Busan", "부산"), ("Incheon", "인천"), ("Daegu", "대구"), ("Daejeon", "대전"),
        ("Gwangju", "광주"), ("Ulsan", "울산"), ("Suwon", "수원"), ("Sejong", "세종"), ("Jeju", "제주"),
        ("laptop", "노트북"), ("phone", "휴대폰"), ("clothing", "의류"), ("food", "식품"), ("cosmetics", "화장품"),
        ("delivered", "배송완료"), ("shipping", "배송중"), ("paid", "결제완료"), ("cancelled", "취소"),
        ("refunded", "환불"), ("regular", "일반"), ("silver", "실버"), ("gold", "골드"),
    ),
    "ad": (
        ("search", "검색"), ("banner", "배너"), ("video", "동영상"), ("social", "소셜"), ("messenger", "메신저"),
        ("retail", "유통"), ("finance", "금융"), ("gaming", "게임"), ("education", "교육"), ("travel", "여행"),
        ("automotive", "자동차"),
    ),
    "edu": (
        ("math", "수학"), ("English", "영어"), ("Korean", "국어"), ("science", "과학"), ("history", "역사"),
        ("music", "음악"), ("coding", "코딩"), ("Seoul", "서울"), ("Gyeonggi", "경기"), ("Busan", "부산"),
        ("Daegu", "대구"), ("Gwangju", "광주"), ("Gangwon", "강원"), ("Jeju", "제주"),
    ),
    "hr": (
        ("annual leave", "연차"), ("half-day leave", "반차"), ("sick leave", "병가"), ("male", "남"), ("female", "여"),
        ("data team", "데이터팀"), ("platform team", "플랫폼팀"), ("mobile team", "모바일팀"),
        ("personnel team", "인사팀"), ("finance team", "재무팀"),
    ),
}  # fmt: skip
