"""Looks at files by their bytes and names."""

from __future__ import annotations

import json

import pytest

from jupyter_kf.model.lineage import MetricPoint
from jupyter_kf.workbench.details import thinned
from jupyter_kf.workbench.previews import IMAGE, TEXT, look


@pytest.mark.parametrize(
    ("data", "name", "kind", "media"),
    [
        (b"\x89PNG\r\n\x1a\n....", "plot.png", "image", "image/png"),
        (b"\xff\xd8\xff\xe0....", "photo", "image", "image/jpeg"),
        (b"RIFF....WEBPVP8 ", "a.webp", "image", "image/webp"),
        (b"<svg xmlns='x'></svg>", "drawing.txt", "image", "image/svg+xml"),
        (b"<html><script>1</script>", "page.html", "html", "text/html"),
        (b'{"a": 1}', "a.json", "json", "application/json"),
        (b'{"a": ', "a.json", "text", None),
        (b"plain", "notes", "text", None),
        ("\ufeffgrüße".encode(), "notes.txt", "text", None),
        (b"", "empty.csv", "text", None),
        (b"\x80\x04\x95\x00\x00pickle", "model.pkl", "none", None),
        (b"PK\x03\x04\x00\x00", "model.zip", "none", None),
        ("grüße".encode("latin-1"), "old.txt", "none", None),
    ],
)
def test_kinds_of_files(data: bytes, name: str, kind: str, media: str | None) -> None:
    seen = look(data, name, len(data))
    assert (seen.kind, seen.media_type) == (kind, media)
    json.dumps(seen.to_dict())


def test_tables_of_text() -> None:
    rows = "\n".join(f"{i};é {i}" for i in range(100))
    seen = look(f"n;word\n{rows}\n".encode(), "t.csv", 5000)
    assert seen.columns == ({"name": "n", "type": ""}, {"name": "word", "type": ""})
    assert seen.rows is not None
    assert (len(seen.rows), seen.rows[2], seen.truncated) == (20, ("2", "é 2"), True)
    ragged = look(b'a,b\n1\n2,"x, y",3\n', "t.csv", 20)
    assert ragged.rows == (("1", ""), ("2", "x, y"))
    tabs = look(b"a\tb\n1\t2\n", "t.tsv", 8)
    assert tabs.rows == (("1", "2"),)


def test_large_files_are_cut() -> None:
    text = look(b"x" * (IMAGE + 1), "log.txt", 10**9)
    assert text.text is not None
    assert (len(text.text), text.truncated) == (TEXT, True)
    image = look(b"\x89PNG\r\n\x1a\n" + b"x" * IMAGE, "big.png", IMAGE * 2)
    assert (image.kind, image.data, image.truncated) == ("none", None, True)
    cut = look("é".encode() * 10 + b"\xc3", "cut.txt", 10**6)
    assert cut.text == "é" * 10


def test_thinned_curves_keep_their_ends_and_extremes() -> None:
    points = [MetricPoint("m", 0.0, float(i), 0.0) for i in range(10_000)]
    points[1234] = MetricPoint("m", 99.0, 1234.0, 0.0)
    points[4321] = MetricPoint("m", -99.0, 4321.0, 0.0)
    for most in (4, 10, 1000):
        kept = thinned(points, most)
        assert len(kept) <= most
        assert {p.at for p in kept} >= {0.0, 1234.0, 4321.0, 9999.0}
        assert [p.at for p in kept] == sorted(p.at for p in kept if p.at is not None)
    assert [p.at for p in thinned(points, 2)] == [0.0, 9999.0]
    odd = [MetricPoint("m", float("nan"), float(i), 0.0) for i in range(100)]
    assert len(thinned(odd, 10)) <= 10
