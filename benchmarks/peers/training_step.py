"""The step of training_step.cpp in PyTorch eager mode on one thread, as its users write it.

Writes results in Google Benchmark's JSON, so that bench_table can put them beside ours:
python3 training_step.py OUT.json
"""
import json
import sys
import time

import torch

d, C, N, samples, rate = 100, 50, 16, 10_000, 0.01


def step_seconds(n, dtype, rounds=3):
    torch.manual_seed(1)
    x = torch.rand(samples, d, dtype=dtype) * 2 - 1
    y = torch.rand(samples, C, dtype=dtype) * 2 - 1
    student = torch.nn.Sequential(
        torch.nn.Linear(d, n), torch.nn.ReLU(), torch.nn.Linear(n, C)
    ).to(dtype)
    optimizer = torch.optim.SGD(student.parameters(), lr=rate)
    batches = torch.randint(samples, (4096, N))
    times, next_batch = [], 0
    for _ in range(rounds + 1):
        steps = 200
        begin = time.perf_counter()
        for _ in range(steps):
            indices = batches[next_batch]
            next_batch = (next_batch + 1) % len(batches)
            optimizer.zero_grad()
            loss = 0.5 * (student(x[indices]) - y[indices]).pow(2).sum(dim=1).mean()
            loss.backward()
            optimizer.step()
        times.append((time.perf_counter() - begin) / steps)
    return times[1:]  # the first warms up


def main():
    torch.set_num_threads(1)
    results = []
    for scalar, dtype in (("double", torch.float64), ("float", torch.float32)):
        for n in (10, 20, 50, 100, 200):
            for seconds in step_seconds(n, dtype):
                results.append(
                    {
                        "run_name": f"training_step/{scalar}/{n}/PyTorch",
                        "run_type": "iteration",
                        "real_time": 1e6 * seconds,
                        "time_unit": "us",
                    }
                )
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"benchmarks": results}, out)


if __name__ == "__main__":
    main()
