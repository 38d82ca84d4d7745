"""What helps where a gradient vanishes: an arm, and what a change makes of its gradient at init and of its accuracy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gradflow.analysis.ablations import ACTIVATION_GRADIENT, OWN, changed_settings, settings_of_arms
from gradflow.analysis.profiles import PROFILES, UNDECIDED, profile_word
from gradflow.analysis.statistics import Estimate
from gradflow.analysis.study import StudyTables
from gradflow.analysis.verdicts import PROPORTIONAL, arm_verdicts, profile_in
from gradflow.labels import say_setting

VANISHING, HEALTHY, EXPLODING = PROFILES
# What may bring a gradient back, one or together, in the order in which it is told.
REMEDIES = (("init",), ("skip",), ("batch_norm",), ("skip", "batch_norm"), ("activation",), ("optimizer",))
ADDED = {"skip": "skip connections", "batch_norm": "batch norm"}
GUESSING = 1.96  # standard deviations of the binomial distribution
HELPS, GRADIENT_ALONE, EXPLODES, LEARNS = "helps", "gradient alone", "explodes", "learns all the same"
HIDES, NO_HELP = "hides", "does not help"
MEANINGS = {
    HELPS: "the gradient is back within bounds, and the network learns",
    GRADIENT_ALONE: "the gradient is back within bounds, but the accuracy is not surely above chance",
    LEARNS: "the gradient explodes at init, but the network learns",
    EXPLODES: "the gradient explodes at init, and the accuracy is not surely above chance",
    HIDES: "the gradient vanishes as before, but the first update no longer does",
    UNDECIDED: "the interval or the slope over all layers leaves open whether the gradient is back",
    NO_HELP: "the gradient vanishes all the same",
}


@dataclass(frozen=True)
class InitialArm:
    """An arm at initialisation, and what became of it.

    profile: its verdict's word. decades: first layer over last. update: the word for the profile of the first update.
    learnt: whether its test accuracy's interval lies above chance, its mean above what guessing reaches on 39 of 40
    test sets of that size, and not all of its runs stalled.
    """

    study: StudyTables
    label: str
    profile: str
    decades: Estimate
    update: str
    accuracy: Estimate
    learnt: bool

    @property
    def runs(self) -> frozenset[str]:
        """Its runs."""
        return frozenset(self.study.arms.loc[self.study.arms["label"] == self.label, "run"])

    @property
    def start(self) -> str:
        """What it shares with all arms that begin alike."""
        return self.study.arms.loc[self.study.arms["label"] == self.label, "start"].iloc[0]

    @property
    def layers(self) -> int:
        """How many layers its main path has."""
        beside = self.study.beside(self.label)
        return len([layer for layer in self.study.layer_names(self.label) if layer not in beside])

    def per_layer(self, decades: float) -> float:
        """Return decades of the whole network by one step from a layer to the next."""
        return decades / max(1, self.layers - 1)


@dataclass(frozen=True)
class Comparison:
    """Two arms that differ in a remedy alone, of which the first vanishes at init.

    network: what they share, in words; change: what they do not, as in "tanh for sigmoid". verdict: of MEANINGS.
    """

    settings: tuple[str, ...]
    network: str
    change: str
    before: InitialArm
    after: InitialArm
    verdict: str


def arms_of(study: StudyTables, thresholds: dict) -> dict[str, InitialArm]:
    """Return the arms of a study by their labels."""
    verdicts = arm_verdicts(study, thresholds, ACTIVATION_GRADIENT, ["init"])
    decades = study.decades(ACTIVATION_GRADIENT, ["init"])
    updates = study.per_arm(study.run_decades("update_ratio", "one_step"))
    accuracies = study.per_arm(study.per_run["test_accuracy"])
    return {
        label: InitialArm(
            study,
            label,
            profile_in(verdicts[label, "init"]),
            decades[label, "init"],
            profile_word(updates[label], thresholds),
            accuracies[label],
            _above_chance(study, label, accuracies[label]),
        )
        for label in study.labels
    }


def comparisons(arms: dict[str, InitialArm]) -> list[Comparison]:
    """Return what the remedies of one study do to each of its arms that vanishes at init."""
    if not arms:
        return []
    study = next(iter(arms.values())).study
    settings, values = settings_of_arms(study), study.runs.drop_duplicates("label").set_index("label")
    found = []
    for before in (arm for arm in arms.values() if arm.profile == VANISHING):
        for after in arms.values():
            changed = tuple(sorted(changed_settings(settings, after.label, before.label), reverse=True))
            if changed not in REMEDIES and not _is_own(changed):
                continue
            given = settings if _is_own(changed) else values
            old, new = ({name: given.at[arm.label, name] for name in changed} for arm in (before, after))
            if _is_remedy(old, new, before, after):
                words = [_in_short_words(changed, *ends) for ends in ((new, after, before), (old, before, after))]
                network = ", ".join(part for part in before.label.split(", ") if part not in words[1])
                change = " and ".join(ADDED.get(name, " for ".join(said)) for name, *said in zip(changed, *words))
                found.append(Comparison(changed, network, change, before, after, _verdict_on(before, after)))
    return found


def arms_and_comparisons(studies: Iterable[StudyTables], thresholds: dict) -> tuple[list[InitialArm], list[Comparison]]:
    """Return the arms of some studies, and what remedies do to those that vanish, each comparison once."""
    by_study = [arms_of(study, thresholds) for study in studies]
    arms = [arm for some in by_study for arm in some.values()]
    return arms, distinct([one for some in by_study for one in comparisons(some)])


def distinct(found: list[Comparison]) -> list[Comparison]:
    """Return comparisons in the order of REMEDIES, those of the same runs once.

    The worst gradient comes first, and of what is done to it what made the network most accurate.
    """
    known = {}
    for one in found:
        known.setdefault((one.before.runs, one.after.runs), one)

    def place(one: Comparison) -> tuple:
        kind = len(REMEDIES) if _is_own(one.settings) else REMEDIES.index(one.settings)
        return kind, one.before.decades.middle, -one.after.accuracy.middle

    return sorted(known.values(), key=place)


def _is_own(changed: tuple[str, ...]) -> bool:
    return len(changed) == 1 and changed[0].startswith(OWN)


def _in_short_words(changed: tuple[str, ...], values: dict, arm: InitialArm, other: InitialArm) -> list[str]:
    """Say an arm's values of what is changed; of an option of one's own as its label does, if that does."""
    if not _is_own(changed):
        return [say_setting(name, values[name]) for name in changed]
    parts = [part for part in arm.label.split(", ") if part not in other.label.split(", ")]
    name, value = changed[0].removeprefix(OWN), values[changed[0]]
    return parts if len(parts) == 1 else [f"{name} {'by default' if value == 'nan' else value}"]


def _is_remedy(old: dict, new: dict, before: InitialArm, after: InitialArm) -> bool:
    """Whether what is new is meant to help: a skip, batch norm, another than plain SGD, or what raises the gradient.

    That is also asked of an option of one's own.
    """
    if "optimizer" in new:
        return old["optimizer"] in PROPORTIONAL and new["optimizer"] not in PROPORTIONAL
    if {"skip", "batch_norm"} & new.keys():
        return all(value is not None and bool(value) for value in new.values())
    return after.decades.middle > before.decades.middle


def _verdict_on(before: InitialArm, after: InitialArm) -> str:
    if after.profile == HEALTHY:
        return HELPS if after.learnt else GRADIENT_ALONE
    if after.profile == EXPLODING:
        return LEARNS if after.learnt else EXPLODES
    if after.profile == VANISHING:
        return HIDES if before.update == VANISHING and after.update in (HEALTHY, EXPLODING) else NO_HELP
    return UNDECIDED


def _above_chance(study: StudyTables, label: str, accuracy: Estimate) -> bool:
    runs = study.runs[study.runs["label"] == label]
    low = accuracy.value if accuracy.n < 2 else accuracy.low
    chance, images = 1 / runs["classes"].iloc[0], max(1, runs["test_images"].max())
    guessing = chance + GUESSING * np.sqrt(chance * (1 - chance) / images)  # what a guess reaches by luck
    return bool(low > chance and accuracy.value > guessing and (runs["status"] == "completed").any())
