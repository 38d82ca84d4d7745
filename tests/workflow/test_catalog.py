"""The workflow as a module of another, and what Snakemake's workflow catalog asks of it."""

import re
import subprocess

import yaml

from conftest import ROOT, copy_workflow, snakemake


def test_a_module_from_an_address_is_refused_in_one_sentence(tmp_path):
    repository = tmp_path / "repository"
    repository.mkdir()
    copy_workflow(repository)
    for words in ("init -q", "add Snakefile workflow", "-c user.name=a -c user.email=a@b commit -q -m all"):
        subprocess.run(["git", "-C", str(repository), *words.split()], check=True)
    address = f"git+file://{repository}/workflow/Snakefile@HEAD"
    (tmp_path / "Snakefile").write_text(f'module gradflow:\n    snakefile: "{address}"\nuse rule * from gradflow\n')
    ran = snakemake(tmp_path, "-n")
    said = ran.stdout + ran.stderr
    assert "it cannot be taken from git+file://" in said and "name the clone's workflow/Snakefile" in said, said
    assert "Traceback" not in said


def test_the_workflow_catalog_finds_what_it_asks_for(workflow):
    said = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    flags = said["mandatory-flags"]["flags"].split()
    rules = re.findall(r"^(?:rule|checkpoint) .*?(?=^\w|\Z)", all_rules(), re.MULTILINE | re.DOTALL)
    by_script = [rule for rule in rules if "script:" in rule]
    assert said["software-stack-deployment"] == {"conda": True, "report": True}
    assert len(by_script) > 10 and all("conda:" in rule for rule in by_script)
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme and "workflow" in readme and (ROOT / "config" / "README.md").is_file()
    drawn = snakemake(
        workflow, "-s", "workflow/Snakefile", "-c", "1", "-d", ".test", "--forceall", "--rulegraph", *flags
    )
    assert drawn.returncode == 0 and "train" in drawn.stdout and drawn.stdout.startswith("digraph"), drawn.stderr


def all_rules() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
