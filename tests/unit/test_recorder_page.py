"""Every block of docs/recorder.md runs."""

import re

import pytest
import torch
from torch import nn

from conftest import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "recorder.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_of_the_page_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    batches = [(torch.randn(4, 3, 8, 8), torch.randint(2, (4,))) for _ in range(5)]
    names = {"model": model, "optimizer": optimizer, "batches": batches, "criterion": nn.CrossEntropyLoss()}
    exec(compile(block, "docs/recorder.md", "exec"), names | {"torch": torch})
    assert (tmp_path / "mine.npz").is_file()


def test_there_are_blocks():
    assert len(BLOCKS) == 2
