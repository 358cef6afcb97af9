"""Four synthetic databases for tests and demonstrations: ad, edu, ecommerce, hr. Their people and firms are invented.

Each folder has a `ddl.sql` in MySQL's dialect and a module `generate_data` with `rows`. The same seed and day give the
same rows.
"""

NAMES = ("ad", "edu", "ecommerce", "hr")
KOREAN_NAMES = {"ad": "광고 테스트 DB", "edu": "교육시스템", "ecommerce": "ecommerce 테스트 DB", "hr": "직원관리시스템"}
