CREATE TABLE teachers (
    id INT PRIMARY KEY COMMENT '교사 번호',
    name VARCHAR(50) NOT NULL COMMENT '교사명',
    subject VARCHAR(30) NOT NULL COMMENT '담당 과목'
) COMMENT '교사';
CREATE TABLE students (
    id INT PRIMARY KEY COMMENT '학생 번호',
    name VARCHAR(50) NOT NULL COMMENT '학생명',
    grade INT NOT NULL COMMENT '학년',
    region VARCHAR(30) NOT NULL COMMENT '지역',
    enrolled_on DATE NOT NULL COMMENT '입학일'
) COMMENT '학생';
CREATE TABLE courses (
    id INT PRIMARY KEY COMMENT '강좌 번호',
    teacher_id INT NOT NULL COMMENT '교사 번호',
    title VARCHAR(100) NOT NULL COMMENT '강좌명',
    subject VARCHAR(30) NOT NULL COMMENT '과목',
    capacity INT NOT NULL COMMENT '정원',
    fee DECIMAL(12, 2) NOT NULL COMMENT '수강료(원)',
    FOREIGN KEY (teacher_id) REFERENCES teachers (id)
) COMMENT '강좌';
CREATE TABLE enrollments (
    id INT PRIMARY KEY COMMENT '수강 번호',
    student_id INT NOT NULL COMMENT '학생 번호',
    course_id INT NOT NULL COMMENT '강좌 번호',
    enrolled_at DATETIME NOT NULL COMMENT '수강 신청 일시',
    score DECIMAL(5, 2) COMMENT '점수',
    completed BOOLEAN NOT NULL COMMENT '이수 여부',
    FOREIGN KEY (student_id) REFERENCES students (id),
    FOREIGN KEY (course_id) REFERENCES courses (id)
) COMMENT '수강';
