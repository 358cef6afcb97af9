CREATE TABLE advertisers (
    id INT PRIMARY KEY COMMENT '광고주 번호',
    name VARCHAR(100) NOT NULL COMMENT '광고주명',
    industry VARCHAR(30) NOT NULL COMMENT '업종'
) COMMENT '광고주';
CREATE TABLE campaigns (
    id INT PRIMARY KEY COMMENT '캠페인 번호',
    advertiser_id INT NOT NULL COMMENT '광고주 번호',
    name VARCHAR(100) NOT NULL COMMENT '캠페인명',
    channel VARCHAR(20) NOT NULL COMMENT '매체',
    budget DECIMAL(14, 2) NOT NULL COMMENT '예산(원)',
    start_date DATE NOT NULL COMMENT '시작일',
    end_date DATE COMMENT '종료일',
    FOREIGN KEY (advertiser_id) REFERENCES advertisers (id)
) COMMENT '광고 캠페인';
CREATE TABLE daily_stats (
    campaign_id INT NOT NULL COMMENT '캠페인 번호',
    stat_date DATE NOT NULL COMMENT '집계일',
    impressions INT NOT NULL COMMENT '노출 수',
    clicks INT NOT NULL COMMENT '클릭 수',
    conversions INT NOT NULL COMMENT '전환 수',
    cost DECIMAL(14, 2) NOT NULL COMMENT '비용(원)',
    PRIMARY KEY (campaign_id, stat_date),
    FOREIGN KEY (campaign_id) REFERENCES campaigns (id)
) COMMENT '일별 광고 성과';
