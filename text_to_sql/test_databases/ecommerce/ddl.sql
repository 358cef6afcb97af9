CREATE TABLE categories (
    id INT PRIMARY KEY COMMENT '분류 번호',
    name VARCHAR(50) NOT NULL COMMENT '분류명'
) COMMENT '상품 분류';
CREATE TABLE products (
    id INT PRIMARY KEY COMMENT '상품 번호',
    category_id INT NOT NULL COMMENT '분류 번호',
    product_name VARCHAR(100) NOT NULL COMMENT '상품명',
    price DECIMAL(12, 2) NOT NULL COMMENT '판매가(원)',
    stock INT NOT NULL COMMENT '재고 수량',
    FOREIGN KEY (category_id) REFERENCES categories (id)
) COMMENT '상품';
CREATE TABLE customers (
    id INT PRIMARY KEY COMMENT '고객 번호',
    name VARCHAR(50) NOT NULL COMMENT '고객명',
    email VARCHAR(100) COMMENT '이메일',
    city VARCHAR(50) NOT NULL COMMENT '도시',
    grade VARCHAR(10) NOT NULL COMMENT '회원 등급',
    joined_at DATE NOT NULL COMMENT '가입일'
) COMMENT '고객';
CREATE TABLE orders (
    id INT PRIMARY KEY COMMENT '주문 번호',
    customer_id INT NOT NULL COMMENT '고객 번호',
    order_date DATETIME NOT NULL COMMENT '주문 일시',
    status VARCHAR(10) NOT NULL COMMENT '주문 상태',
    amount DECIMAL(14, 2) NOT NULL COMMENT '주문 금액(원)',
    FOREIGN KEY (customer_id) REFERENCES customers (id)
) COMMENT '주문';
CREATE TABLE order_items (
    id INT PRIMARY KEY COMMENT '주문 상품 번호',
    order_id INT NOT NULL COMMENT '주문 번호',
    product_id INT NOT NULL COMMENT '상품 번호',
    quantity INT NOT NULL COMMENT '수량',
    unit_price DECIMAL(12, 2) NOT NULL COMMENT '단가(원)',
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (product_id) REFERENCES products (id)
) COMMENT '주문 상품';
CREATE TABLE reviews (
    id INT PRIMARY KEY COMMENT '후기 번호',
    product_id INT NOT NULL COMMENT '상품 번호',
    customer_id INT NOT NULL COMMENT '고객 번호',
    rating INT NOT NULL COMMENT '별점',
    created_at DATETIME NOT NULL COMMENT '작성 일시',
    FOREIGN KEY (product_id) REFERENCES products (id),
    FOREIGN KEY (customer_id) REFERENCES customers (id)
) COMMENT '상품 후기';
