#!/usr/bin/env python3
"""The transformer of bench_learn.c in PyTorch: seconds that a step takes, with one thread and with two.

Four encoder layers over 64 rows, four decoder layers that ask them 64 questions, 256 wide, eight heads, 1024 between,
ReLU, norms behind, no dropout; a batch of 64, |error|, AdamW, gradients clipped. The least of several steps, as there.
Prints "THREADS CPU_SECONDS WALL_SECONDS" a line.
"""
import os
import subprocess
import sys
import time

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit(3)

BATCH, ROWS, STEPS, WIDTH, CHANNELS, STATE, ACTION = 64, 64, 64, 256, 32, 32, 14
TURNS = 7


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        shape = {"d_model": WIDTH, "nhead": 8, "dim_feedforward": 1024, "dropout": 0.0, "batch_first": True}
        self.latent, self.state = nn.Linear(32, WIDTH), nn.Linear(STATE, WIDTH)
        self.tokens, self.head = nn.Linear(CHANNELS, WIDTH), nn.Linear(WIDTH, ACTION)
        self.places = nn.Parameter(torch.randn(ROWS, WIDTH))
        self.queries = nn.Parameter(torch.randn(STEPS, WIDTH))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**shape), 4)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**shape), 4, nn.LayerNorm(WIDTH))

    def forward(self, state, tokens):
        latent = self.latent(torch.zeros(len(state), 1, 32))
        rows = torch.cat([latent, self.state(state).unsqueeze(1), self.tokens(tokens)], 1) + self.places
        return self.head(self.decoder(self.queries.expand(len(state), -1, -1), self.encoder(rows)))


def step_s(n_threads):
    """CPU and wall seconds of a step, the least of several."""
    torch.manual_seed(1)
    torch.set_num_threads(n_threads)
    policy = Policy()
    optimiser = torch.optim.AdamW(policy.parameters(), lr=1e-4, weight_decay=1e-4)
    state, tokens = torch.randn(BATCH, STATE), torch.randn(BATCH, ROWS - 2, CHANNELS)
    actions = torch.randn(BATCH, STEPS, ACTION)
    cpu, wall = [], []
    for _ in range(TURNS):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        (policy(state, tokens) - actions).abs().mean().backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 10)
        optimiser.step()
        cpu.append(time.process_time() - begin_cpu)
        wall.append(time.perf_counter() - begin)
    return min(cpu), min(wall)


def main():
    if len(sys.argv) > 1:
        print(*step_s(int(sys.argv[1])))
        return 0
    # Its products have threads of their own (OpenBLAS): with two, whichever way is faster counts.
    for n_threads, ways in ((1, ["1 1"]), (2, ["2 1", "1 2", "2 2"])):
        steps = []
        for way in ways:
            own, products = way.split()
            done = subprocess.run([sys.executable, __file__, own], capture_output=True, text=True, check=True,
                                  env=dict(os.environ, OMP_NUM_THREADS=own, OPENBLAS_NUM_THREADS=products))
            steps.append([float(x) for x in done.stdout.split()])
        print(n_threads, *min(steps, key=lambda step: step[1]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
