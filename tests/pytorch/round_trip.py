"""Networks between PyTorch and tutelage, both ways.

  round_trip.py write DIR README   models, inputs and outputs, for round_trip.cpp to read
  round_trip.py check DIR         what round_trip.cpp has written back gives the same outputs here
"""
import json
import os
import re
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn


def write_safetensors(path, state):
    """The arrays of a state_dict, sorted by name as the safetensors package sorts them."""
    dtypes = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32",
              torch.float64: "F64", torch.int64: "I64"}
    header, data = {}, b""
    for name in sorted(state):
        a = state[name].contiguous()
        raw = (a.view(torch.int16) if a.dtype == torch.bfloat16 else a).numpy().tobytes()
        header[name] = {"dtype": dtypes[a.dtype], "shape": list(a.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    content = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    state = {}
    for name, entry in json.loads(content[8:8 + length]).items():
        if name == "__metadata__":
            continue
        first, last = (8 + length + x for x in entry["data_offsets"])
        dtype = {"F32": np.float32, "F64": np.float64}[entry["dtype"]]
        a = np.frombuffer(content[first:last], dtype).reshape(entry["shape"])
        state[name] = torch.from_numpy(a.copy())
    return state


class Named(nn.Module):
    """Modules of equal widths whose numbers say their order, and the alphabet says another."""

    def __init__(self):
        super().__init__()
        for i in range(1, 12):
            setattr(self, f"fc{i}", nn.Linear(8, 8))

    def forward(self, x):
        for i in range(1, 11):
            x = torch.relu(getattr(self, f"fc{i}")(x))
        return self.fc11(x)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def conv_net():
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
                         nn.Conv2d(4, 3, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(27, 5))


def residual_net():
    return nn.Sequential(
        nn.Linear(12, 8), nn.ReLU(),
        Residual(nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(),
                 nn.Linear(8, 8)),
        Residual(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)), nn.Linear(8, 4))


def sequential(gate):
    return nn.Sequential(nn.Linear(20, 30), gate, nn.Linear(30, 40), gate, nn.Linear(40, 10))


MODELS = {
    "relu64": (sequential(nn.ReLU()).double(), "safetensors"),
    "relu32": (sequential(nn.ReLU()), "safetensors"),
    "leaky64": (sequential(nn.LeakyReLU()).double(), "npz"),
    "conv32": (conv_net(), "npz"),
    "conv64": (conv_net().double(), "safetensors"),
    "residual32": (residual_net(), "safetensors"),
    "residual64": (residual_net().double(), "npz"),
    "named32": (Named(), "safetensors"),
    "named64": (Named().double(), "npz"),
}


def run_readme(readme, folder):
    """The README's three lines, on the first model."""
    text = Path(readme).read_text()
    lines = re.search(r"## Bring your own network.*?```python\n(.*?)```", text, re.S)[1]
    os.chdir(folder)
    exec(lines, {"model": MODELS["relu64"][0]})


def main(what, folder, readme=""):
    torch.manual_seed(1)
    for name, (model, kind) in MODELS.items():
        model.eval()
        stem = Path(folder) / name
        if what == "write":
            scalar = next(model.parameters()).dtype
            for p in model.parameters():
                p.data = torch.randn_like(p) * 0.3
            for b in model.buffers():
                if b.dtype == scalar:
                    b.data = torch.rand_like(b) + 0.5
                else:
                    b.data = b.data + 7  # num_batches_tracked
            if kind == "npz":
                np.savez(f"{stem}.npz", **{k: v.numpy() for k, v in model.state_dict().items()})
            else:
                write_safetensors(f"{stem}.safetensors", model.state_dict())
            shape = [2, 7, 7] if "conv" in name else [next(model.parameters()).shape[1]]
            x = torch.randn(50, *shape, dtype=scalar)
            np.save(f"{stem}.x.npy", x.numpy())
            np.save(f"{stem}.y.npy", model(x).detach().numpy())
        else:
            state = read_safetensors(f"{stem}.back.safetensors")
            for key, count in state.items():
                if key.endswith("num_batches_tracked") and count != 7:
                    sys.exit(f"{name}: {key} came back as {count}")
            if isinstance(model, Named):  # our names are nn.Sequential's
                state = {f"fc{int(k.split('.')[0]) // 2 + 1}.{k.split('.')[1]}": v
                         for k, v in state.items()}
            model.load_state_dict(state)
            x = torch.from_numpy(np.load(f"{stem}.x.npy"))
            y = np.load(f"{stem}.y.npy")
            error = np.abs(model(x).detach().numpy() - y).max() / np.abs(y).max()
            if error != 0:
                sys.exit(f"{name}: weights came back changed, outputs differ by {error}")
    if what == "write":
        half = {"0.weight": torch.tensor([[1.5, -2], [0.25, 3e-5]]), "0.bias": torch.tensor([1., 2])}
        for name, dtype in (("half", torch.float16), ("brain", torch.bfloat16)):
            state = {k: v.to(dtype) for k, v in half.items()}
            write_safetensors(f"{folder}/{name}.safetensors", state)
            np.save(f"{folder}/{name}.npy", state["0.weight"].double().numpy())
        run_readme(readme, folder)


main(*sys.argv[1:])
