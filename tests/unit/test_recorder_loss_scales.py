"""A GradScaler's scale is divided out, whoever tells of it and whenever step() is called."""

import math

import numpy as np
import pytest
import torch
from recorder_cases import X, net, record, squares

from gradflow import GradflowError, GradientRecorder


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("when", ["before unscale_", "after unscale_", "after the optimizer", "after update"])
def test_a_loss_scale_is_divided_out_told_or_not_and_whenever_step_is_called(told, precision, when):
    model = net()
    plain = net()
    with GradientRecorder(plain) as expected:
        with torch.autocast("cpu", precision, enabled=precision is torch.bfloat16):
            loss = squares(plain(X).float())
        loss.backward()
        expected.step()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    with GradientRecorder(model, scaler=scaler if told else None) as recorder:
        for _ in range(2):
            model.load_state_dict(net().state_dict())
            optimizer.zero_grad()
            with torch.autocast("cpu", precision, enabled=precision is not torch.float32):
                loss = squares(model(X).float())
            scaler.scale(loss).backward()
            if when == "before unscale_":
                recorder.step()
            scaler.unscale_(optimizer)
            if when == "after unscale_":
                recorder.step()
            scaler.step(optimizer)
            if when == "after the optimizer":
                recorder.step()
            scaler.update()
            if when == "after update":
                recorder.step()
    for quantity in ("grad_output_norm", "weight_grad_norm"):
        rtol = 1e-2 if precision is torch.float16 else 1e-5  # float16 keeps more of what is scaled
        for row in recorder.norms()[quantity]:
            np.testing.assert_allclose(row, expected.norms()[quantity][0], rtol=rtol)
    assert recorder.recording().total_norms[-1] == pytest.approx(expected.recording().total_norms[0], rel=1e-2)


def test_a_step_that_the_scaler_skips_has_no_update():
    model, optimizer = net(), None
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    with GradientRecorder(model) as recorder:
        for factor in (1.0, math.inf, 1.0):
            optimizer.zero_grad()
            scaler.scale(squares(model(X)) * factor).backward()
            recorder.step()
            scaler.step(optimizer)
            scaler.update()
    updates = recorder.norms()["update_ratio"][:, 0]
    assert updates[1] == 0 and updates[0] > 0 and updates[2] > 0
    assert recorder.norms()["nonfinite"][1, 0] > 0


def test_another_losss_scale_is_not_this_models():
    model, other = net(), net(1)
    scaler = torch.amp.GradScaler("cpu")
    with GradientRecorder(model) as recorder:
        scaler.scale(squares(other(X))).backward()
        squares(model(X)).backward()
        recorder.step()
    np.testing.assert_array_equal(recorder.norms()["weight_grad_norm"], record(net(), (X,)).norms()["weight_grad_norm"])


def test_float16_of_a_scale_that_is_not_known_is_refused():
    model = net().half()
    with GradientRecorder(model) as recorder:
        model(X.half()).float().sum().backward()
        with pytest.raises(GradflowError, match="scaler"):
            recorder.step()


def test_a_scaled_pass_that_failed_scales_no_other():
    model, other = net(), net()
    scaler = torch.amp.GradScaler("cpu")
    with GradientRecorder(model) as recorder:
        output = other(X)
        output.register_hook(lambda gradient: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scaler.scale(squares(output)).backward()
        squares(model(X)).backward()
        recorder.step()
    np.testing.assert_array_equal(recorder.norms()["weight_grad_norm"], record(net(), (X,)).norms()["weight_grad_norm"])
