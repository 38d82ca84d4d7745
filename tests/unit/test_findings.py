"""What a figure says it shows follows from what is drawn: the same sentence of the opposite data says the opposite."""

import numpy as np
import pandas as pd
import pytest

from gradflow.analysis.study import read_study
from gradflow.report.figures import curves, decades, depth, effects, profile_activation, profile_weight, profiles
from gradflow.report.prose.depth import (
    alignment_learnt,
    deepest,
    evenness,
    learnt_alignment,
    least_by_init,
    survey_in_words,
)
from gradflow.report.wording import power
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, result, write_study_tables
from text_boxes import overlaps


def arm(values, accuracy=0.8, status="completed", seeds=3, loss=(2, 1), size=1.0, **settings) -> list:
    made = [result(a_run("vgg_deep", seed=s, **settings), values, accuracy, status=status) for s in range(seeds)]
    for one in made:
        one.arrays["loss"] = np.linspace(*loss, len(one["loss"]))
        one.arrays["train_loss"] = one["train_loss"] * 0 + loss[1]
        one.arrays["weight_grad_norm"] = np.full_like(one["weight_grad_norm"], size)
        one.arrays["weight_norm"] = np.ones_like(one["weight_norm"])
    return made


def study(folder, **arms):
    return read_study(write_study_tables(folder / "tables", {"s": arms}), "s")


def results_of(**arms) -> dict:
    return {one.meta["run"]: one for made in arms.values() for one in made}


def words(figure) -> str:
    return " ".join(figure.get_suptitle().split())


def titles_of(figure) -> list[str]:
    return [axis.get_title(loc="left") or axis.get_title() for axis in figure.axes]


def texts(figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


@pytest.mark.parametrize(
    ("bad", "good", "said"),
    [
        (
            (-6, 0.1),
            (0, 0.9),
            "vanishes in 1 of 2 arms (accuracy not above chance), is healthy in 1 (accuracy above chance)",
        ),
        (
            (-6, 0.9),
            (0, 0.1),
            "vanishes in 1 of 2 arms (accuracy above chance), is healthy in 1 (accuracy not above chance)",
        ),
        ((-6, 0.9), (-7, 0.9), "the gradient vanishes in all 2 arms (all above chance)"),
        ((0, 0.1), (0.5, 0.1), "the gradient is healthy in all 2 arms (none above chance)"),
        (
            (6, 0.9),
            (0, 0.9),
            "explodes in 1 of 2 arms (accuracy above chance), is healthy in 1 (accuracy above chance)",
        ),
        (
            (-2, 0.9),
            (0, 0.9),
            "is healthy in 1 of 2 arms (accuracy above chance), is undecided in 1 (accuracy above chance)",
        ),
    ],
)
def test_decades_say_where_it_vanishes_and_what_learns(tmp_path, bad, good, said):
    figure = decades.draw(study(tmp_path, a=arm(*bad, init="default"), b=arm(*good, init="he")), THRESHOLDS)
    assert said in words(figure)
    assert {f"{bad[1]:.2f}", f"{good[1]:.2f}", "test accuracy\n(chance 0.33)"} <= {*texts(figure)}
    assert all(tick == round(tick) for tick in figure.axes[0].get_xticks())


def test_decades_of_a_gradient_that_is_nowhere_known(tmp_path):
    figure = decades.draw(study(tmp_path, a=arm(np.nan, np.nan)), THRESHOLDS)
    assert words(figure).endswith("at init the gradient is not known in 1") and "–" in texts(figure)


def test_networks_lie_in_one_panel_and_arms_that_begin_alike_on_one_line(tmp_path):
    arms = {
        "VGG, SGD, He": arm(-0.5, init="he"),
        "VGG, Adam, He": arm(-0.5, init="he", optimizer="adam"),
        "VGG, SGD, torch": arm(-6, init="default"),
    }
    figure = profile_activation.draw(study(tmp_path, **arms))
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.texts] == ["VGG, SGD, torch", "VGG, He"]
    assert "is 1.0·10⁻⁶ times the last's in VGG, SGD, torch, 0.33 times in VGG, He" in words(figure)
    assert [text.get_text() for text in axis.get_xticklabels()][:1] == ["1"]  # all have the same layers


def test_more_networks_than_can_be_told_apart_get_as_few_panels_as_need_be(tmp_path):
    arms = {f"{number} units": arm(-number, learning_rate=0.1, width=number / 64) for number in range(1, 10)}
    figure = profile_activation.draw(study(tmp_path, **arms))
    assert [len(axis.texts) for axis in figure.axes] == [5, 4]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_a_profile_without_any_gradient_says_so(tmp_path):
    assert "no network's gradient could be compared" in words(profile_activation.draw(study(tmp_path, a=arm(np.nan))))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ((1e-12, 1), "the first layer is dead in 1 of 2 arms; its gradient is smallest in a: 1.0·10⁻¹²"),
        ((1, 1e-12), "the first layer is dead in 1 of 2 arms; its gradient is smallest in b: 1.0·10⁻¹²"),
        ((1, 1), "the first layer is dead in none of 2 arms"),
    ],
)
def test_weight_gradients_say_their_size_and_where_a_layer_is_dead(tmp_path, sizes, said):
    arms = {name: arm(0, size=size, init=init) for name, size, init in zip("ab", sizes, ("he", "default"))}
    figure = profile_weight.draw(study(tmp_path, **arms), THRESHOLDS)
    assert said in words(figure)
    dashed = [line.get_ydata()[0] for axis in figure.axes for line in axis.lines if line.get_linestyle() == "--"]
    assert dashed == pytest.approx([THRESHOLDS["dead_update"]] * 2)
    titles = titles_of(figure)
    assert titles == [
        f"{name}\nat init {power(np.log10(size))} … {power(np.log10(size))}" for name, size in zip("ab", sizes)
    ]


@pytest.mark.parametrize(
    ("init", "end", "said"),
    [
        ("he", -0.5, "1 of 1 changes moves the gradient at init, by up to +5.5 decades"),
        ("xavier", -6, "none of 1 changes moves the gradient at init; none of 1 changes moves the accuracy"),
    ],
)
def test_effects_count_what_moves(tmp_path, init, end, said):
    figure = effects.draw(study(tmp_path, a=arm(-6, init="default"), b=arm(end, init=init)))
    assert said in words(figure) and len(figure.axes) == 3


def test_what_is_zero_by_construction_is_no_point_of_effects(tmp_path):
    """Two optimizers start from the same network: there is nothing to compare before the first update."""
    arms = {"sgd": arm(-6), "adam": arm(-6, optimizer="adam")}
    figure = effects.draw(study(tmp_path / "alone", **arms))
    titles = titles_of(figure)
    assert titles == ["change of decades at the end", "change of test accuracy"]
    figure = effects.draw(study(tmp_path / "both", **arms, he=arm(-1, init="he")))
    assert len(figure.axes) == 3 and texts(figure).count("begin alike") == 1
    assert "1 of 1 changes moves the gradient at init" in words(figure)


@pytest.mark.parametrize(
    ("a", "b", "said", "scale"),
    [
        ((2, 1), (2, 1.5), "ends lowest with a (1 nats), and highest with b (1.5)", "linear"),
        ((2, 0.001), (2, 1e-4), "ends lowest with b (0.0001 nats), and highest with a (0.001)", "log"),
        ((2, 1), (2, np.nan), "ends lowest with a (1 nats); with b it is not finite", "linear"),
        ((2, 0.02), (2, 1e-9), "ends lowest with b (1e-09 nats), and highest with a (0.02)", "log"),
        ((2, 0.1), (2, 1), "ends lowest with a (0.1 nats), and highest with b (1)", "log"),
        ((2, np.nan), (2, np.nan), "no training loss stayed finite", "linear"),
    ],
)
def test_the_loss_is_drawn_by_step_on_the_axis_that_fits(tmp_path, a, b, said, scale):
    arms = {"a": arm(-1, loss=a, init="he"), "b": arm(-1, loss=b, init="default")}
    figure = curves.draw(study(tmp_path, **arms), results_of(**arms))
    assert said in words(figure)
    first = figure.axes[0]
    assert overlaps(figure) == []
    assert (first.get_xlabel(), first.get_yscale()) == ("step", scale)
    line = first.lines[0].get_xydata()
    assert np.isfinite(line).all() == (not np.isnan(a[1])) and len(line) == 40 and line[-1, 0] == 40
    assert len(first.collections) == 2  # a band over random seeds for each arm


def test_random_seeds_are_a_band_from_the_lowest_to_the_highest(tmp_path):
    made = arm(-1, init="he")
    for shift, one in enumerate(made):
        one.arrays["loss"] = one["loss"] * 0 + 1 + shift
    figure = curves.draw(study(tmp_path, a=made), results_of(a=made))
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1, 3) and set(figure.axes[0].lines[0].get_ydata()) == {2}


def random_mlps(inits: tuple[str, ...], **logs: float) -> dict:
    """Norms of tanh networks of each depth, all of one size."""
    sizes = {int(depth[1:]): log for depth, log in logs.items()}
    return {d: {f"tanh-{init}": np.full((20, 2 * d), 10.0**log) for init in inits} for d, log in sizes.items()}


@pytest.mark.parametrize(("log", "said"), [(-12, "is dead in 2 of 2 kinds"), (-1, "is dead in none of 2 kinds")])
def test_random_mlps_say_their_size_and_which_weights_are_the_same(log, said):
    figure = profiles.draw(random_mlps(("xavier", "lecun"), d5=log), 10, THRESHOLDS)
    assert said in words(figure) and "Xavier = LeCun where a layer's two widths are equal" in words(figure)
    assert all(text.startswith("layer 1: ") for text in texts(figure))
    alone = profiles.draw(random_mlps(("he", "xavier"), d2=-30, d5=log), 10, THRESHOLDS)
    assert "LeCun" not in words(alone) and len({axis.get_ylim() for axis in alone.axes}) == 1


def grown(plain: float, skipped: float) -> pd.DataFrame:
    sizes = {True: skipped, False: plain}
    rows = [(8, skip, False, seed, size + seed / 100) for skip, size in sizes.items() for seed in (0, 1)]
    table = pd.DataFrame(rows, columns=["depth", "skip", "batch_norm", "seed", "decades"])
    return table.assign(correlation=0.5, branch_exponent=-0.5)


@pytest.mark.parametrize(("sizes", "most", "least"), [((-9, 1), "with", "without"), ((1, -9), "without", "with")])
def test_depth_says_which_kind_keeps_the_gradient_even(sizes, most, least):
    told = evenness(grown(*sizes))
    assert f"most even {most} skips and without batch norm (+1.0 decades), least {least} skips" in told
    assert deepest(grown(*sizes)).startswith(told) and words(depth.draw(grown(*sizes))).startswith(told)
    assert "no network's gradient could be compared" in evenness(grown(np.nan, np.nan))


@pytest.mark.parametrize(
    ("residuals", "said"),
    [
        ((0.5, 0.4), "more of the gradient arrives than predicted in 2 of 2 networks"),
        (
            (-0.5, 0.4),
            "more of the gradient arrives than predicted in 1 and less in 1 of 2 networks",
        ),
        ((-0.5, -0.4), "less of the gradient arrives than predicted in 2 of 2 networks"),
        ((0, 0), "neither more nor less of the gradient than predicted surely arrives in any of 2 networks"),
    ],
)
def test_alignment_says_which_way_it_goes(residuals, said):
    rows = [(name, s, 9, size + (s - 1) / 100) for name, size in zip("ab", residuals) for s in range(3)]
    table = pd.DataFrame(rows, columns=["label", "seed", "step", "residual"])
    assert alignment_learnt(table).startswith(f"After 9 updates {said}")
    assert learnt_alignment(table).startswith(alignment_learnt(table)) and "; b " in learnt_alignment(table)


@pytest.mark.parametrize(
    ("sizes", "said"), [((-9, 1), "torch default init, in 2 of 2"), ((1, -9), "He init, in 2 of 2")]
)
def test_the_survey_says_which_initialisation_leaves_least(sizes, said):
    rows = [(name, init, size) for name in "ab" for init, size in zip(("default", "he"), sizes)]
    table = pd.DataFrame(rows, columns=["label", "init", "measured"]).assign(residual=0.1)
    assert said in least_by_init(table) and survey_in_words(table).startswith(least_by_init(table))
    assert least_by_init(table[:1]) == "No architecture was explained under two initialisations"
