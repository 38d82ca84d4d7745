"""Write the figures of a study as one PDF."""

from pathlib import Path

from gradflow.analysis.study import read_study
from gradflow.analysis.what_helps import arms_of, comparisons
from gradflow.report.prose.citation import origin
from gradflow.report.prose.summary import headline, sentences
from gradflow.report.study_pdf import write_study_pdf
from gradflow.runtime.job import job

with job(snakemake):
    files, settings = dict(snakemake.input.items()), snakemake.params.settings
    study = read_study(Path(files["study"][0]).parent, settings["study"])
    arms = arms_of(study, settings["thresholds"])
    found = comparisons(arms)
    finding = f"{headline(list(arms.values()), found)}. {sentences(list(arms.values()), found)[0]}"
    made_of = origin([study], snakemake.config["command"])
    write_study_pdf(snakemake.output[0], files, settings, snakemake.params.captions, finding, made_of)
