"""A callback that records a training by Lightning: `Trainer(callbacks=[RecorderCallback()])`."""

from collections.abc import Iterable

from lightning.pytorch import Callback, LightningModule, Trainer

from gradflow.recorder.recorder import GradientRecorder
from gradflow.recorder.writers import SHOWN, scalars


class RecorderCallback(Callback):
    """Records each step of the optimizer, and logs the newest row to the trainer's loggers.

    Lightning calls `training_step`, and not the module, so a batch's size is what `batch_size` says, or the first
    dimension of the batch. Accumulated gradients make one row, clipped ones are recorded as they were before. With
    manual optimization call `callback.recorder.step(batch_size)` after `manual_backward`.

    Parameters
    ----------
    log : the quantities that are logged; empty for none.
    batch_size : samples behind a step's loss, if the batch does not tell.
    settings : what `GradientRecorder` takes beside the model.
    """

    def __init__(self, log: Iterable[str] = SHOWN, batch_size: int | None = None, **settings):
        self._log, self._batch_size, self._settings = tuple(log), batch_size, settings
        self.recorder: GradientRecorder | None = None
        self._samples = 0

    def on_fit_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Begin to record."""
        self.recorder = GradientRecorder(module, **self._settings).__enter__()

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch, batch_index: int) -> None:
        """Count the samples of a batch."""
        first = batch[0] if isinstance(batch, list | tuple) else batch
        self._samples += self._batch_size or len(first)

    def on_before_optimizer_step(self, trainer: Trainer, module: LightningModule, optimizer) -> None:
        """Store a row, of all batches since the last."""
        if module.automatic_optimization:
            self.recorder.step(batch_size=self._samples)
            self._samples = 0

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs, batch, batch_index: int) -> None:
        """Log the newest row, once in the trainer's `log_every_n_steps`."""
        due = trainer.global_step and trainer.global_step % trainer.log_every_n_steps == 0
        if self._log and due and len(self.recorder.steps) and trainer.logger:
            values = scalars(self.recorder, self._log)
            for logger in trainer.loggers:
                logger.log_metrics(values, step=trainer.global_step)

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        """End the recording; it is read by `recorder`."""
        self.recorder.__exit__()

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        """End the recording where the training failed."""
        if self.recorder is not None:
            self.recorder.__exit__()
