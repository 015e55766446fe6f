"""The population gradient of population.cpp in vectorized NumPy on one thread: the same closed forms,
the same four products of student and teacher nodes together, in-place where NumPy can.

Writes seconds as Google Benchmark's JSON: python3 population.py OUT.json
"""
import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import sys
import time

import numpy as np

N, M, D, C = 100, 20, 100, 10


def gradient(U, a, W, V, norms):
    """The negative gradients; U [d, n+m], a [n+m, C] with the teacher's fan-out negated."""
    norms[:N] = np.sqrt(np.einsum("ij,ij->j", W, W))
    U[:, :N] = W
    a[:N] = V
    P = U.T @ W
    A = a @ V.T
    lengths = norms[:, None] * norms[None, :N]
    cosine = P / lengths
    np.clip(cosine, -1, 1, out=cosine)
    phi = np.arccos(-cosine)
    sine = np.sqrt((1 - cosine) * (1 + cosine))
    sine *= lengths
    K = phi * P
    K += sine
    K /= 2 * np.pi
    AK = A * K
    J = 0.5 * AK[:N].sum() + AK[N:].sum()
    sine *= A
    D_i = sine.sum(axis=0) / norms[:N] ** 2
    A *= phi
    A[np.arange(N), np.arange(N)] += D_i
    dW = U @ A
    dW /= -2 * np.pi
    dV = K.T @ a
    np.negative(dV, out=dV)
    return J, dW, dV


def check(U, a, W, V, norms):
    """Central differences of the loss are the gradient."""
    J, dW, dV = (np.copy(x) for x in gradient(U, a, W, V, norms))
    for weights, slopes in ((W, dW), (V, dV)):
        moved = weights[3, 5]
        weights[3, 5] = moved + 1e-5
        up = gradient(U, a, W, V, norms)[0]
        weights[3, 5] = moved - 1e-5
        down = gradient(U, a, W, V, norms)[0]
        weights[3, 5] = moved
        assert abs((up - down) / 2e-5 + slopes[3, 5]) < 1e-6 * np.abs(slopes).max()


def main():
    random = np.random.default_rng(1)
    W, V = 0.1 * random.standard_normal((D, N)), 0.1 * random.standard_normal((N, C))
    U, a = 0.1 * random.standard_normal((D, N + M)), 0.1 * random.standard_normal((N + M, C))
    norms = np.sqrt(np.einsum("ij,ij->j", U, U))
    check(U, a, W, V, norms)
    results = []
    for _ in range(6):
        begin = time.perf_counter()
        for _ in range(200):
            gradient(U, a, W, V, norms)
        results.append((time.perf_counter() - begin) / 200)
    rows = [
        {
            "run_name": "population_gradient/double/100x20x100x10/NumPy",
            "run_type": "iteration",
            "real_time": 1e6 * seconds,
            "time_unit": "us",
        }
        for seconds in results[1:]  # the first warms up
    ]
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"benchmarks": rows}, out)


if __name__ == "__main__":
    main()
