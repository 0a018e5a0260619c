"""PyTorch's side of the training step: one request a line on stdin, one answer a line on stdout, both JSON.

{"prepare": {cell, B, T, I, H, loss}}  makes a network, a batch and an optimizer; null lets them go
{"steps": n, "threads": k}             makes n training steps: milliseconds of each, and the processor time of all
{"sgemm": m, "steps": n, "threads": k} makes n products of m x m matrices instead

One training step is zero_grad, forward, a linear read-out H -> 10 with softmax cross-entropy at the last step (or at every one),
backward, clip_grad_norm_ 1, Adam, in float32. Started with the argument "flush", it flushes denormal numbers to zero.
"""

import ctypes
import functools
import json
import re
import sys
import time

import torch
from torch import nn

# Before any thread is made: a thread has the floating-point mode of the one that made it.
flush = "flush" in sys.argv
if flush:
    torch.set_flush_denormal(True)


def openblas():
    """The OpenBLAS in this process, or None."""
    try:
        with open("/proc/self/maps") as maps:
            paths = {line.split()[-1] for line in maps if re.search(r"libopenblas[^/]*\.so", line)}
        return ctypes.CDLL(sorted(paths)[0]) if paths else None
    except OSError:
        return None


blas = openblas()
step = None
threads = 0


def use(count):
    """Has PyTorch and its BLAS work with so many threads."""
    global threads
    if count == threads:
        return False
    threads = count
    torch.set_num_threads(count)
    if blas is not None:
        blas.openblas_set_num_threads(count)
    return True


def prepare(cell, B, T, I, H, loss):
    torch.manual_seed(0)
    network = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](I, H)
    readout = nn.Linear(H, 10)
    parameters = [*network.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    x = torch.randn(T, B, I)
    y = torch.randint(0, 10, (B if loss == "last" else T * B,))

    def train():
        optimizer.zero_grad(set_to_none=True)
        states, _ = network(x)
        outputs = readout(states[-1] if loss == "last" else states.reshape(T * B, H))
        value = nn.functional.cross_entropy(outputs, y)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return value.item()

    return train


@functools.cache
def product(size):
    a, b, c = (torch.randn(size, size) for _ in range(3))

    def multiply():
        torch.mm(a, b, out=c)
        return 0.0

    return multiply


def timed(work, count):
    milliseconds, value = [], 0.0
    cpu = time.process_time()
    for _ in range(count):
        began = time.perf_counter()
        value = work()
        milliseconds.append((time.perf_counter() - began) * 1e3)
    return {"milliseconds": milliseconds, "cpu": (time.process_time() - cpu) * 1e3, "loss": value}


def core():
    if blas is None:
        return None
    blas.openblas_get_corename.restype = ctypes.c_char_p
    return blas.openblas_get_corename().decode()


print(json.dumps({"version": torch.__version__, "core": core(), "flush": flush}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        if "prepare" in request:
            step = prepare(**request["prepare"]) if request["prepare"] else None
            answer = {"ready": True}
        else:
            work = product(request["sgemm"]) if "sgemm" in request else step
            if use(request["threads"]):
                work()
            answer = timed(work, request["steps"])
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
