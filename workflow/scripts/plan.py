"""Say what snakemake would do with the same arguments, and how long training may take: make plan, or this script.

python workflow/scripts/plan.py --cores 4 --configfile config/full.yaml
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gradflow.runtime.dry_run import jobs_in_words, read_jobs
from gradflow.runtime.estimates import Expected

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "expected.json"
    command = [sys.executable, "-m", "snakemake", *sys.argv[1:], "--dry-run", "--quiet", "host"]
    environment = os.environ | {"GRADFLOW_PLAN": str(path), "PYTHONIOENCODING": "utf-8:backslashreplace"}
    ran = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    if ran.returncode != 0:
        sys.exit(ran.stdout + ran.stderr)  # a dry run says what is wrong on either
    known = json.loads(path.read_text(encoding="utf-8"))
expected = {run: Expected(*values) for run, values in known["runs"].items()}
print(jobs_in_words(read_jobs(ran.stdout), expected, known["gpu"], known["later"], known["bytes"]))
