"""What is stored, what is refused, and what damaged or foreign files say."""
# ruff: noqa: E501 (programs as text)

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_kf.runtime import bundle, storage

from .stage import Step


def only(outcome):
    (artifact,) = outcome.artifacts
    return artifact


def where(folder, artifact):
    return folder / artifact["digest"][:2] / artifact["digest"]


def test_a_bundle_is_named_by_its_content_and_read_only(tmp_path):
    artifact = only(Step(tmp_path).run("xs = [1, 'a']").store("xs"))
    path = where(tmp_path, artifact)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == artifact["digest"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert path.stat().st_size == artifact["size"]
    assert artifact["types"] == {"xs": "list"} and artifact["meta"]["preview"] == {"xs": "[1, 'a']"}
    assert bundle.read_header(str(path))["names"] == ["xs"]
    bundle.verify(str(path), artifact["digest"])


def test_equal_values_are_one_file(tmp_path):
    for size in (3, 200_000):
        digests = {only(Step(tmp_path).run(f"x = [list(range({size}))]").store("x"))["digest"] for _ in range(2)}
        assert len(digests) == 1
    assert not list(tmp_path.glob("tmp/*"))


def test_a_stored_bundle_that_was_cut_short_is_written_again_and_a_whole_one_counts_as_new(tmp_path):
    for size in (3, 200_000):
        artifact = only(Step(tmp_path).run(f"x = [list(range({size}))]").store("x"))
        path = where(tmp_path, artifact)
        os.utime(path, (1, 1))
        Step(tmp_path).run(f"x = [list(range({size}))]").store("x")
        assert path.stat().st_mtime > 1
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:100])
        Step(tmp_path).run(f"x = [list(range({size}))]").store("x")
        bundle.verify(str(path), artifact["digest"])


def test_names_that_share_objects_are_one_artifact(tmp_path):
    outcome = Step(tmp_path).run("a = []; b = [a]; c = [[]]; d = (1, 2); e = d; f = 's'; g = f").store(*"abcdefg")
    groups = sorted(a["names"] for a in outcome.artifacts if len(a["names"]) > 1)
    assert groups == [["a", "b"]]
    step = Step(tmp_path).take(outcome)
    assert step.value("b[0] is a")


def test_new_names_that_share_with_given_ones_join_them(tmp_path):
    outcome = Step(tmp_path).run("a = [[1]]; z = 5").store("a", "z")
    step = Step(tmp_path).take(outcome).run("n = a[0]")
    again = step.store("a", "n", "z")
    assert {n: e["state"] for n, e in again.names.items()} == {"a": "stored", "n": "stored", "z": "unchanged"}
    assert Step(tmp_path).take(again).value("n is a[0]")


def test_ties_inside_a_group_count_as_content(tmp_path):
    outcome = Step(tmp_path).run("a = [[1], [1]]; b = [a[0]]").store("a", "b")
    assert set(Step(tmp_path).take(outcome).run("b[0] = a[1]").states("a", "b").values()) == {"stored"}
    step = Step(tmp_path).take(outcome).run("import copy; b = copy.deepcopy(b)")
    assert step.states("a", "b") == {"a": "unchanged", "b": "stored"}


def test_absent_and_deleted_names(tmp_path):
    outcome = Step(tmp_path).run("a = 1").store("a", "never")
    assert outcome.names["never"] == {"state": "absent"}
    assert Step(tmp_path).take(outcome).run("del a").states("a") == {"a": "absent"}


def test_late_names_are_told(tmp_path):
    source = "def f():\n    def g(): return deep\n    return [x for x in seen if g]\nclass K:\n    def m(self, q=1):\n        global gone\n        del gone\n        return q.attribute\nbox = [f, K()]"
    artifact = only(Step(tmp_path).run(source).store("box"))
    assert artifact["late"] == ["deep", "gone", "seen"]


@pytest.mark.parametrize(
    ("made", "why", "fix"),
    [
        ("(i for i in [1])", "it is a generator", "list("),
        ("{'k': [1, open(__import__('os').devnull)]}", "v['k'][1] is an open file ('/dev/null')", "path"),
        ("K(__import__('threading').Lock())", "v.held is a lock", "Make it in the step"),
        ("lambda: s", "", ""),
        ("outer()", "sock, in the closure of v, is a socket", "connect"),
        ("__import__('sqlite3').connect(':memory:')", "it is a database connection", "connect"),
        ("[__import__('weakref').ref(K)]", "v[0] is a weak reference", "object itself"),
        ("__import__('sys')._getframe()", "it is a stack frame", "values"),
        ("K(NoWay())", "v.held is a __main__.NoWay, which says: not me", "setup"),
        ("__import__('ctypes').c_char_p(b'x')", "it is a C pointer", "plain values"),
    ],
)
def test_what_cannot_travel_is_told_with_the_culprit_and_a_way_out(tmp_path, made, why, fix):
    source = (
        "import socket\nclass K:\n    def __init__(self, x): self.held = x\nclass NoWay:\n    def __reduce__(self): raise TypeError('not me')\n"
        f"def outer():\n    sock = socket.socket()\n    return lambda: sock\nv = {made}"
    )
    step = Step(tmp_path).run(source)
    outcome = step.store("v", "K", wanted=["v"])
    step.run("h = v[1] if isinstance(v, dict) and 1 in v else None\nif isinstance(v, dict): v['k'][1].close()")
    if "sock" in why:
        step.run("v().close()")
    if "connect(" in made:
        step.run("v.close()")
    if not why:
        assert outcome.names["v"]["state"] == "stored"
        return
    assert outcome.refused["v"]["state"] == "unstorable"
    assert why in outcome.refused["v"]["why"]
    assert fix in outcome.refused["v"]["fix"]
    assert outcome.names["K"]["state"] == "stored"


def test_damage_is_told(tmp_path):
    artifact = only(Step(tmp_path).run("xs = list(range(100))").store("xs"))
    good = where(tmp_path, artifact).read_bytes()
    path = tmp_path / "damaged"
    flipped = bytearray(good)
    flipped[good.index(b"\x80\x05") + 20] ^= 1
    for data in (b"", b"KFB1", good[:-1], good[:100], good + b"x", b"NOPE" + good[4:], bytes(flipped), os.urandom(300)):
        path.write_bytes(data)
        with pytest.raises(bundle.BundleError):
            bundle.load(str(path), ["xs"], Step(tmp_path).namespace)
        with pytest.raises(bundle.BundleError):
            bundle.verify(str(path), artifact["digest"])
    with pytest.raises(bundle.BundleError, match="gone"):
        bundle.load(str(tmp_path / "nowhere"), ["xs"], Step(tmp_path).namespace)
    with pytest.raises(bundle.BundleError, match="does not hold other"):
        bundle.load(str(where(tmp_path, artifact)), ["other"], Step(tmp_path).namespace)


def test_code_of_another_python_is_refused_and_data_is_not(tmp_path, monkeypatch):
    code = only(Step(tmp_path).run("f = lambda: 1").store("f"))
    data = only(Step(tmp_path).run("x = [1]").store("x"))
    monkeypatch.setattr(storage, "PYTHON", "3.99")
    with pytest.raises(bundle.BundleError, match=r"this is Python 3\.99"):
        bundle.load(str(where(tmp_path, code)), ["f"], Step(tmp_path).namespace)
    assert bundle.load(str(where(tmp_path, data)), ["x"], Step(tmp_path).namespace) == {"x": [1]}


def test_a_missing_module_is_told(tmp_path):
    step = Step(tmp_path).run(
        "import sys, types\nsys.modules['gone_away'] = m = types.ModuleType('gone_away')\nclass K: pass\nK.__module__ = 'gone_away'; m.K = K; v = K()"
    )
    outcome = step.store("v", wanted=["v"])
    del sys.modules["gone_away"]
    with pytest.raises(bundle.BundleError, match="gone_away"):
        Step(tmp_path).take(outcome)


def test_values_are_dumped_from_a_kernel(tmp_path):
    outcome = bundle.dump({"a": [1], "b": {"k": (1,)}}, str(tmp_path))
    assert {n: e["state"] for n, e in outcome.names.items()} == {"a": "stored", "b": "stored"}
    assert Step(tmp_path).take(outcome).value("(a, b)") == ([1], {"k": (1,)})


def test_previews_run_no_code_of_the_user(tmp_path):
    source = "class K(dict):\n    def __repr__(self): raise SystemExit\n    __str__ = __len__ = __iter__ = __repr__\nv = [K(), {'a': {1}}, 'x' * 500, 10 ** 5000, ()]; e = set()"
    outcome = Step(tmp_path).run(source).store("v", "e")
    previews = {n: p for a in outcome.artifacts for n, p in a["meta"]["preview"].items()}
    assert previews["v"].startswith("[<K>, {'a': {1}}, 'xxx") and len(previews["v"]) <= 120
    assert previews["e"] == "set()"


SCRIPT = """
import importlib.util, json, sys, types
package = types.ModuleType("_kf_guest"); package.__path__ = [sys.argv[1]]; sys.modules["_kf_guest"] = package
from _kf_guest.namespace import Namespace
from _kf_guest import bundle
here = Namespace(sys.modules["__main__"].__dict__)
if sys.argv[3] == "store":
    exec(open(sys.argv[4]).read())
    outcome = bundle.store(here, ["k", "make", "tick", "A", "a", "C", "c", "data"], [], sys.argv[2])
    print(json.dumps([outcome.names, outcome.artifacts]))
else:
    for part in json.loads(open(sys.argv[4]).read())[1]:
        bundle.load(sys.argv[2] + "/" + part["digest"][:2] + "/" + part["digest"], part["names"], here)
    before = bundle.store(here, ["tick", "a", "c", "data"], [], sys.argv[2]).names
    print(json.dumps([tick(), a.get(), c is C.RED, data[1] is data[0], sorted({e["state"] for e in before.values()})]))
"""
SOURCE = """
from enum import Enum
from dataclasses import dataclass
k = 3
def make():
    n = 0
    def tick():
        nonlocal n
        n += k
        return n
    return tick
tick = make(); tick()
@dataclass
class A:
    x: int
    def get(self): return (self.x, k)
a = A(1)
class C(Enum):
    RED = 1
c = C.RED
data = [{}]
data.append(data[0])
"""


def interpreters():
    found = [sys.executable]
    roots = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(9, 15):
        found += [str(p) for p in sorted(roots.glob(f"3.{minor}.*/bin/python"))[-1:]]
    return found


@pytest.mark.parametrize("python", interpreters())
def test_real_processes_of_every_interpreter_here(tmp_path, python):
    folder = Path(bundle.__file__).parent
    script, source, report = tmp_path / "script.py", tmp_path / "source.py", tmp_path / "report.json"
    script.write_text(SCRIPT)
    source.write_text(SOURCE)
    command = [python, "-I", str(script), str(folder), str(tmp_path / "artifacts")]
    first = subprocess.run([*command, "store", str(source)], check=True, capture_output=True, text=True)
    report.write_text(first.stdout)
    again = subprocess.run([*command, "store", str(source)], check=True, capture_output=True, text=True)
    assert json.loads(again.stdout) == json.loads(first.stdout), "the same values have the same bytes"
    second = subprocess.run([*command, "load", str(report)], check=True, capture_output=True, text=True)
    assert json.loads(second.stdout) == [6, [1, 3], True, True, ["unchanged"]]
