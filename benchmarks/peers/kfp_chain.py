"""KFP's local runner on a chain of trivial steps: ``kfp_chain.py STEPS FOLDER CACHED`` prints seconds a step."""

import json
import logging
import sys
import time

from kfp import dsl, local

steps, folder, cached = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "1"
logging.disable(logging.CRITICAL)
local.init(
    runner=local.SubprocessRunner(use_venv=False), pipeline_root=folder, **({"enable_caching": True} if cached else {})
)


@dsl.component(install_kfp_package=False)
def add_one(x: int) -> int:
    return x + 1


@dsl.pipeline
def chain() -> int:
    task = add_one(x=0)
    for _ in range(steps - 1):
        task = add_one(x=task.output)
    return task.output


start = time.perf_counter()
assert chain().output == steps
first = time.perf_counter() - start
second = None
if cached:
    start = time.perf_counter()
    assert chain().output == steps
    second = time.perf_counter() - start
sys.stdout.write("\n" + json.dumps({"first": first / steps, "second": second and second / steps}) + "\n")
