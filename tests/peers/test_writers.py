"""The newest row reaches the tools that people watch trainings with; a test runs where its tool is: make test-peers."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from gradflow import GradflowError, GradientRecorder
from gradflow.recorder.writers import scalars, to_mlflow, to_tensorboard, to_wandb

NAMES = {f"{quantity}/{layer}" for quantity in ("grad_sample_norm", "weight_grad_norm") for layer in ("0", "2")}


def record(each_step):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    with GradientRecorder(model) as recorder:
        for step in range(3):
            model.zero_grad()
            model(torch.ones(4, 5)).square().mean().backward()
            recorder.step()
            each_step(recorder, step)
    return recorder


def test_scalars_are_those_of_the_newest_row_that_are_known():
    rows = []
    recorder = record(lambda recorder, step: rows.append(scalars(recorder, ["grad_sample_norm", "weight_grad_norm"])))
    assert rows[-1].keys() == NAMES
    assert rows[-1]["weight_grad_norm/2"] == pytest.approx(recorder.norms()["weight_grad_norm"][-1, 1])
    with pytest.raises(GradflowError, match="'sharpness' is not recorded"):
        scalars(recorder, ["sharpness"])


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        recorder = record(lambda recorder, step: to_tensorboard(recorder, writer, step))
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert set(events.Tags()["scalars"]) >= NAMES
    written = [event.value for event in events.Scalars("grad_sample_norm/0")]
    np.testing.assert_allclose(written, recorder.norms()["grad_sample_norm"][:, 0], rtol=1e-6)


def test_weights_and_biases(tmp_path):
    wandb = pytest.importorskip("wandb")
    with wandb.init(mode="offline", dir=tmp_path, settings=wandb.Settings(silent=True)) as run:
        recorder = record(lambda recorder, step: to_wandb(recorder, run, step))
        newest = {name: run.summary[name] for name in NAMES}
    assert newest["grad_sample_norm/0"] == pytest.approx(recorder.norms()["grad_sample_norm"][-1, 0])
    assert list(tmp_path.rglob("*.wandb"))


def test_mlflow(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    with mlflow.start_run() as run:
        recorder = record(lambda recorder, step: to_mlflow(recorder, mlflow, step))
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "grad_sample_norm/0")
    np.testing.assert_allclose([m.value for m in history], recorder.norms()["grad_sample_norm"][:, 0], rtol=1e-6)


@pytest.mark.parametrize("through", ["forward", "parts"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_lightning(tmp_path, through, accumulate):
    pytest.importorskip("lightning")
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.loggers import CSVLogger

    from gradflow.recorder.lightning import RecorderCallback

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, index):
            x, y = batch
            return nn.functional.mse_loss(self(x) if through == "forward" else self.net(x), y)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    torch.manual_seed(1)
    data = torch.utils.data.TensorDataset(torch.randn(16, 5), torch.randn(16, 2))
    callback = RecorderCallback()
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", callbacks=[callback], log_every_n_steps=1, accumulate_grad_batches=accumulate,
        gradient_clip_val=0.01, logger=CSVLogger(tmp_path), enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Module(), torch.utils.data.DataLoader(data, batch_size=4))
    recorder, x, y = callback.recorder, *data[: 4 * accumulate]
    twin = Module().double()
    nn.functional.mse_loss(twin(x.double()), y.double()).backward()
    norms = recorder.norms()
    assert recorder.batch_sizes.tolist() == [4 * accumulate] * (4 // accumulate)
    assert recorder.layers == ["net.0", "net.2"]
    for column, layer in enumerate((twin.net[0], twin.net[2])):
        assert norms["weight_grad_norm"][0, column] == pytest.approx(layer.weight.grad.norm().item(), rel=1e-4)
    assert (norms["update_ratio"] > 0).all()
    assert json.dumps(scalars(recorder)) and "grad_sample_norm/net.0" in next(tmp_path.rglob("metrics.csv")).read_text()
