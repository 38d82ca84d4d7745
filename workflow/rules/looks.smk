# Which runs there are: a study's first ones, and after each look at the claims those that a claim is still open by.
LOOKS = sorted({look for study in STUDIES for look in study.looks})


def places(look):
    """(study, arm, number of the run in it, run) of all that may be there at a look: a study's first runs always."""
    for study in STUDIES:
        for arm in study.arms:
            for number, run in enumerate(arm.runs):
                if number < study.looks[0] or study.look_of(number) <= look:
                    yield study, arm, number, run


def first_runs():
    """The runs that are trained whatever the claims say."""
    return {run.id for study, _, number, run in places(LOOKS[-1]) if study.look_of(number) == study.looks[0]}


@cache
def open_arms(path):
    """The arms, as (study, label), by which a claim is still open after a look."""
    return {tuple(arm) for arm in json.loads(Path(path).read_text(encoding="utf-8"))}


def runs_at(look):
    """The runs that are there at a look: later ones of those arms alone that a claim was open by before.

    Snakemake waits here for the looks before.
    """
    wanted = {}
    for study, arm, number, run in places(look):
        before = study.look_before(study.look_of(number))
        if before is None or (study.name, arm.label) in open_arms(checkpoints.look.get(seeds=before).output[0]):
            wanted[run.id] = run
    return wanted


def run_files(wildcards):
    """The results of all runs that the last look asks for, or those of the look that is in question."""
    if not LOOKS:
        return []
    return expand(RESULT, run=runs_at(int(wildcards.seeds) if "seeds" in wildcards.keys() else LOOKS[-1]))
