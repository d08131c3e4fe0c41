from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.engine.locks import RunLock, holder
from jupyter_kf.engine.slots import Capacity, Demand, Grant, Slots, Wait, check_fits, demand_of, discover
from jupyter_kf.errors import ConfigError, EngineError
from jupyter_kf.model.pipeline import Cell, Step, StepOptions

GIB = 2**30
Opener = Callable[..., Slots]


@pytest.fixture
def open_slots(tmp_path: Path) -> Iterator[Opener]:
    opened: list[Slots] = []
    locks: list[RunLock] = []

    def open_for(run: str, capacity: Capacity) -> Slots:
        folder = tmp_path / "runs" / run
        folder.mkdir(parents=True)
        lock = RunLock(folder)
        assert lock.acquire()
        locks.append(lock)
        opened.append(Slots(tmp_path, capacity, run))
        return opened[-1]

    yield open_for
    for slots in opened:
        slots.close()
    for lock in locks:
        lock.release()


def test_two_runs_share_the_cores_and_who_waits_says_for_whom(open_slots: Opener) -> None:
    capacity = Capacity(2.0, 8 * GIB)
    first, second = open_slots("r1", capacity), open_slots("r2", capacity)
    assert first.take("e1", "load", Demand(2)) == Grant("e1")
    assert second.take("e2", "train", Demand(1)) == Wait("waits for 1 CPU; held by run r1 step 'load'")
    first.give_back("e1")
    assert second.take("e2", "train", Demand(1)) == Grant("e2")


def test_a_lease_is_given_once_however_often_it_is_asked_for(open_slots: Opener) -> None:
    slots = open_slots("r", Capacity(1.0, GIB))
    assert slots.take("e", "s", Demand()) == slots.take("e", "s", Demand()) == Grant("e")


def test_the_queue_is_served_in_order_and_nobody_starves(open_slots: Opener) -> None:
    capacity = Capacity(2.0, 8 * GIB, ("0",))
    slots = open_slots("r", capacity)
    assert isinstance(slots.take("small-1", "a", Demand(1)), Grant)
    assert isinstance(slots.take("big", "b", Demand(2)), Wait)
    answer = slots.take("small-2", "c", Demand(1))  # one core is free, but the big one is before it
    assert answer == Wait("waits for 1 CPU; held by step 'a'; 1 before it in the queue")
    assert isinstance(slots.take("gpu", "d", Demand(0, 0, 1)), Grant)  # needs nothing that others wait for
    slots.give_back("small-1")
    assert isinstance(slots.take("small-2", "c", Demand(1)), Wait)
    assert isinstance(slots.take("big", "b", Demand(2)), Grant)


def test_each_gpu_goes_to_one_step(open_slots: Opener) -> None:
    slots = open_slots("r", Capacity(4.0, GIB, ("2", "5")))
    assert slots.take("e1", "a", Demand(gpu=1)) == Grant("e1", ("2",))
    assert slots.take("e2", "b", Demand(gpu=1)) == Grant("e2", ("5",))
    assert slots.take("e3", "c", Demand(gpu=1)) == Wait("waits for 1 GPU; held by step 'a', step 'b'")
    slots.give_back("e1")
    assert slots.take("e3", "c", Demand(gpu=1)) == Grant("e3", ("2",))


def test_memory_is_a_slot_too(open_slots: Opener) -> None:
    slots = open_slots("r", Capacity(8.0, 4 * GIB))
    assert isinstance(slots.take("e1", "a", Demand(1, 3 * GIB)), Grant)
    assert slots.take("e2", "b", Demand(1, 2 * GIB)) == Wait("waits for 2 GiB of memory; held by step 'a'")
    assert isinstance(slots.take("e3", "c", Demand(1)), Grant)  # says nothing about memory


def test_a_killed_run_gives_back_what_it_had(tmp_path: Path, open_slots: Opener) -> None:
    capacity = Capacity(1.0, GIB)
    slots = open_slots("living", capacity)
    (tmp_path / "runs" / "doomed").mkdir()
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from jupyter_kf.engine.locks import RunLock\nfrom jupyter_kf.engine.slots import Capacity, Demand, Slots\n"
        f"home = Path({str(tmp_path)!r})\nlock = RunLock(home / 'runs' / 'doomed')\nassert lock.acquire()\n"
        "slots = Slots(home, Capacity(1.0, 2**30), 'doomed')\n"
        "print(slots.take('e1', 'a', Demand()), flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Grant")
        assert holder(tmp_path / "runs" / "doomed") == process.pid
        assert isinstance(slots.take("e2", "b", Demand()), Wait)
        process.kill()
        process.wait()
    assert holder(tmp_path / "runs" / "doomed") is None
    assert isinstance(slots.take("e2", "b", Demand()), Grant)


def test_a_resumed_run_starts_without_what_its_killed_process_held(tmp_path: Path, open_slots: Opener) -> None:
    capacity = Capacity(1.0, GIB)
    killed = open_slots("r", capacity)
    assert isinstance(killed.take("e1", "a", Demand()), Grant)
    resumed = Slots(tmp_path, capacity, "r")
    assert isinstance(resumed.take("e2", "a", Demand()), Grant)
    resumed.close()


def test_a_lock_is_handed_on_without_a_gap(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom jupyter_kf.engine.locks import RunLock\n"
        f"lock = RunLock(Path({str(tmp_path)!r}))\nlock.adopt(int(sys.argv[1]))\nprint('mine', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with RunLock(tmp_path) as lock:
        assert lock.acquire(pid=0)
        assert holder(tmp_path) == 0
        assert not RunLock(tmp_path).acquire(0.0)
        heir = subprocess.Popen(
            [sys.executable, "-c", program, str(lock.descriptor)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(lock.descriptor,),
        )  # fmt: skip
        assert heir.stdout is not None
        assert heir.stdout.readline() == b"mine\n"
    assert holder(tmp_path) == heir.pid
    assert not RunLock(tmp_path).acquire(0.0)
    heir.communicate()
    assert holder(tmp_path) is None


@pytest.mark.parametrize(
    ("demand", "word"), [(Demand(3), "--cpu"), (Demand(1, 2 * GIB), "--memory"), (Demand(1, 0, 2), "--gpu")]
)
def test_what_can_never_fit_is_refused(demand: Demand, word: str) -> None:
    train = Step("train", (Cell("c", 3, "pass"),))
    with pytest.raises(EngineError) as caught:
        check_fits(demand, Capacity(2.0, GIB, ("0",)), train)
    assert caught.value.code == "KF703"
    assert "'train'" in caught.value.message
    assert word in caught.value.fix
    assert (caught.value.cell, caught.value.cell_index) == ("c", 3)
    check_fits(Demand(2, GIB, 1), Capacity(2.0, GIB, ("0",)), train)


def test_a_step_that_asks_for_nothing_takes_one_core_at_most() -> None:
    assert demand_of(StepOptions(), Capacity(8.0, GIB)) == Demand(1.0)
    assert demand_of(StepOptions(), Capacity(0.5, GIB)) == Demand(0.5)
    assert demand_of(StepOptions(cpu=2.5, memory=GIB, gpu=1), Capacity(8.0, GIB)) == Demand(2.5, GIB, 1)


@pytest.mark.parametrize(
    ("setting", "visible", "expected"),
    [
        ("", "", ()),
        ("", "3,4", ("3", "4")),
        ("", "-1", ()),
        ("1", "3,4", ("3",)),
        ("2", "", ("0", "1")),
        ("0", "3", ()),
        ("0,2", "", ("0", "2")),
        ("7,", "", ("7",)),
        ("GPU-ab", "", ("GPU-ab",)),
    ],
)
def test_gpus_are_as_set_or_as_visible(tmp_path: Path, setting: str, visible: str, expected: tuple[str, ...]) -> None:
    found = discover(Settings(home=tmp_path, gpus=setting), {"CUDA_VISIBLE_DEVICES": visible})
    assert found.gpus == expected
    assert found.cpu >= 1
    assert found.memory > 0


def test_a_wrong_list_of_gpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gpus"):
        discover(Settings(home=tmp_path, gpus="all"), {})
