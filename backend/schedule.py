"""The schedule of retrains: five fields as in a crontab, refused at start where no such time ever comes."""

from datetime import UTC, datetime

from celery.schedules import ParseException, crontab

from backend import env

MEND = "set it to five crontab fields in UTC, such as '30 2 * * 0' for Sundays at half past two"


def crontab_text(name: str) -> str:
    """Five fields with a blank between two, or nothing for none. Raises `BadSetting`."""
    text = " ".join(env.text(name, "").split())
    try:
        if text:
            crontab.from_string(text).remaining_estimate(datetime.now(UTC))
    except (ParseException, ValueError, RuntimeError):  # the last, where there is no such day
        raise env.BadSetting(name, f"can't be {text!r}", MEND) from None
    return text


def require_beats(name: str, lease: float, heartbeat: float) -> None:
    """A runner that misses one heart-beat must not be taken for dead. Raises `BadSetting`."""
    if lease < 3 * heartbeat:
        mend = "set it to three times JOB_HEARTBEAT_SECONDS or more"
        raise env.BadSetting(name, f"is shorter than three heart-beats, {lease:g} s", mend)
