"""The new picture: by a style network on this machine, or by OpenAI's image edits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from imaging import onnx_models, pictures, prompts
from imaging.exceptions import ProviderError
from imaging.services.interface import Kind, Usage
from imaging.weights.catalogue import STYLES

if TYPE_CHECKING:
    from openai.types import ImagesResponse
    from PIL.Image import Image

    from imaging.pictures import Picture

NUMBER_OF_STYLES = 26
STYLE = 19
STYLED_SIDE = 1024  # pixels; half a second
MULTIPLE = 4  # the network halves the sides twice


@dataclass(frozen=True)
class Draft:
    """What to draw: the picture, and a text that describes it."""

    picture: Picture
    description: str


class StyleTransfer:
    """A neural style transfer on this machine. It does not know the description: it only paints the picture anew."""

    provider = "local"

    def run(self, given: Draft, usage: Usage) -> Picture:
        """Paints the picture. Raises `ModelMissing`."""
        usage.model, usage.model_version, usage.answer = STYLES.name, STYLES.version, {"style": STYLE}
        return pictures.encoded(styled(given.picture.image, STYLE), "JPEG")

    def info(self) -> dict[str, Any]:
        """Its model, and its licence."""
        limits = {"styles": NUMBER_OF_STYLES, "style": STYLE, "max_side": STYLED_SIDE}
        return {"model": STYLES.name, "version": STYLES.version, "licence": STYLES.licence, **limits}


def styled(image: Image, style: int) -> Image:
    """The image in one of the styles, at most `STYLED_SIDE` pixels a side. Raises `ModelMissing`."""
    import numpy as np  # noqa: PLC0415 - only where a picture is drawn
    from PIL import Image as images  # noqa: N813, PLC0415

    small = image.copy()
    small.thumbnail((STYLED_SIDE, STYLED_SIDE))
    pixels = np.asarray(small, np.float32) / np.float32(255)
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)), mode="reflect")
    weights = np.eye(NUMBER_OF_STYLES, dtype=np.float32)[style]
    inputs = {"image": np.ascontiguousarray(padded.transpose(2, 0, 1)[np.newaxis]), "style_weights": weights}
    painted = onnx_models.session(STYLES).run(None, inputs)[0][0].transpose(1, 2, 0)[:height, :width]
    return images.fromarray((np.clip(painted, 0, 1) * 255 + 0.5).astype(np.uint8))


class OpenAIEdits:
    """OpenAI's image edits, by its own client. It gets the picture's bytes and never the caller's URL."""

    provider = "openai"

    def run(self, given: Draft, usage: Usage) -> Picture:
        """Draws the picture. Raises `ProviderError`."""
        from imaging.services import openai_client  # noqa: PLC0415 - the client takes 100 MB

        prompt = prompts.newest("draw")
        usage.model, usage.prompt_version = settings.OPENAI_IMAGE_MODEL, prompt.version
        usage.prompt = prompt.text.replace("{description}", given.description)
        with openai_client.errors_mapped(), openai_client.opened(usage.exchange) as client:
            answer = client.images.edit(
                model=usage.model,
                image=("desk.jpg", given.picture.data, pictures.CONTENT_TYPE),
                prompt=usage.prompt,
                output_format="jpeg",
            )
        try:
            _count(answer, usage)
            return _read(answer)
        except (AttributeError, TypeError) as exc:  # the client does not check what it received
            raise ProviderError("The provider's answer is not of the documented form.") from exc

    def most_microdollars(self) -> int:
        """What one call costs at most."""
        return round(settings.OPENAI_IMAGE_MAX_COST * 1_000_000)

    def info(self) -> dict[str, Any]:
        """Its model and prices."""
        prices = {"input": settings.OPENAI_IMAGE_INPUT_PRICE, "output": settings.OPENAI_IMAGE_OUTPUT_PRICE}
        return {"model": settings.OPENAI_IMAGE_MODEL, "dollars_per_million_tokens": prices}


def _count(answer: ImagesResponse, usage: Usage) -> None:
    usage.answer = {"created": answer.created, "size": answer.size, "quality": answer.quality}
    if answer.usage is not None:
        usage.input_tokens, usage.output_tokens = answer.usage.input_tokens, answer.usage.output_tokens
        prices = settings.OPENAI_IMAGE_INPUT_PRICE, settings.OPENAI_IMAGE_OUTPUT_PRICE
        # Dollars for a million tokens are millionths of a dollar for one.
        usage.cost_microdollars = round(usage.input_tokens * prices[0] + usage.output_tokens * prices[1])


def _read(answer: ImagesResponse) -> Picture:
    """The picture in the answer, read as carefully as a caller's. Raises `ProviderError`."""
    from imaging.services import openai_client  # noqa: PLC0415

    encoded = answer.data[0].b64_json if answer.data else None
    if not encoded:
        raise ProviderError("The provider's answer has no picture.")
    return openai_client.picture(encoded)


IMAGE_GENERATION: Kind[Draft, Picture] = Kind("image_generation", "IMAGE_DRAWER", makes_picture=True)
