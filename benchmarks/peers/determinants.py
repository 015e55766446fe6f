"""The determinants of determinants.cpp in NumPy on one thread: M and b of all sets by broadcasting,
then a batched solve and determinant, or m + 1 batched determinants.

Writes seconds per 10000 sets as Google Benchmark's JSON: python3 determinants.py OUT.json
"""
import json
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

SETS = 10_000


def system(theta):
    def f(x):
        t = np.abs(x)
        t = np.minimum(t, 2 * np.pi - t)
        return (np.pi - t) * np.cos(t) + np.sin(t)

    return f(theta[:, :, None] - theta[:, None, :]), f(theta)


def solve(theta):
    M, b = system(theta)
    det = np.linalg.det(M)
    return det, det[:, None] * np.linalg.solve(M, b[:, :, None])[:, :, 0]


def determinants(theta):
    M, b = system(theta)
    replaced = np.empty_like(b)
    for i in range(theta.shape[1]):
        Mi = M.copy()
        Mi[:, :, i] = b
        replaced[:, i] = np.linalg.det(Mi)
    return np.linalg.det(M), replaced


def main():
    if os.environ.get("OPENBLAS_CORETYPE", "SkylakeX") != "SkylakeX":
        sys.exit("OPENBLAS_CORETYPE is set: unset it, it hides BLAS's best kernels")
    results = []
    for m in (3, 6, 9, 16):
        theta = np.random.default_rng(m).uniform(0, 2 * np.pi, (SETS, m))
        for name, run in (("NumPy, solve", solve), ("NumPy, m+1 determinants", determinants)):
            for round in range(6):
                begin = time.perf_counter()
                run(theta)
                seconds = time.perf_counter() - begin
                if round == 0:
                    continue  # warms up
                results.append(
                    {
                        "run_name": f"determinants/double/m={m}/{name}",
                        "run_type": "iteration",
                        "real_time": 1e3 * seconds,
                        "time_unit": "ms",
                    }
                )
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"benchmarks": results}, out)


if __name__ == "__main__":
    main()
