"""Verified examples of the SQLite databases: questions in Korean and English, and the SQL that answers all of them."""

# ruff: noqa: ISC004 - each statement follows its questions
from collections.abc import Mapping, Sequence

Group = tuple[tuple[str, ...], str]

EXAMPLES: Mapping[str, Sequence[Group]] = {
    "ecommerce": (
        (("최근 한 달간의 주문량을 알려줘", "How many orders were placed in the last month?"),
         "SELECT COUNT(*) AS count FROM orders WHERE order_date >= date('now', '-1 month')"),
        (("최근 한 달 동안 매출이 가장 높은 제품은?", "Which product had the highest sales in the last month?"),
         "SELECT p.product_name, SUM(i.quantity * i.unit_price) AS total_sales FROM orders o "
         "JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id "
         "WHERE o.order_date >= date('now', '-1 month') GROUP BY p.product_name ORDER BY total_sales DESC LIMIT 1"),
        (("매출 상위 5개 상품을 보여줘", "Show the top 5 products by sales"),
         "SELECT p.product_name, SUM(i.quantity * i.unit_price) AS total_sales FROM order_items i "
         "JOIN products p ON p.id = i.product_id GROUP BY p.product_name ORDER BY total_sales DESC LIMIT 5"),
        (("도시별 고객 수는?", "How many customers are there in each city?"),
         "SELECT city, COUNT(*) AS customers FROM customers GROUP BY city ORDER BY customers DESC"),
        (("월별 매출을 알려줘", "Show the sales by month"),
         "SELECT strftime('%Y-%m', order_date) AS month, SUM(amount) AS total_sales FROM orders GROUP BY 1 ORDER BY 1"),
    ),
    "ad": (
        (("매체별 비용을 알려줘", "Show the cost by channel"),
         "SELECT c.channel, SUM(s.cost) AS cost FROM daily_stats s JOIN campaigns c ON c.id = s.campaign_id "
         "GROUP BY c.channel ORDER BY cost DESC"),
        (("클릭 수 상위 10개 캠페인은?", "Which are the top 10 campaigns by clicks?"),
         "SELECT c.name, SUM(s.clicks) AS clicks FROM daily_stats s JOIN campaigns c ON c.id = s.campaign_id "
         "GROUP BY c.name ORDER BY clicks DESC LIMIT 10"),
        (("업종별 광고주 수는?", "How many advertisers are there in each industry?"),
         "SELECT industry, COUNT(*) AS advertisers FROM advertisers GROUP BY industry ORDER BY advertisers DESC"),
    ),
    "edu": (
        (("과목별 평균 점수를 알려줘", "Show the average score by subject"),
         "SELECT c.subject, ROUND(AVG(e.score), 1) AS average FROM enrollments e JOIN courses c ON c.id = e.course_id "
         "GROUP BY c.subject ORDER BY average DESC"),
        (("수강생이 가장 많은 강좌 3개는?", "Which 3 courses have the most students?"),
         "SELECT c.title, COUNT(*) AS students FROM enrollments e JOIN courses c ON c.id = e.course_id "
         "GROUP BY c.title ORDER BY students DESC LIMIT 3"),
        (("학년별 학생 수는?", "How many students are there in each grade?"),
         "SELECT grade, COUNT(*) AS students FROM students GROUP BY grade ORDER BY grade"),
    ),
    "hr": (
        (("부서별 재직 인원을 알려줘", "Show the number of current employees by department"),
         "SELECT d.name, COUNT(*) AS employees FROM employees e JOIN departments d ON d.id = e.department_id "
         "WHERE e.resigned_on IS NULL GROUP BY d.name ORDER BY employees DESC"),
        (("직급별 평균 연봉은?", "What is the average salary by position?"),
         "SELECT e.position_name, ROUND(AVG(s.base_salary)) AS average FROM salaries s "
         "JOIN employees e ON e.id = s.employee_id GROUP BY e.position_name ORDER BY average DESC"),
        (("휴가를 가장 많이 쓴 직원 5명은?", "Which 5 employees took the most leave?"),
         "SELECT e.id, e.name, SUM(l.days) AS days FROM leaves l JOIN employees e ON e.id = l.employee_id "
         "GROUP BY e.id, e.name ORDER BY days DESC, e.id LIMIT 5"),
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
