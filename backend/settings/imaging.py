"""Desk photos: limits of callers' pictures, and where they may be fetched."""

from backend import env
from backend.settings.host_lists import read_hosts
from backend.settings.machine import VAR_DIR

IMAGE_MAX_BYTES = env.integer("IMAGE_MAX_BYTES", 10 * env.MIB, minimum=1024, maximum=50 * env.MIB, unit="bytes")
IMAGE_MAX_PIXELS = env.integer("IMAGE_MAX_PIXELS", 25_000_000, minimum=1024, maximum=100_000_000, unit="pixels")
IMAGE_HOSTS = read_hosts("IMAGE_HOSTS")
IMAGE_FETCH_SECONDS = env.number("IMAGE_FETCH_SECONDS", 10, minimum=0.01, maximum=60, unit="seconds")
FETCH_MODELS = env.switch("FETCH_MODELS", default=True)
IMAGE_MODELS_DIR = env.folder("IMAGE_MODELS_DIR", VAR_DIR / "weights", may_be_read_only=True)
DESK_THRESHOLD = env.number("DESK_THRESHOLD", 0.1, minimum=0, maximum=1, unit="probability")
IMAGE_CLASSIFIER = env.text("IMAGE_CLASSIFIER", "imaging.services.desk_classify.ImageNet")

# OpenAI's API, or another that speaks its protocol.
OPENAI_API_KEY = env.text("OPENAI_API_KEY", "")
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL", "https://api.openai.com/v1", schemes=("https", "http"))
OPENAI_SECONDS = env.number("OPENAI_SECONDS", 180, minimum=0.01, maximum=3600, unit="seconds")
OPENAI_VISION_MODEL = env.text("OPENAI_VISION_MODEL", "gpt-4o")
OPENAI_VISION_INPUT_PRICE = env.number(
    "OPENAI_VISION_INPUT_PRICE", 0, minimum=0, maximum=10_000, unit="US dollars for a million tokens"
)
OPENAI_VISION_OUTPUT_PRICE = env.number(
    "OPENAI_VISION_OUTPUT_PRICE", 0, minimum=0, maximum=10_000, unit="US dollars for a million tokens"
)
OPENAI_VISION_MAX_COST = env.number("OPENAI_VISION_MAX_COST", 0.02, minimum=0, maximum=1000, unit="US dollars")
OPENAI_IMAGE_MODEL = env.text("OPENAI_IMAGE_MODEL", "gpt-image-1")
OPENAI_IMAGE_INPUT_PRICE = env.number(
    "OPENAI_IMAGE_INPUT_PRICE", 0, minimum=0, maximum=10_000, unit="US dollars for a million tokens"
)
OPENAI_IMAGE_OUTPUT_PRICE = env.number(
    "OPENAI_IMAGE_OUTPUT_PRICE", 0, minimum=0, maximum=10_000, unit="US dollars for a million tokens"
)
IMAGE_DESCRIBER = env.text(
    "IMAGE_DESCRIBER",
    "imaging.services." + ("openai_vision.OpenAIVision" if OPENAI_API_KEY else "vision2text.LabelsAndColours"),
)
IMAGE_DRAWER = env.text(
    "IMAGE_DRAWER",
    "imaging.services.image_generation." + ("OpenAIEdits" if OPENAI_API_KEY else "StyleTransfer"),
)
OPENAI_IMAGE_MAX_COST = env.number("OPENAI_IMAGE_MAX_COST", 0.3, minimum=0, maximum=1000, unit="US dollars")
IMAGES_DAILY_COST_LIMIT = env.number("IMAGES_DAILY_COST_LIMIT", 20, minimum=0, maximum=1_000_000, unit="US dollars")

# One's own model server, for v2: see imaging.services.custom.
IMAGE_DRAWER_V2 = env.text("IMAGE_DRAWER_V2", "imaging.services.custom.ModelServer")
IMAGE_SERVER_URL = env.url_or_none("IMAGE_SERVER_URL", "http://127.0.0.1:9100/draw", schemes=("https", "http"))
IMAGE_SERVER_KEY = env.text("IMAGE_SERVER_KEY", "")
IMAGE_SERVER_SECONDS = env.number("IMAGE_SERVER_SECONDS", 180, minimum=0.01, maximum=3600, unit="seconds")
IMAGE_SERVER_PRICE = env.number("IMAGE_SERVER_PRICE", 0, minimum=0, maximum=1000, unit="US dollars for a picture")
IMAGES_PRODUCT_SEARCH = env.text("IMAGES_PRODUCT_SEARCH", "imaging.services.product_search.Catalogue")

# Naver Shopping: https://developers.naver.com/docs/serviceapi/search/shopping/shopping.md
NAVER_CLIENT_ID = env.text("NAVER_CLIENT_ID", "")
NAVER_CLIENT_SECRET = env.text("NAVER_CLIENT_SECRET", "")
NAVER_BASE_URL = env.url("NAVER_BASE_URL", "https://openapi.naver.com", schemes=("https", "http"))
NAVER_SECONDS = env.number("NAVER_SECONDS", 5, minimum=0.01, maximum=60, unit="seconds")
NAVER_DAILY_QUOTA = env.integer("NAVER_DAILY_QUOTA", 25_000, minimum=0, maximum=10**9, unit="calls")
NAVER_CACHE_SECONDS = env.integer("NAVER_CACHE_SECONDS", 86_400, minimum=0, maximum=30 * 86_400, unit="seconds")
NAVER_CACHE_KEYWORDS = env.integer("NAVER_CACHE_KEYWORDS", 10_000, minimum=1, maximum=10**6, unit="keywords")
