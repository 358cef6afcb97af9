"""Desk photos: limits of callers' pictures, and where they may be fetched."""

from backend import env
from backend.settings.host_lists import read_hosts
from backend.settings.machine import VAR_DIR

IMAGE_MAX_BYTES = env.integer("IMAGE_MAX_BYTES", 10 * env.MIB, minimum=1024, maximum=50 * env.MIB, unit="bytes")
IMAGE_MAX_PIXELS = env.integer("IMAGE_MAX_PIXELS", 25_000_000, minimum=1024, maximum=100_000_000, unit="pixels")
IMAGE_HOSTS = read_hosts("IMAGE_HOSTS")
IMAGE_FETCH_SECONDS = env.number("IMAGE_FETCH_SECONDS", 10, minimum=0.01, maximum=60, unit="seconds")
FETCH_MODELS = env.switch("FETCH_MODELS", default=True)
IMAGE_MODELS_DIR = env.folder("IMAGE_MODELS_DIR", VAR_DIR / "weights")
DESK_THRESHOLD = env.number("DESK_THRESHOLD", 0.1, minimum=0, maximum=1, unit="probability")
IMAGE_CLASSIFIER = env.text("IMAGE_CLASSIFIER", "imaging.services.desk_classify.ImageNet")
IMAGE_DESCRIBER = env.text("IMAGE_DESCRIBER", "imaging.services.vision2text.LabelsAndColours")

# OpenAI's API, or another that speaks its protocol.
OPENAI_API_KEY = env.text("OPENAI_API_KEY", "")
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL", "https://api.openai.com/v1", schemes=("https", "http"))
OPENAI_SECONDS = env.number("OPENAI_SECONDS", 180, minimum=0.01, maximum=3600, unit="seconds")
OPENAI_IMAGE_MODEL = env.text("OPENAI_IMAGE_MODEL", "gpt-image-1")
OPENAI_IMAGE_INPUT_PRICE = env.number(
    "OPENAI_IMAGE_INPUT_PRICE", 0, minimum=0, maximum=10_000, unit="US dollars for a million tokens"
)
OPENAI_IMAGE_OUTPUT_PRICE = env.number(
    "OPENAI_IMAGE_OUTPUT_PRICE", 0, minimum=0, maximum=10_000, unit="US dollars for a million tokens"
)
IMAGE_DRAWER = env.text(
    "IMAGE_DRAWER",
    "imaging.services.image_generation." + ("OpenAIEdits" if OPENAI_API_KEY else "StyleTransfer"),
)
