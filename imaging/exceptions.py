"""Errors of desk photos.

GatewayError
├─ BadInput
│  ├─ PictureRefused           400   not a picture that this gateway reads
│  └─ PictureNotFetched        400   the URL can't be used, or gave no picture
│     └─ PictureUnreachable          its server did not answer; a later call may get an answer
├─ NotADesk                    422   the picture shows no desk
├─ CostLimitReached            429   the caller's calls of this day cost as much as they may
├─ AnswersLost                 502   workers died during calls that may have been paid for
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


class NotADesk(GatewayError):
    """The picture shows no desk."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "not-a-desk"
    title = "The picture shows no desk"


class CostLimitReached(GatewayError):
    """The caller's calls of this day cost as much as IMAGES_DAILY_COST_LIMIT allows."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "cost-limit"
    title = "The day's limit of costs is used up"


class AnswersLost(GatewayError):
    """Workers died during calls of a provider, which may have been paid for. No further one is made."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "answers-lost"
    title = "The provider's answers were lost"


class ModelMissing(Unavailable):
    """The weights of a local model are not on this machine."""

    kind = "model-missing"
    title = "The model is not there yet"
    retry_after = 30


class PictureUnreachable(PictureNotFetched):
    """The picture's server does not answer, or not in time."""

    retry_after = 5


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
