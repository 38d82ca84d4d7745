# make run · make plan · make verify · make stability · make test · make test-default · make lint · make reference · make bench. Each sets up .venv first;
# make bench-peers · make test-peers · make theory set up .venv-peers, for what the recorder is compared with and what it writes to.
# make course · make student ID=… are for teaching: docs/teaching.md.
# CORES and CONFIG change what runs, REPORT is where the report goes.
PYTHON ?= python3
CORES ?= $(shell $(PYTHON) -c "import os; print(len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count())")
CONFIG ?=
REPORT ?= results/report.html
SNAKEMAKE = .venv/bin/python -m snakemake $(if $(CONFIG),--configfile $(CONFIG))

.PHONY: run course student plan verify stability test test-default test-peers lint reference bench bench-peers theory

run: .venv/ready
	$(SNAKEMAKE) --cores $(CORES) --resources gpu=1
	$(SNAKEMAKE) --report "$(REPORT)"
	@echo "The report is $(REPORT); the answer on one screen is $(dir $(REPORT))report/index.html, all answers are $(dir $(REPORT))report/analysis.html."

# the twelve arms of the story, in a folder of its own; how long they may take is said first
course: .venv/ready
	$(MAKE) plan CONFIG=config/course.yaml
	$(MAKE) run CONFIG=config/course.yaml REPORT=results/course/report.html

# The ID is text that make and the shell hand on as it is, and run no part of.
unexport ID
export GRADFLOW_STUDENT := $(value ID)
student: .venv/ready
	@.venv/bin/python workflow/scripts/student.py

plan: .venv/ready
	.venv/bin/python workflow/scripts/plan.py $(if $(CONFIG),--configfile $(CONFIG))

verify: .venv/ready
	.venv/bin/python -m snakemake verify --cores $(CORES) --resources gpu=1 $(if $(CONFIG),--configfile $(CONFIG))

# how sure the verdicts of the run here are: other random seeds and another arithmetic, about as long as two runs
stability: .venv/ready
	.venv/bin/python bench/stability.py $(CORES)

test: .venv/ready
	.venv/bin/python -m pytest

# opens every item of the report that make run left here, or of the finished run in the folder that GRADFLOW_FINISHED names, and draws all its figures
test-default: .venv/ready
	GRADFLOW_FINISHED=$(or $(GRADFLOW_FINISHED),.) .venv/bin/python -m pytest tests/browser tests/unit/test_figures_of_runs.py -k finished

# the writers and the callback, against the tools that they write to
test-peers: .venv-peers/ready
	.venv-peers/bin/python -m pytest --noconftest -o addopts= -q tests/peers

lint: .venv/ready
	.venv/bin/python -m ruff check . && .venv/bin/python -m ruff format --check .
	.venv/bin/python -m snakefmt --check Snakefile workflow/rules
	.venv/bin/python -m snakemake --lint

reference: .venv/ready
	.venv/bin/python -m gradflow.config.reference > docs/configuration.md
	.venv/bin/python -m gradflow.analysis.dictionary > docs/tables.md

bench: .venv/ready
	.venv/bin/python bench/imports.py
	.venv/bin/python bench/recorder.py
	.venv/bin/python bench/draws.py
	.venv/bin/python bench/tables.py
	$(if $(GRADFLOW_REAL_DATA),.venv/bin/python bench/data.py,@echo "bench/data.py is left out: GRADFLOW_REAL_DATA names no folder of archives.")
	$(if $(GRADFLOW_REAL_DATA),.venv/bin/python bench/notebooks.py,@echo "bench/notebooks.py is left out: GRADFLOW_REAL_DATA names no folder of archives.")

# the recorder beside what others use, in one process
bench-peers: .venv-peers/ready
	.venv-peers/bin/python bench/recorder.py

# docs/theory.md's tables and pictures, which are written into docs/images; what AnyInit does is among the remedies
theory: .venv/ready .venv-peers/ready
	.venv/bin/python bench/theory.py
	.venv/bin/python bench/width.py
	.venv-peers/bin/python bench/remedies.py

.venv-peers/ready: bench/peers.txt pyproject.toml
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check $$(grep -E '^(torch|torchvision)==' requirements.lock) -e . -r bench/peers.txt
	touch $@

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and 'gradflow needs Python 3.11, 3.12 or 3.13: set PYTHON=...')"
	$(PYTHON) -m venv .venv
	-.venv/bin/python -m pip uninstall -qq --yes gradflow  # the name of earlier versions
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock -e '.[workflow,test]'
	touch $@
