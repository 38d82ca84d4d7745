"""The sections of the configuration: every key with its default, its check and its description.

What follows from registries, from sources and from the user's networks is filled in by gradflow.config.schema.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from gradflow.config.apart import RANDOM_SEED, Alignment, DepthAtInit, InitialSurvey, RandomMlps
from gradflow.config.fields import Distinct, Number, Section, one_of, one_or_several, written_as
from gradflow.config.landmarks import Landmarks
from gradflow.config.settings import Settings
from gradflow.config.verdict import Verdict

DataName = written_as("[A-Za-z0-9_]+", "A name is made of letters, digits and _.")
Name = written_as("[a-z][a-z0-9_]*", "A name is made of small letters, digits and _, a letter first.")


MOST_LOOKS = 3  # that the statistics pay for (gradflow.analysis.statistics)


def _growing(seeds: int | list[int]) -> int | list[int]:
    looks = seeds if isinstance(seeds, list) else [seeds]
    if len(looks) > MOST_LOOKS or looks != sorted(set(looks)):
        raise ValueError(f"is {seeds}; it must be a number, or up to {MOST_LOOKS} that grow, such as [3, 5, 8].")
    return seeds


RandomSeeds = Annotated[one_or_several(int, Field(ge=1, le=1000)), AfterValidator(_growing)]


class DatasetSection(Section):
    """A data set."""

    source: str = Field(
        "digits",
        description="Where its images come from, a file of gradflow/data/sources; it says what else the data set "
        "takes.",
    )
    size: int = Field(
        32,
        ge=8,
        le=512,
        description="The side in pixels at which networks see the images; they are resized in batches, on the device.",
    )
    drop_damaged: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="How many images that cannot be decoded may be left out, and reported; one more stops the job.",
    )


class DownloadSection(Section):
    """A file to fetch."""

    urls: Distinct[
        written_as(
            r"https?://[A-Za-z0-9._:@%-]+/([^?#\s]*/)?[^/?#\s]+(\?\S*)?",
            "An address, http:// or https://, that ends in the name of a file.",
        )
    ] = Field(
        [],
        description="Where it can be had, in the order to try; it is kept under the name that the first one ends in.",
    )
    sha256: written_as("[0-9a-f]{64}", "It is 64 hexadecimal digits; sha256sum FILE prints it.") = Field(
        description="The sha256 that the file must have, 64 hexadecimal digits (sha256sum FILE prints it)."
    )
    bytes: int | None = Field(
        None,
        ge=1,
        le=10**15,
        description="Its size, if known, to refuse another file before it has arrived.",
    )
    path: str | None = Field(None, description="A copy on this machine, to be used instead of the mirrors.")


class Scale(Section):
    """What an overlay changes to run every study smaller or larger."""

    dataset: str = Field("digits", description="The data set of every study that does not name its own.")
    width: Number = Field(0.125, gt=0, le=4, description="The width multiplier of every network; 1 is full width.")
    epochs: int = Field(
        2,
        ge=1,
        le=10_000,
        description="Passes over the training data, for every study that does not name its own.",
    )
    seeds: RandomSeeds = Field(
        [3, 5, 8],
        description="How many random seeds are trained for each arm. Intervals need two or more. A list, such as "
        "[3, 5, 8], is looks: so many first, and more of the arms alone by which a claim is still open.",
    )
    first_seed: int = Field(
        0,
        ge=0,
        le=2_147_480_000,
        description="The first random seed; the others follow it. Another one gives runs of one's own.",
    )
    initial_seeds: int = Field(
        16,
        ge=1,
        le=1000,
        description="Random seeds at initialisation, where each costs one batch; at least as many as are trained is "
        "wise.",
    )

    theory_seeds: int = Field(
        3,
        ge=1,
        le=1000,
        description="Random seeds at initialisation for which the gradient is predicted beside what is measured.",
    )


class OwnArchitecture(Section):
    """A network."""

    builder: written_as(
        r"\S.*:[A-Za-z_][A-Za-z0-9_]*", "It is path/to/file.py:function or package.module:function."
    ) = Field(
        description="A function that returns an nn.Module, as path/to/file.py:function or package.module:function."
    )
    plan: dict = Field({}, description="Arguments of the function that are the same in every run.")
    options: dict[Name, Any] = Field(
        {}, description="Arguments of the function that studies may set, with their defaults."
    )
    label: written_as(
        r"[^<>&|`*_$\[\]\\\n]{0,40}", "It is up to 40 characters of plain text, without < > & | ` * _ $ [ ] and \\."
    ) = Field("", description="What figures and prose call it, plain text of up to 40 characters.")
    colour: written_as("#[0-9A-Fa-f]{6}", 'It is six hexadecimal digits after #, such as "#0072B2".') = Field(
        "#666666", description='Its colour in figures, such as "#0072B2".'
    )


class StudySection(Section):
    """A study has a question, a base setting, and what it varies."""

    title: str = Field("", description="The study's name in figures and in the report.")
    question: str = Field(min_length=1, description="What the study asks, in one sentence.")
    seeds: RandomSeeds | None = Field(None, description="Random seeds of this study, instead of scale.seeds.")
    finding: str = Field(
        "",
        description="Why arms of it that have not learnt are what it is about, in one sentence; the report shows it "
        "where some have not.",
    )
    layers: dict = Field(
        {},
        description="Layers to draw on their own, by architecture; without, the first, the middle and the last.",
    )
    base: Settings = Field({}, description="The settings that all its runs share.")
    vary: list = Field(
        min_length=1,
        description="Grids. A grid gives each of its keys one value or a list; the study runs every combination.",
    )
    exclude: list = Field(
        [], description="Combinations to leave out of the grids: those that have a value of each key of one of these."
    )


class Configuration(Section):
    """The configuration of gradflow. Every key has a default; a key that is not described here is refused."""

    select: Distinct[str] = Field(
        ["mlp"],
        min_length=1,
        description="The studies to run, by name, and what is no study and has a key of its own: mlp (notebook 004's), "
        "depth_at_init, initial_survey, alignment and landmarks.",
    )
    device: one_of("auto", "cpu", "cuda") = Field(
        "auto",
        description="Where runs are trained. auto takes a CUDA device where there is one; cuda fails loudly without "
        "one.",
    )
    threads: int = Field(
        1,
        ge=1,
        le=256,
        description="CPU threads of one training job. One thread and as many jobs as cores is the fastest on a CPU.",
    )
    memory_format: one_of("auto", "contiguous", "channels_last") = Field(
        "auto",
        description="How networks with convolutions keep their tensors while they train; it moves numbers by rounding "
        "alone, is no part of what a run is, and every result says it. auto has the machine that trains measure once "
        "for a results folder which is faster, for gradflow's own architectures; those of your own are contiguous.",
    )
    checkpoint_minutes: Number = Field(
        10,
        gt=0,
        le=100_000,
        description="How often a run is saved within an epoch, in minutes; it is saved at the end of every epoch, too.",
    )
    keep_state: bool = Field(
        False,
        description="Whether the state at the end of a run is kept, in results/checkpoints, so that the run with more "
        "epochs goes on from it; but for a cosine schedule, which is another one then. `make plan` says the size.",
    )
    jobs_per_gpu: int = Field(
        1,
        ge=1,
        le=64,
        description="How many training jobs share a GPU; more than one lets small networks fill a large GPU.",
    )
    verdict: Verdict = Field({})
    verify_runs: int = Field(
        3,
        ge=1,
        le=1_000_000,
        description="How many finished runs, drawn at random, the target verify trains again to compare.",
    )
    verify_seed: int = Field(
        0, **RANDOM_SEED, description="The random seed of that draw; another one draws other runs."
    )
    datasets: dict[DataName, DatasetSection] = Field(
        {"digits": {}}, min_length=1, description="The data sets, by name."
    )
    results: written_as(r"[^<>{}]+", "It is a folder, without < > { and }.") = Field(
        "results",
        description="The folder for what is made. Configurations that have studies of one name are told apart by it.",
    )
    claims: str = Field(
        "report/claims.yaml",
        min_length=1,
        description="The file of the claims that the run settles, written before it (docs/claims.md).",
    )
    cache: str = Field(
        "downloads",
        min_length=1,
        description="The folder in which fetched files are kept, each in a folder of its own; checkouts may share it.",
    )
    downloads: dict[DataName, DownloadSection] = Field(
        {}, description="Files that are fetched when a run needs them, by name."
    )
    scale: Scale = Field({})
    record: Distinct[str] = Field(
        [],
        description="Quantities to record beside those that always are, of those that gradflow.recorder.quantities "
        "measures on request.",
    )
    architectures: dict[Name, OwnArchitecture] = Field(
        {},
        description="Networks of your own, by the name that studies use; gradflow's are in gradflow.models.catalogue.",
    )
    studies: dict[Name, StudySection] = Field({}, description="The training studies, by name.")
    mlp: RandomMlps = Field({})
    depth_at_init: DepthAtInit = Field({})
    initial_survey: InitialSurvey = Field({})
    alignment: Alignment = Field({})
    landmarks: Landmarks = Field({})
