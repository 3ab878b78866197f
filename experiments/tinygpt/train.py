"""A byte-level GPT in one file, to be improved.

`train` leaves weights.npz; `log_probs` answers what comes next.

The evaluator calls these two functions, in different processes. It fixes the data, the seed, the
context length and the budget (`tokens` on a CPU, `seconds` on a GPU); everything else in this file
is free. program.md states the contract.
"""

import functools
import math
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCABULARY = 256  # bytes, fixed by the evaluator

# Model
N_LAYER = 2
N_EMBD = 64
N_HEAD = 4
MLP_RATIO = 4.0
ACTIVATION = "gelu"  # any of torch.nn.functional: gelu, relu, silu, ...
DROPOUT = 0.0
BIAS = True
TIE_WEIGHTS = False
INIT_STD = 0.02

# Optimisation
BATCH_SIZE = 16
LEARNING_RATE = 1e-3
WARMUP = 0.05  # share of the budget
FINAL_LR = 0.1  # share of LEARNING_RATE at the end of the cosine
WEIGHT_DECAY = 0.1  # matrices only
BETA1 = 0.9
BETA2 = 0.95
EPSILON = 1e-8
GRAD_CLIP = 1.0

# What a GPU takes instead: 300 seconds want a larger model
CUDA_N_LAYER = 8
CUDA_N_EMBD = 512
CUDA_N_HEAD = 8
CUDA_BATCH_SIZE = 128
CUDA_LEARNING_RATE = 6e-4
CUDA_DROPOUT = 0.1

LOG_EVERY = 10


class Attention(nn.Module):
    """Causal self-attention; any width goes with any number of heads."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.size = max(1, width // heads)
        self.dropout = dropout
        self.qkv = nn.Linear(width, 3 * heads * self.size, bias=BIAS)
        self.out = nn.Linear(heads * self.size, width, bias=BIAS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, _ = x.shape
        q, k, v = (
            self.qkv(x).view(B, T, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        )  # each (B, heads, T, size)
        y = F.scaled_dot_product_attention(
            q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0
        )
        return self.out(y.transpose(1, 2).reshape(B, T, -1))  # (B, T, width)


class Block(nn.Module):
    """Pre-norm: x + attention, then x + MLP."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        hidden = int(MLP_RATIO * width)
        self.norm1 = nn.LayerNorm(width, bias=BIAS)
        self.norm2 = nn.LayerNorm(width, bias=BIAS)
        self.attention = Attention(width, heads, dropout)
        self.up = nn.Linear(width, hidden, bias=BIAS)
        self.down = nn.Linear(hidden, width, bias=BIAS)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.drop(self.attention(self.norm1(x)))  # (B, T, width)
        return x + self.drop(self.down(getattr(F, ACTIVATION)(self.up(self.norm2(x)))))


class GPT(nn.Module):
    """Bytes `(B, T)` to logits `(B, T, 256)`."""

    def __init__(self, context: int, layers: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=BIAS)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                residual = name.endswith(
                    ("out.weight", "down.weight")
                )  # GPT-2: quieter where blocks add up
                nn.init.normal_(p, std=INIT_STD / math.sqrt(2 * layers) if residual else INIT_STD)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        if TIE_WEIGHTS:
            self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) + self.position.weight[: tokens.shape[1]]  # (B, T, width)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))  # (B, T, 256)


class AdamW:
    """Written out.

    A few lines, and the first step of torch.optim's would import torch._dynamo for 3 seconds.
    """

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.state = [(p, torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        self.t = 0

    @torch.no_grad()
    def step(self, lr: float) -> None:
        self.t += 1
        c1 = 1 - BETA1**self.t
        c2 = 1 - BETA2**self.t
        for p, m, v in self.state:
            m.lerp_(p.grad, 1 - BETA1)
            v.mul_(BETA2).addcmul_(p.grad, p.grad, value=1 - BETA2)
            if p.dim() >= 2:
                p.mul_(1 - lr * WEIGHT_DECAY)
            p.addcdiv_(m, (v / c2).sqrt_().add_(EPSILON), value=-lr / c1)


@torch.no_grad()
def clip_gradients(parameters: list[nn.Parameter], limit: float) -> None:
    norm = torch.stack([p.grad.norm() for p in parameters]).norm()
    scale = (limit / (norm + 1e-6)).clamp(max=1.0)
    for p in parameters:
        p.grad.mul_(scale)


def schedule(progress: float) -> float:
    """Learning rate as a share of the peak; `progress` is the share of the budget that is spent."""
    if progress < WARMUP:
        return (progress + 1e-3) / (WARMUP + 1e-3)
    along = (progress - WARMUP) / max(1e-9, 1 - WARMUP)
    return FINAL_LR + (1 - FINAL_LR) * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))


def train(task: dict) -> None:
    """Trains within the task's budget and saves weights.npz in the current folder.

    task: data (path of the training bytes), seed, context, device ("cpu" or "cuda"), tokens (CPU
        budget: training tokens;
    0 on a GPU), seconds (GPU budget: wall clock; 0 on a CPU).
    """
    torch.manual_seed(task["seed"])
    device = task["device"]
    T = task["context"]
    cuda = task["device"] == "cuda"
    shape = (
        (CUDA_N_LAYER, CUDA_N_EMBD, CUDA_N_HEAD, CUDA_DROPOUT)
        if cuda
        else (N_LAYER, N_EMBD, N_HEAD, DROPOUT)
    )
    B, peak = (CUDA_BATCH_SIZE, CUDA_LEARNING_RATE) if cuda else (BATCH_SIZE, LEARNING_RATE)
    if not cuda:
        torch.set_num_threads(1)  # the same seed gives the same bits

    model = GPT(T, *shape).to(device)
    forward = compile_model(model) if cuda else model
    parameters = list(model.parameters())
    optimizer = AdamW(parameters)
    data = torch.from_numpy(np.fromfile(task["data"], dtype=np.uint8)).to(device)  # (bytes,)
    window = torch.arange(T + 1, device=device)

    steps = max(1, task["tokens"] // (B * T))
    step = 0
    average = 0.0
    started = time.perf_counter()
    while True:
        progress = (time.perf_counter() - started) / task["seconds"] if cuda else step / steps
        if progress >= 1:
            break
        starts = torch.randint(len(data) - T, (B, 1), device=device)
        rows = data[starts + window].long()  # (B, T + 1)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=cuda):
            logits = forward(rows[:, :-1])  # (B, T, 256)
        loss = F.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        loss.backward()
        clip_gradients(parameters, GRAD_CLIP)
        lr = peak * schedule(progress)
        optimizer.step(lr)
        if cuda and step == 0:
            started = time.perf_counter()  # compiling is not charged, as in autoresearch
        if step % LOG_EVERY == 0:
            average = loss.item() if step == 0 else 0.7 * average + 0.3 * loss.item()
            print(
                f"step {step:05d} | loss: {average:.4f} | lr: {lr:.2e} | progress: "
                f"{min(1.0, progress):.3f}",
                flush=True,
            )
        step += 1

    weights = {name: p.detach().float().cpu().numpy() for name, p in model.named_parameters()}
    np.savez("weights.npz", shape=np.array([T, *shape[:3]]), **weights)


def compile_model(model: nn.Module) -> nn.Module:
    """The model through torch.compile; eager where this machine cannot compile."""
    import torch._dynamo

    torch.set_float32_matmul_precision("high")
    torch._dynamo.config.suppress_errors = True
    return torch.compile(model)


@functools.cache
def load(path: str) -> nn.Module:
    with np.load(path, allow_pickle=False) as file:
        context, layers, width, heads = (int(n) for n in file["shape"])
        model = GPT(context, layers, width, heads, dropout=0.0)
        model.load_state_dict(
            {name: torch.from_numpy(file[name]) for name in file.files if name != "shape"},
            strict=not TIE_WEIGHTS,
        )
    torch.set_num_threads(1 if not torch.cuda.is_available() else torch.get_num_threads())
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


@torch.no_grad()
def log_probs(weights_path: str, tokens: np.ndarray) -> np.ndarray:
    """Natural log-probabilities of the next byte after every position.

    `(B, T)` integers to `(B, T, 256)` float32.
    """
    model = load(weights_path)
    logits = model(
        torch.from_numpy(tokens).long().to(model.head.weight.device)
    )  # (B, T, 256), in float32 on every device
    return torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
