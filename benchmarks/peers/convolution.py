"""The passes of convolution/main.cpp in PyTorch eager mode on one thread: forward, the gradient at the
weights and bias alone, the gradient at the images alone.

Writes results in Google Benchmark's JSON, so that bench_table can put them beside ours:
python3 convolution.py OUT.json
"""
import json
import sys
import time

import torch

gradients = torch.ops.aten.convolution_backward


def timed(once):
    """Seconds of one call, of several rounds."""
    once()
    begin = time.perf_counter()
    once()
    calls = max(1, int(0.01 / (time.perf_counter() - begin)))
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        for _ in range(calls):
            once()
        times.append((time.perf_counter() - begin) / calls)
    return times


def passes(image, filters, size, stride, batch, dtype):
    torch.manual_seed(1)
    channels, height, width = image
    layer = torch.nn.Conv2d(channels, filters, size, stride=stride, padding=size // 2).to(dtype)
    x = torch.rand(batch, channels, height, width, dtype=dtype) * 2 - 1
    with torch.no_grad():
        g = torch.rand_like(layer(x))

    def backward(of_x, of_weights):
        wanted = [of_x, of_weights, of_weights]
        return gradients(g, x, layer.weight, [filters], layer.stride, layer.padding, (1, 1), False,
                         (0, 0), 1, wanted)

    yield "forward", lambda: layer(x)
    yield "weights", lambda: backward(False, True)
    yield "input", lambda: backward(True, False)


def main():
    torch.set_num_threads(1)
    results = []
    for image in ((1, 28, 28), (3, 32, 32), (64, 16, 16)):
        shapes = [(k, 3, 1, n) for k in (16, 32, 64, 128) for n in (16, 64)]
        for filters, size, stride, batch in shapes + [(64, 5, 1, 16), (64, 3, 2, 16)]:
            name = "x".join(map(str, image)) + f"-{filters}f{size}"
            name += ("s2" if stride == 2 else "") + f" N{batch}"
            with torch.no_grad():
                for question, once in passes(image, filters, size, stride, batch, torch.float32):
                    for seconds in timed(once):
                        results.append(
                            {
                                "run_name": f"convolution_{question}/float/{name}/PyTorch",
                                "run_type": "iteration",
                                "real_time": 1e6 * seconds,
                                "time_unit": "us",
                            }
                        )
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"benchmarks": results}, out)


if __name__ == "__main__":
    main()
