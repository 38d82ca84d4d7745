"""What the workflow went through, and how often it came out as if nothing had been: a table of the fault tests.

    python bench/faults.py [times] [pytest's arguments]

Each fault that has a random moment or place is tried `times` times (10). A test passes only if what follows the fault,
mostly the next run of the same command, gives the same bytes, or if it is refused in one sentence with nothing lost.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
TESTS = ("tests/faults", "tests/cluster", "tests/unit/test_checkpoints.py", "tests/unit/test_resuming.py")


def outcomes(path: Path) -> dict[str, Counter]:
    """Return {test: {"passed", "failed", "skipped": count}} of a JUnit report."""
    found: dict[str, Counter] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        test = f"{case.get('classname').rsplit('.', 1)[-1]}: {case.get('name').split('[')[0]}"
        faults = {child.tag for child in case}
        state = "failed" if faults & {"failure", "error"} else "skipped" if "skipped" in faults else "passed"
        found.setdefault(test.replace("test_", "").replace("_", " "), Counter())[state] += 1
    return found


def main(times: int = 10, *arguments: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *(arguments or TESTS)]
        status = subprocess.run(command, cwd=ROOT, env=os.environ | {"GRADFLOW_FAULTS": str(times)}).returncode
        rows = outcomes(report)
    print("| fault | tried | came out whole | skipped |\n|---|---|---|---|")
    for test, counts in [*rows.items(), ("all", sum(rows.values(), Counter()))]:
        print(f"| {test} | {counts['passed'] + counts['failed']} | {counts['passed']} | {counts['skipped']} |")
    return status


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2]), *sys.argv[2:]))
