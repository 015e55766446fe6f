"""The expectations of gradient_rule/main.cpp in PyTorch on one thread: V of a batch by batched
products, E[A], E[B], E[D A D*] and E[D B D] by contractions over samples and outputs.

Writes seconds per sample as Google Benchmark's JSON: python3 gradient_rule.py OUT.json
"""
import json
import sys
import time

import torch

SAMPLES = 16


def network(widths, dtype):
    bound = [2.4 / d**0.5 for d in widths]
    return [
        (2 * torch.rand(d + 1, n, dtype=dtype) - 1) * b
        for d, n, b in zip(widths, widths[1:], bound)
    ]


def gates(weights, x):
    result = []
    for W in weights[:-1]:
        a = x @ W[:-1] + W[-1]
        x = a.relu()
        result.append((a > 0).to(x.dtype))
    return result


def expectations(teacher, student, z_star, z):
    N = z[0].shape[0]
    V = student[-1][:-1].T.expand(N, -1, -1)
    V_star = teacher[-1][:-1].T.expand(N, -1, -1)
    found = []
    for l in reversed(range(len(z))):
        VD, VD_star = V * z[l][:, None, :], V_star * z_star[l][:, None, :]
        found.append(
            [
                torch.einsum("ncj,nck->jk", left, right) / N
                for left, right in ((V, V_star), (V, V), (VD, VD_star), (VD, VD))
            ]
        )
        if l > 0:
            V = VD @ student[l][:-1].T
            V_star = VD_star @ teacher[l][:-1].T
    return found


def seconds_per_sample(m, factor, dtype, rounds=5):
    torch.manual_seed(1)
    n = [m[0]] + [factor * w for w in m[1:-1]] + [m[-1]]
    teacher, student = network(m, dtype), network(n, dtype)
    x = torch.randn(SAMPLES, m[0], dtype=dtype)
    z_star, z = gates(teacher, x), gates(student, x)
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        expectations(teacher, student, z_star, z)
        times.append((time.perf_counter() - begin) / SAMPLES)
    return times[1:]  # the first warms up


def main():
    torch.set_num_threads(1)
    results = []
    for scalar, dtype in (("double", torch.float64), ("float", torch.float32)):
        for m in ([20, 10, 15, 20, 25, 100], [20, 50, 75, 100, 125, 100]):
            for factor in (2, 5, 10):
                size = "-".join(map(str, m[1:-1])) + f"x{factor}"
                for seconds in seconds_per_sample(m, factor, dtype):
                    results.append(
                        {
                            "run_name": f"gradient_rule/{scalar}/{size}/PyTorch",
                            "run_type": "iteration",
                            "real_time": 1e3 * seconds,
                            "time_unit": "ms",
                        }
                    )
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"benchmarks": results}, out)


if __name__ == "__main__":
    main()
