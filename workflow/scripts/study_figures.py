"""Draw the figures of one study."""

from pathlib import Path

from gradflow import results
from gradflow.effects import ablation_effects
from gradflow.figures import effects, histograms, pictures, profiles, timelines
from gradflow.figures.style import save
from gradflow.jobs import job
from gradflow.study_tables import load

with job(snakemake):
    study = load(Path(snakemake.input.tables[0]).parent, snakemake.wildcards.study)
    layers, thresholds, out = snakemake.params.layers, snakemake.params.thresholds, snakemake.output
    finished = {Path(path).parent.name: results.read(path) for path in snakemake.input.runs}
    figures = {
        "decades": profiles.decades_figure(study, thresholds),
        "profile_activation": profiles.depth_profiles(study, "grad_sample_norm"),
        "profile_weight": profiles.depth_profiles(study, "weight_grad_norm"),
        "layers": timelines.layers_over_time(study),
        "layers_named": timelines.layers_over_time(study, layers),
        "curves": timelines.training_curves(study),
        "effects": effects.effects_figure(study.title, ablation_effects(study)),
        "filters": pictures.filters(study, finished),
        "confusion": pictures.confusion_matrices(study, finished),
    }
    for name, figure in figures.items():
        save(figure, out[name], Path(out[name]).with_suffix(".svg"))
    frames = histograms.histogram_frames(study, layers)
    histograms.write_animation(frames, out.animation, out.histograms, f"{study.title}: gradient norms by epoch")
