"""The image is slim: most of what a static Foundation brings along is locale data that the build leaves out."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from support.nodes import REPOSITORY

#: What a program may ask of Foundation; with the data left out it must answer the same.
PROGRAM = """
import Foundation
print(URL(string: "http://b\\u{fc}cher.example/x")?.absoluteString ?? "nil")
print("stra\\u{df}e".uppercased(), "\\u{c9}".caseInsensitiveCompare("\\u{e9}") == .orderedSame)
let formatter = DateFormatter()
formatter.timeZone = TimeZone(identifier: "Europe/Berlin")
formatter.dateFormat = "yyyy-MM-dd HH:mm zzz"
print(formatter.string(from: Date(timeIntervalSince1970: 0)))
print(ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: 0)), (1234.5).formatted())
print("x".range(of: "X", options: .caseInsensitive) != nil, "b".localizedStandardCompare("a") == .orderedDescending)
"""


@pytest.mark.timeout(240)
def test_foundation_answers_alike_without_most_of_its_locale_data(tmp_path):
    told = json.loads(subprocess.check_output(["swiftc", "-print-target-info"]))
    library = Path(told["paths"]["runtimeResourcePath"]).parent / "swift_static" / "linux" / "lib_FoundationICU.a"
    assert library.exists(), "the toolchain has no static libraries"
    slim = tmp_path / library.name
    shutil.copy(library, slim)
    subprocess.run([REPOSITORY / "docker" / "slim-icu", str(slim)], check=True, timeout=60)
    assert slim.stat().st_size < library.stat().st_size - (25 << 20)
    (tmp_path / "main.swift").write_text(PROGRAM)
    # What is named comes before what the compiler adds, so that its data counts.
    data = tmp_path / "icu_packaged_data.cpp.o"
    subprocess.run(["ar", "x", str(slim), data.name], cwd=tmp_path, check=True, timeout=60)
    said = []
    for name, more in (("whole", []), ("slim", [str(data)])):
        subprocess.run(
            ["swiftc", "-static-stdlib", "main.swift", *more, "-o", name], cwd=tmp_path, check=True, timeout=200
        )
        said.append(
            subprocess.run([str(tmp_path / name)], capture_output=True, text=True, check=True, timeout=20).stdout
        )
    assert said[0] == said[1] and "1970-01-01" in said[0], said
    assert (tmp_path / "slim").stat().st_size < (tmp_path / "whole").stat().st_size - (25 << 20)
