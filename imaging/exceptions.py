"""Errors of desk photos.

GatewayError
├─ BadInput
│  ├─ PictureRefused           400   not a picture that this gateway reads
│  └─ PictureNotFetched        400   the URL can't be used, or gave no picture
├─ ModelMissing                503   the weights of a local model are not there yet
└─ ProviderError               502   a provider failed, or gave no usable answer
   ├─ ProviderRefused          422   the provider refuses this picture or text
   ├─ ProviderQuota            503   the quota at the provider is used up
   └─ ProviderTimeout          504
"""

from http import HTTPStatus

from common.exceptions import BadInput, GatewayError, Unavailable


class PictureRefused(BadInput):
    """The bytes are no picture that this gateway reads."""

    kind = "picture-refused"
    title = "This picture can't be used"


class PictureNotFetched(BadInput):
    """The picture's URL may not be called, or what it returns is no picture."""

    kind = "picture-not-fetched"
    title = "This picture can't be fetched"


class ModelMissing(Unavailable):
    """The weights of a local model are not on this machine."""

    kind = "model-missing"
    title = "The model is not there yet"
    retry_after = 30


class ProviderError(GatewayError):
    """A provider failed, or its answer can't be used."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "provider"
    title = "The provider failed"


class ProviderRefused(ProviderError):
    """The provider refuses this picture or text, for example by its moderation. A retry does not help."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "provider-refused"
    title = "The provider refuses this"


class ProviderQuota(ProviderError):
    """The quota or the rate limit at the provider is used up."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "provider-quota"
    title = "The provider's quota is used up"
    retry_after = 60


class ProviderTimeout(ProviderError):
    """The provider exceeded its deadline."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "provider-timeout"
    title = "The provider took too long"
