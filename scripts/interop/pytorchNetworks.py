"""Trains small networks in PyTorch and writes their weights and outputs, for test/interop/pytorch.test.ts.

    python3 scripts/interop/pytorchNetworks.py test/interop/testdata

For each cell: <cell>.safetensors, the state of the module below under its own names; <cell>.ndjson, a sequences file whose target
is the sum of the two numbers that a marker stands at, among 16, which it was trained on; and <cell>.json with the outputs y
[B][T][O] of the module and its loss at the last step. Needs PyTorch 1.13 or newer and nothing else.
"""

import json
import struct
import sys

import torch

B, T, I, H, O = 24, 16, 2, 8, 1


class Summer(torch.nn.Module):
    def __init__(self, cell, layers):
        super().__init__()
        self.core = getattr(torch.nn, cell)(I, H, layers, batch_first=True)
        self.head = torch.nn.Linear(H, O)

    def forward(self, x):
        return self.head(self.core(x)[0])


def draw(count):
    numbers = torch.rand(count, T)
    marks = torch.zeros(count, T)
    first = torch.randint(0, T // 2, (count,))
    second = torch.randint(T // 2, T, (count,))
    rows = torch.arange(count)
    marks[rows, first] = 1
    marks[rows, second] = 1
    return torch.stack([numbers, marks], 2), (numbers * marks).sum(1)


def save(state, file):
    """A safetensors file: the length of a JSON header, the header, and the float32 numbers of all tensors."""
    header, data = {}, b""
    for name, tensor in state.items():
        numbers = struct.pack("<%df" % tensor.numel(), *tensor.flatten().tolist())
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    with open(file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


folder = sys.argv[1]
torch.set_num_threads(1)
for cell, layers in (("LSTM", 2), ("GRU", 1)):
    torch.manual_seed(5)
    network = Summer(cell, layers)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for update in range(600):
        x, y = draw(64)
        loss = torch.nn.functional.mse_loss(network(x)[:, -1, 0], y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimizer.step()
    name = f"{folder}/{cell.lower()}"
    save(network.state_dict(), f"{name}.safetensors")
    x, y = draw(B)
    with torch.no_grad():
        outputs = network(x)
    with open(f"{name}.json", "w") as out:
        json.dump({"torch": torch.__version__, "loss": torch.nn.functional.mse_loss(outputs[:, -1, 0], y).item(), "y": outputs.tolist()}, out)
        out.write("\n")
    with open(f"{name}.ndjson", "w") as out:
        for inputs, target in zip(x.tolist(), y.tolist()):
            out.write(json.dumps({"x": inputs, "y": target}) + "\n")
    print(cell, "loss", loss.item())
