#!/usr/bin/env python3
"""What PyTorch makes of cuda_engine_bench's "forward": the same 6-layer RoBERTa shape with random
weights, the same lengths, fp16, CLS, ids on the device, packed as an expert would write it (no
padding), compiled, and with CUDA graphs for one sentence. One JSON object a line."""

import itertools
import json
import pathlib
import re
import statistics

import torch
import torch.nn.functional as F
from torch.nn.attention.varlen import varlen_attn

HIDDEN, HEADS, FEED_FORWARD, LAYERS, VOCABULARY, POSITIONS = 768, 12, 3072, 6, 50265, 514


def mrpc_lengths(count):
    """As bench/mrpc_lengths.h spreads them, from the numbers that stand there."""
    header = (pathlib.Path(__file__).parent / "mrpc_lengths.h").read_text(encoding="utf-8")
    lengths = [int(word) for word in re.search(r"kMrpcLengths = \{([^}]*)\}", header)[1].split(",")]
    first = len(lengths) // 2 if count == 1 else 0
    return [lengths[i % len(lengths)] for i in itertools.islice(itertools.count(first, 13), count)]


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = torch.nn.Linear(HIDDEN, 3 * HIDDEN)
        self.output = torch.nn.Linear(HIDDEN, HIDDEN)
        self.up = torch.nn.Linear(HIDDEN, FEED_FORWARD)
        self.down = torch.nn.Linear(FEED_FORWARD, HIDDEN)
        self.attention_norm = torch.nn.LayerNorm(HIDDEN, eps=1e-5)
        self.output_norm = torch.nn.LayerNorm(HIDDEN, eps=1e-5)

    def forward(self, x, offsets, longest):
        q, k, v = self.qkv(x).view(-1, 3, HEADS, HIDDEN // HEADS).unbind(1)
        context = varlen_attn(q, k, v, offsets, offsets, longest, longest)
        x = self.attention_norm(x + self.output(context.reshape(-1, HIDDEN)))
        return self.output_norm(x + self.down(F.gelu(self.up(x))))


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(VOCABULARY, HIDDEN)
        self.positions = torch.nn.Embedding(POSITIONS, HIDDEN)
        self.norm = torch.nn.LayerNorm(HIDDEN, eps=1e-5)
        self.layers = torch.nn.ModuleList([Layer() for _ in range(LAYERS)])

    def forward(self, ids, positions, offsets, longest):
        x = self.norm(self.words(ids) + self.positions(positions))
        for layer in self.layers:
            x = layer(x, offsets, longest)
        return x[offsets[:-1].long()].float()


def batch(count):
    lengths = mrpc_lengths(count)
    offsets = torch.tensor([0, *itertools.accumulate(lengths)], dtype=torch.int32, device="cuda")
    positions = torch.cat([torch.arange(2, length + 2) for length in lengths]).cuda()
    ids = torch.randint(4, VOCABULARY, (sum(lengths),), device="cuda")
    return ids, positions, offsets, max(lengths)


def measure(name, forward, count):
    inputs = batch(count)
    times = []
    for run in range(25):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        forward(*inputs)
        end.record()
        end.synchronize()
        if run >= 5:
            times.append(1000 * begin.elapsed_time(end))
    median = statistics.median(times)
    print(json.dumps({"measured": name, "n": count, "tokens": len(inputs[0]), "us": round(median, 1),
                      "us_low": round(min(times), 1), "us_high": round(max(times), 1),
                      "sentences_per_s": round(count / median * 1e6)}), flush=True)


def main():
    print(json.dumps({"device": torch.cuda.get_device_name(), "torch": torch.__version__}), flush=True)
    torch.manual_seed(0)
    model = Encoder().cuda().half().eval()
    with torch.inference_mode():
        compiled = torch.compile(model)
        for count in (32, 208, 1024, 4096):
            measure("packed", model, count)
            measure("packed, compiled", compiled, count)
        measure("packed", model, 1)
        measure("packed, compiled, CUDA graphs", torch.compile(model, mode="reduce-overhead"), 1)


if __name__ == "__main__":
    main()
