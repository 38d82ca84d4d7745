# What the rules of the report's pages ask.
import hashlib
import os
import re
import shlex
from types import SimpleNamespace

from jinja2 import Template

# Of the report, which sorts them by name.
CATEGORIES = {
    "start": "0 Start here",
    "helps": "1 What helps",
    "studies": "2 Studies",
    "claims": "3 Claims",
    "appendix": "4 Appendix",
}


def explorer_files():
    """The frame, style and script of the explorer: it is written again when they change."""
    folder = Path(shipped("workflow", "scripts", "gradflow", "report", "explorer"))
    return sorted(str(path) for path in folder.iterdir() if path.suffix in (".html", ".css", ".js"))


def digest_of_words():
    """The studies' questions and findings, hashed: a report shows parameters, and would let a <script> in them run."""
    words = [[CONFIG["studies"][study.name][key] for key in ("question", "finding")] for study in STUDIES]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def category_of_answers(wildcards):
    """Where a report shows the answers; only a report asks, and it is refused where it would show what is not so now."""
    left = sorted({job.rule.name for job in workflow.dag.needrun_jobs() if job.output})  # not `all`, whatever its name
    if left:
        sys.exit(  # an exception that is no exit comes with a traceback
            f"gradflow: {RESULTS} holds results of another configuration, other code, or a run that is not done "
            f"({', '.join(left)} would run again): first run snakemake with this configuration, then ask for the report."
        )
    return CATEGORIES["start"]


def command():
    """The command that this run is made again by: it names the configuration. No parameter, as it changes no number."""
    files = [os.path.relpath(path) for path in workflow.overwrite_configfiles]
    given = [("--configfile", files), ("--config", workflow.config_settings.config_args)]
    asked = [shlex.join([option, *values]) for option, values in given if values]
    return " ".join(["snakemake --cores 4", *asked])


def plain_text(caption):
    """A caption as Snakemake's report would fill it in, without its marks."""
    told = Template(caption).render(snakemake=SimpleNamespace(config=CONFIG))
    return " ".join(re.sub(r"``|(?<!\w)\*|\*(?!\w)", "", told).split())


config["command"] = command()
