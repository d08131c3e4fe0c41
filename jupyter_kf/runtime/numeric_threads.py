"""The guest's room, threads of numeric libraries: one while the fork server loads them, the step's share in a step.

The libraries read their limits when they are loaded, so a child that is to use more has to tell them. Found by the
symbols that OpenBLAS (under the names that NumPy's and SciPy's wheels give it), MKL and OpenMP runtimes export.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, List

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
_SETTERS = (
    "openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "scipy_openblas_set_num_threads64_",
    "MKL_Set_Num_Threads",
    "omp_set_num_threads",
    "bli_thread_set_num_threads",
)
_LIBRARIES = ("openblas", "mkl_rt", "libgomp", "libomp", "libiomp", "libblis", "blas")


def limit_variables(threads: int) -> None:
    """Limit libraries that are loaded from now on, where the user has not said how many."""
    for name in VARIABLES:
        os.environ.setdefault(name, str(threads))


def find_setters() -> List[Any]:
    """Return the functions of loaded libraries that set their number of threads."""
    found: List[Any] = []
    for path in sorted(_mapped_libraries()):
        try:
            library = ctypes.CDLL(path, mode=getattr(os, "RTLD_NOLOAD", 0))
        except OSError:
            continue  # mapped, but not as a library that can be opened again
        for name in _SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                setter.argtypes, setter.restype = [ctypes.c_int], None
                found.append(setter)
    return found


def _mapped_libraries() -> List[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            paths = {line.split(None, 5)[5].strip() for line in file if line.count(" ") > 5 and "/" in line}
    except OSError:
        return []
    return [path for path in paths if any(name in os.path.basename(path) for name in _LIBRARIES)]
