"""Serves a GGUF file on loopback until this process ends. Runs in an environment of its own, which only has xllamacpp.

`python server.py MODEL.gguf PORT ALIAS`; the API key comes by the environment, since others can read a command line.
"""

import os
import signal
import sys
import threading

import xllamacpp

CONTEXT = 8192  # tokens of the longest prompt with its answer


def parameters(path: str, port: int, alias: str, key: str) -> xllamacpp.CommonParams:
    """One answer at a time: two would halve the speed, and share the cache of the prompt."""
    found = xllamacpp.CommonParams()
    found.model.path = path
    found.model_alias = {alias}
    found.hostnames, found.port, found.api_keys = ["127.0.0.1"], port, [key]
    found.n_ctx, found.n_parallel, found.n_gpu_layers = CONTEXT, 1, 0
    found.cpuparams.n_threads = found.cpuparams_batch.n_threads = max(len(os.sched_getaffinity(0)), 1)
    found.cpuparams.poll = found.cpuparams_batch.poll = 0  # threads that spin are slow beside other programs
    found.ui = False
    return found


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    path, port, alias = sys.argv[1:4]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = xllamacpp.Server(parameters(path, int(port), alias, os.environ["LLM_API_KEY"]))
    print(f"serving {server.listening_address}", flush=True)
    stop.wait()
    os._exit(0)  # the library's threads do not end by themselves


if __name__ == "__main__":
    main()
