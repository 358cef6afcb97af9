"""Runs a supervisor with test processes. Its argument is JSON: `parts` and `before` by name, and `stages`."""

import json
import sys

from tools.launch.exceptions import LaunchError, StopRequested
from tools.launch.lines import Screen
from tools.launch.signals import Signals
from tools.launch.supervisor import Supervisor


def main(plan: dict[str, dict[str, list[str]]], stages: list[dict[str, float]]) -> str | None:
    """Starts all processes of the plan, prints `ready`, and stops them. Returns an error text, or None."""
    screen = Screen()
    supervisor = Supervisor(screen, Signals())
    try:
        for name, command in plan["parts"].items():
            supervisor.supervise(name, command)
        for name, command in plan["beside"].items():
            supervisor.launch(name, command)
        for name, command in plan["before"].items():
            supervisor.run(name, command)
        screen.show("ready")
        supervisor.watch()
    except StopRequested:
        return None
    except LaunchError as exc:
        return str(exc)
    finally:
        supervisor.stop(stages)
    return "unreachable"


if __name__ == "__main__":
    plan = json.loads(sys.argv[1])
    sys.exit(main({name: plan.get(name, {}) for name in ("parts", "beside", "before")}, plan["stages"]))
