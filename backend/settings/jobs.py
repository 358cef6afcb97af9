"""Jobs: leases, heartbeats, the sweeper's interval, and the schedule of retrains."""

import datetime as dt

from celery.schedules import ParseException, crontab

from backend import env

_CRONTAB_FIX = "set it to five crontab fields in UTC, such as '30 2 * * 0' for Sundays at half past two"


def read_crontab(name: str) -> str:
    """Five crontab fields separated by one blank, or an empty text. Raises `BadSetting`."""
    text = " ".join(env.text(name, "").split())
    try:
        if text:
            crontab.from_string(text).remaining_estimate(dt.datetime.now(dt.UTC))
    except (ParseException, ValueError, RuntimeError):  # RuntimeError: a date that never comes, such as 30 February
        raise env.BadSetting(name, f"can't be {text!r}", _CRONTAB_FIX) from None
    return text


def require_heartbeats(name: str, lease: float, heartbeat: float) -> None:
    """A runner must not lose its lease by one missed heartbeat; both are in seconds. Raises `BadSetting`."""
    if lease < 3 * heartbeat:
        fix = "set it to three times JOB_HEARTBEAT_SECONDS or more"
        raise env.BadSetting(name, f"is shorter than three heartbeats, {lease:g} s", fix)


JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 30, minimum=0.1, maximum=3600, unit="seconds")
JOB_HEARTBEAT_SECONDS = env.number("JOB_HEARTBEAT_SECONDS", 1, minimum=0.01, maximum=60, unit="seconds")
JOB_SWEEP_SECONDS = env.number("JOB_SWEEP_SECONDS", 5, minimum=0.1, maximum=3600, unit="seconds")
JOB_EVENTS_SECONDS = env.number("JOB_EVENTS_SECONDS", 25, minimum=0.1, maximum=3600, unit="seconds")
JOB_NICENESS = env.integer("JOB_NICENESS", 19, minimum=0, maximum=19, unit="steps of niceness")
require_heartbeats("JOB_LEASE_SECONDS", JOB_LEASE_SECONDS, JOB_HEARTBEAT_SECONDS)
RETRAIN_SCHEDULE = read_crontab("RETRAIN_SCHEDULE")
RETRAIN_FROM_VERDICTS = env.switch("RETRAIN_FROM_VERDICTS", default=True)
