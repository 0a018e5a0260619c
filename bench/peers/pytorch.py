"""PyTorch's side of the training step, as a process that times on demand: each line on stdin is a number of steps, each line
on stdout the milliseconds they took, as JSON. Arguments: cell B T I H threads. One step is zero_grad, forward, a linear read-out
H -> 10 with softmax cross-entropy at the last step, backward, clip_grad_norm_ 1, Adam."""
import json
import os
import sys
import time

cell, (B, T, I, H, threads) = sys.argv[1], map(int, sys.argv[2:7])
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
import torch
from torch import nn

torch.set_num_threads(threads)
torch.manual_seed(0)
network = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](I, H)
readout = nn.Linear(H, 10)
parameters = [*network.parameters(), *readout.parameters()]
optimizer = torch.optim.Adam(parameters, lr=1e-3)
x, y = torch.randn(T, B, I), torch.randint(0, 10, (B,))


def step():
    optimizer.zero_grad(set_to_none=True)
    outputs, _ = network(x)
    loss = nn.functional.cross_entropy(readout(outputs[-1]), y)
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    return loss.item()


print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps(times), flush=True)
