"""A supervisor over stand-ins: `driver.py '{"parts": {name: command}, "stages": [{name: grace}], "before": {…}}'`."""

import json
import sys

from tools.launch.exceptions import Failed, StopRequested
from tools.launch.lines import Screen
from tools.launch.signals import Signals
from tools.launch.supervisor import Supervisor


def main(plan: dict[str, dict[str, list[str]]], stages: list[dict[str, float]]) -> str | None:
    """Brings all of the plan up, says so, and stops it; how that went."""
    screen = Screen()
    supervisor = Supervisor(screen, Signals())
    try:
        for name, command in plan["parts"].items():
            supervisor.keep(name, command)
        for name, command in plan["before"].items():
            supervisor.run(name, command)
        screen.show("ready")
        supervisor.watch()
    except StopRequested:
        return None
    except Failed as exc:
        return str(exc)
    finally:
        supervisor.stop(stages)
    return "unreachable"


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    sys.exit(main({"parts": given["parts"], "before": given["before"]}, given["stages"]))
