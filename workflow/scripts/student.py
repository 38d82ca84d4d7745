"""Write the homework of a student, whose ID the environment's GRADFLOW_STUDENT is: make student ID=…"""

import os
import sys
from pathlib import Path

import yaml

from gradflow.config.student import deal, overlay
from gradflow.errors import GradflowError
from gradflow.files import atomic_write

student = os.environ.get("GRADFLOW_STUDENT", "")
exercise = yaml.safe_load((Path(__file__).parents[2] / "exercises" / "variants.yaml").read_text(encoding="utf-8"))
try:
    text = overlay(student, exercise)
    path = Path(f"{deal(student, exercise['variants']).results}.yaml")
    atomic_write(path, lambda stream: stream.write(text.encode()))
except GradflowError as error:
    sys.exit(str(error))
print(text.splitlines()[0].removeprefix("# "))
print(f"It is in {path}. Write your tests into my_claims.yaml first (docs/teaching.md), then:")
print(f"  snakemake --cores 2 --configfile {path} --config claims=my_claims.yaml")
