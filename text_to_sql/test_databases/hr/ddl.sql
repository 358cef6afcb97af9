CREATE TABLE departments (
    id INT PRIMARY KEY COMMENT '부서 번호',
    name VARCHAR(50) NOT NULL COMMENT '부서명',
    parent_id INT COMMENT '상위 부서 번호',
    FOREIGN KEY (parent_id) REFERENCES departments (id)
) COMMENT '부서';
CREATE TABLE employees (
    id INT PRIMARY KEY COMMENT '사번',
    name VARCHAR(50) NOT NULL COMMENT '직원명',
    department_id INT NOT NULL COMMENT '부서 번호',
    position_name VARCHAR(20) NOT NULL COMMENT '직급',
    gender VARCHAR(2) NOT NULL COMMENT '성별',
    hired_on DATE NOT NULL COMMENT '입사일',
    resigned_on DATE COMMENT '퇴사일',
    FOREIGN KEY (department_id) REFERENCES departments (id)
) COMMENT '직원';
CREATE TABLE salaries (
    employee_id INT NOT NULL COMMENT '사번',
    effective_year INT NOT NULL COMMENT '적용 연도',
    base_salary DECIMAL(14, 2) NOT NULL COMMENT '연봉(원)',
    PRIMARY KEY (employee_id, effective_year),
    FOREIGN KEY (employee_id) REFERENCES employees (id)
) COMMENT '연봉';
CREATE TABLE leaves (
    id INT PRIMARY KEY COMMENT '휴가 번호',
    employee_id INT NOT NULL COMMENT '사번',
    leave_type VARCHAR(10) NOT NULL COMMENT '휴가 종류',
    start_date DATE NOT NULL COMMENT '시작일',
    days DECIMAL(4, 1) NOT NULL COMMENT '일수',
    FOREIGN KEY (employee_id) REFERENCES employees (id)
) COMMENT '휴가';
