"""Memory that chunks were in is used for the next ones."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import ctypes, resource, sys
from config.heap import keep_chunks

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "kept":
    keep_chunks()

def window():
    chunks = [libc.malloc(512 * 1024) for _ in range(8)]
    for chunk in chunks:
        ctypes.memset(chunk, 1, 512 * 1024)
    for chunk in chunks:
        libc.free(chunk)

for _ in range(5):
    window()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    window()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_pages_of_freed_chunks_are_not_mapped_anew_for_the_next_ones() -> None:
    faults = {
        how: int(subprocess.run([sys.executable, "-c", PROGRAM, how], check=True, capture_output=True).stdout)
        for how in ("kept", "left to libc")
    }
    assert faults["kept"] < 100, "hardly a page"
    assert faults["left to libc"] > 1000, "else there is nothing to be won any more"
