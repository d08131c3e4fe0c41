"""The guest's room, aliases: which pickled values share objects that could change."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import pathlib
import re
import sys
import types
import uuid
from typing import Any, Dict, List, Sequence, Set, Tuple

from . import arrays
from .by_value import importable
from .pickler import Pickled

#: Types whose instances cannot change; what they hold is in the pickler's memo on its own.
_FIXED = frozenset(
    {
        str, bytes, tuple, frozenset, int, float, complex, bool, type(None), range, slice, type(Ellipsis),
        type(NotImplemented), datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone,
        decimal.Decimal, fractions.Fraction, uuid.UUID, re.Pattern, types.CodeType, types.BuiltinFunctionType,
        types.ModuleType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
        types.GetSetDescriptorType, types.MemberDescriptorType, types.ClassMethodDescriptorType,
    }
)  # fmt: skip


def groups(pickles: Sequence[Pickled]) -> List[List[int]]:
    """Return the partition of ``pickles``, by index, into those that share what could change; indices stay sorted."""
    parent = list(range(len(pickles)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(i: int, j: int) -> None:
        a, b = sorted((root(i), root(j)))
        parent[b] = a

    _join_by_objects(pickles, join)
    if sum(1 for p in pickles if p.buffers) > 1:
        for i, j in arrays.overlapping([p.buffers for p in pickles]):
            join(i, j)
    found: Dict[int, List[int]] = {}
    for i in range(len(pickles)):
        found.setdefault(root(i), []).append(i)
    return list(found.values())


def _join_by_objects(pickles: Sequence[Pickled], join: Any) -> None:
    if len(pickles) < 2:
        return
    fixed = _fixed_bases()
    by_value: Set[int] = set().union(*(p.by_value for p in pickles))
    references: Set[int] = set().union(*(p.references for p in pickles))
    seen: Dict[int, int] = {}
    order = sorted(range(len(pickles)), key=lambda i: len(pickles[i].stream))
    for i in order:
        if i == order[-1] and not seen:
            break
        memo = pickles[i].memo
        for key in seen.keys() & memo.keys():
            if key not in references and _can_change(memo[key][1], fixed, by_value):
                join(seen[key], i)
        if i != order[-1]:
            seen.update((key, i) for key, (_, obj) in memo.items() if type(obj) not in _FIXED)


def _can_change(obj: Any, fixed: Tuple[type, ...], by_value: Set[int]) -> bool:
    kind = type(obj)
    if kind in _FIXED or isinstance(obj, fixed):
        return False
    if isinstance(obj, (type, types.FunctionType)):
        return id(obj) in by_value
    return not (callable(obj) and importable(obj))


def _fixed_bases() -> Tuple[type, ...]:
    """Return base classes of fixed values, those of loaded libraries included."""
    bases: List[type] = [enum.Enum, pathlib.PurePath]
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "ufunc"):
        bases += [numpy.dtype, numpy.generic, numpy.ufunc]
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "offsets"):
        bases += [
            pandas.Index, pandas.api.extensions.ExtensionDtype, pandas.offsets.BaseOffset, pandas.Timestamp,
            pandas.Timedelta, pandas.Interval, pandas.Period,
        ]  # fmt: skip
    return tuple(bases)
