"""The model server's image model and the classifier of desk photos have the same weights, so they must agree."""

from base64 import b64encode
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from django.conf import settings

from imaging import pictures
from imaging.services import desk_classify
from ml_server.service import Service
from tests.imaging.conftest import PHOTOGRAPHS

pytestmark = pytest.mark.usefixtures("models")


def test_both_find_the_same_five_classes(tmp_path: Path) -> None:
    service = Service(tmp_path, Event(), weights=Path(settings.IMAGE_MODELS_DIR))
    for path in sorted(PHOTOGRAPHS.glob("*.jpg")):
        whole = pictures.read(path.read_bytes())
        # A square: the two round the sides of other pictures differently, which moves the crop by a pixel.
        file, side = BytesIO(), min(whole.image.size)
        whole.image.crop((0, 0, side, side)).save(file, "JPEG", quality=95)
        picture = replace(whole, data=file.getvalue())
        image = b64encode(file.getvalue()).decode()
        found = service.predict({"model": "efficientnet-lite0", "image": image})["predictions"]
        probabilities = desk_classify.probabilities(picture)
        best = np.argsort(-probabilities)[:5]
        assert [each["label"] for each in found] == [desk_classify._names()[number] for number in best]
        assert [each["confidence"] for each in found] == pytest.approx(probabilities[best], abs=0.001)
