"""Draw the figures of one study."""

from pathlib import Path

from gradflow.analysis.study import read_study
from gradflow.report.figures import Context, Results, histograms, study_figures
from gradflow.report.figures.style import save_figure
from gradflow.runtime.job import job

with job(snakemake):
    study = read_study(Path(snakemake.input.tables[0]).parent, snakemake.wildcards.study)
    out, files = snakemake.output, {Path(path).parent.name: path for path in snakemake.input.runs}
    context = Context(snakemake.params.layers, snakemake.params.thresholds, Results(files))
    for name, figure in study_figures().items():
        save_figure(figure.draw(study, context), out[name], Path(out[name]).with_suffix(".svg"))
    frames = histograms.histogram_frames(study, context.layers)
    histograms.write_animation(frames, out.animation, out.histograms, f"{study.title}: gradient norms by epoch")
