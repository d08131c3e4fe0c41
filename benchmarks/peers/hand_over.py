"""Hand a value over through a file: ``hand_over.py HOW WHAT BYTES FOLDER`` prints seconds to write and to read it.

HOW is ``dill`` (what Kale uses) or ``numpy`` (np.save, np.load with mmap). Neither waits for the disk.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.values import make

how, what, size, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
value = make(what, size)
path = folder / f"{how}-{what}.npy"
if how == "numpy":
    import numpy as np

    start = time.perf_counter()
    np.save(path, value)
    middle = time.perf_counter()
    np.load(path, mmap_mode="r")
else:
    import dill

    start = time.perf_counter()
    with path.open("wb") as file:
        dill.dump(value, file)
    middle = time.perf_counter()
    with path.open("rb") as file:
        dill.load(file)
end = time.perf_counter()
path.unlink()
sys.stdout.write("\n" + json.dumps({"write": middle - start, "read": end - middle}) + "\n")
