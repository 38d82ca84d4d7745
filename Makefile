# make help lists what there is; each target sets up its environment first: .venv, or .venv-peers for what the recorder is
# compared with and what it writes to. CORES and CONFIG change what runs, REPORT is where the report goes: beside the
# results, whose folder a configuration may name.
PYTHON ?= python3
CORES ?= $(shell $(PYTHON) -c "import os; print(len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count())")
CONFIG ?=
REPORT ?= $(shell .venv/bin/python -c "import sys, yaml; read = [yaml.safe_load(open(path, encoding='utf-8')) for path in sys.argv[1:]]; \
    print(next((one['results'] for one in reversed(read) if one and 'results' in one), 'results'))" config.yaml $(CONFIG))/report.html
SNAKEMAKE = .venv/bin/python -m snakemake $(if $(CONFIG),--configfile $(CONFIG))

.PHONY: run help course student plan verify stability test test-default test-peers lint reference bench bench-peers theory

run: .venv/ready ## run the workflow and write the report
	$(SNAKEMAKE) --cores $(CORES) --resources gpu=1
	$(SNAKEMAKE) --report "$(REPORT)"
	@echo "The report is $(REPORT); the answer on one screen is $(dir $(REPORT))report/index.html, all answers are $(dir $(REPORT))report/analysis.html."

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.* ## (.*)/\1	\2/p' Makefile | expand -t 14

course: .venv/ready ## the twelve arms of a lecture, in a folder of its own; says first how long they may take
	$(MAKE) plan CONFIG=config/course.yaml
	$(MAKE) run CONFIG=config/course.yaml

# The ID is text that make and the shell hand on as it is, and run no part of.
unexport ID
export GRADFLOW_STUDENT := $(value ID)
student: .venv/ready ## write the homework of a student: `ID=…`, docs/teaching.md
	@.venv/bin/python workflow/scripts/student.py

plan: .venv/ready ## say which jobs would run and why, and how long training may take
	.venv/bin/python workflow/scripts/plan.py $(if $(CONFIG),--configfile $(CONFIG))

verify: .venv/ready ## train a sample of the finished runs again and compare, docs/verify.md
	.venv/bin/python -m snakemake verify --cores $(CORES) --resources gpu=1 $(if $(CONFIG),--configfile $(CONFIG))

stability: .venv/ready ## how sure each verdict is: other random seeds, another arithmetic; as long as two runs
	.venv/bin/python bench/stability.py $(CORES)

test: .venv/ready ## run the tests
	.venv/bin/python -m pytest

test-default: .venv/ready ## open every item of the report that `make run` left, and draw its figures; of the run in the folder `GRADFLOW_FINISHED`
	GRADFLOW_FINISHED=$(or $(GRADFLOW_FINISHED),.) .venv/bin/python -m pytest tests/browser tests/unit/test_figures_of_runs.py -k finished

test-peers: .venv-peers/ready ## test the writers and the callback against the tools that they write to
	.venv-peers/bin/python -m pytest --noconftest -o addopts= -q tests/peers

lint: .venv/ready ## check the style
	.venv/bin/python -m ruff check . && .venv/bin/python -m ruff format --check .
	.venv/bin/python -m snakefmt --check Snakefile workflow/Snakefile workflow/rules
	.venv/bin/python -m snakemake --lint

reference: .venv/ready ## write the generated pages of the documentation anew
	.venv/bin/python -m gradflow.config.reference > docs/configuration.md
	.venv/bin/python -m gradflow.analysis.dictionary > docs/tables.md
	.venv/bin/python -m gradflow.analysis.quantities_page > docs/quantities.md
	.venv/bin/python -m gradflow.command_page Makefile > docs/command-line.md
	.venv/bin/python tests/documents.py > docs/tested.md

bench: .venv/ready ## measure, docs/measurements.md
	.venv/bin/python bench/imports.py
	.venv/bin/python bench/recorder.py
	.venv/bin/python bench/draws.py
	.venv/bin/python bench/tables.py
	$(if $(GRADFLOW_REAL_DATA),.venv/bin/python bench/data.py,@echo "bench/data.py is left out: GRADFLOW_REAL_DATA names no folder of archives.")
	$(if $(GRADFLOW_REAL_DATA),.venv/bin/python bench/notebooks.py,@echo "bench/notebooks.py is left out: GRADFLOW_REAL_DATA names no folder of archives.")

bench-peers: .venv-peers/ready ## measure the recorder beside what others use
	.venv-peers/bin/python bench/recorder.py

theory: .venv/ready .venv-peers/ready ## make the tables and pictures of docs/theory.md anew
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
