"""The neural network: Linear, BatchNorm, ReLU, Dropout per hidden layer, one output, in PyTorch.

Batch normalisation is for fitting only: once fitted it is linear, and is folded into the layers
before they are kept, so the graph is the plain stack of layers.

Class imbalance: the loss takes a weight for defaults, `default_weight`. Weighting by the class ratio
bends every PD, which calibration must then bend back; whether it ranks better shows where both
compete, as in params.yaml.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from training.families.family import LOG_ODDS, Family, Features, Labels, Weights
from training.graph.frontend import FEATURES, IR_VERSION, OPSET

FILE = "network.npz"

# The exporter tells of operators that it cannot offer without torchvision; none is used here.
logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)


class Network:
    """Standardisation and layers as arrays; PyTorch fits and exports them."""

    def __init__(self, mean: Features, deviation: Features, layers: list[tuple[Features, Features]]) -> None:
        self.mean = mean
        self.deviation = deviation
        self.layers = layers
        """(weights [outputs, inputs], bias [outputs]) per layer."""

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log-odds of each row, [rows]."""
        with torch.no_grad():
            out = self._module(1.0, 0.0)(torch.from_numpy(np.ascontiguousarray(features)))
        return np.asarray(out[:, 0].numpy(), dtype=np.float64)

    def save(self, directory: Path) -> None:
        """Write `network.npz`."""
        arrays = {"mean": self.mean, "deviation": self.deviation}
        for number, (weights, bias) in enumerate(self.layers):
            arrays |= {f"weights_{number}": weights, f"bias_{number}": bias}
        np.savez(directory / FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, directory: Path) -> Network:
        """Read `network.npz`."""
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            count = sum(name.startswith("weights_") for name in arrays.files)
            layers = [(arrays[f"weights_{number}"], arrays[f"bias_{number}"]) for number in range(count)]
            return cls(arrays["mean"], arrays["deviation"], layers)

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """Return the graph by PyTorch's exporter, standardisation and calibration folded into the layers."""
        with warnings.catch_warnings():
            # torch copies a class that torch itself has deprecated.
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            program = torch.onnx.export(
                self._module(slope, intercept),
                (torch.zeros(2, len(self.mean)),),
                dynamo=True,
                input_names=[FEATURES],
                output_names=[LOG_ODDS],
                dynamic_shapes=({0: torch.export.Dim("rows")},),
                opset_version=OPSET,
                verbose=False,
            )
        assert program is not None
        model: onnx.ModelProto = program.model_proto
        model.ir_version = IR_VERSION
        return model

    def _module(self, slope: float, intercept: float) -> nn.Sequential:
        """Return the layers with standardisation in the first and `slope`, `intercept` in the last."""
        folded = [(weights.astype(np.float64), bias.astype(np.float64)) for weights, bias in self.layers]
        weights, bias = folded[0]
        folded[0] = (weights / self.deviation, bias - weights @ (self.mean / self.deviation).astype(np.float64))
        weights, bias = folded[-1]
        folded[-1] = (weights * slope, bias * slope + intercept)
        modules: list[nn.Module] = []
        for weights, bias in folded:
            linear = nn.Linear(weights.shape[1], weights.shape[0])
            linear.weight = nn.Parameter(torch.from_numpy(weights.astype(np.float32)))
            linear.bias = nn.Parameter(torch.from_numpy(bias.astype(np.float32)))
            modules += [linear, nn.ReLU()]
        return nn.Sequential(*modules[:-1]).eval()


def fit_network(
    features: Features, labels: Labels, parameters: Mapping[str, Any], seed: int, weights: Weights | None = None
) -> Network:
    """Fit with AdamW on a one-cycle learning rate, and keeps the epoch with the least validation loss.

    Args:
        features: [rows, features].
        labels: [rows].
        parameters: `hidden` (widths), `dropout` (after each hidden layer, halved at each), `epochs`,
            `batch_size`, `learning_rate` (the peak), `weight_decay`, `validation_share`, `patience`
            (epochs without a better validation loss before the fit ends), `default_weight`.
        seed: of the initial weights, the order of rows, dropout and the validation rows.
        weights: [rows], of each row in the loss.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    fitted, held_out = train_test_split(
        np.arange(len(labels)), test_size=parameters["validation_share"], stratify=labels, random_state=seed
    )
    mean = features[fitted].mean(axis=0, dtype=np.float64).astype(np.float32)
    deviation = (features[fitted].std(axis=0, dtype=np.float64) + 1e-6).astype(np.float32)
    inputs = torch.from_numpy((features - mean) / deviation)
    targets = torch.from_numpy(labels.astype(np.float32))

    widths = [features.shape[1], *parameters["hidden"], 1]
    modules: list[nn.Module] = []
    dropout = parameters["dropout"]
    for inner, outer in pairwise(widths[:-1]):
        modules += [nn.Linear(inner, outer), nn.BatchNorm1d(outer), nn.ReLU(), nn.Dropout(dropout)]
        dropout /= 2
    module = nn.Sequential(*modules, nn.Linear(widths[-2], 1))

    size = parameters["batch_size"]
    steps = len(fitted) // size
    if steps == 0:
        raise ValueError(f"batch_size {size} is larger than the {len(fitted)} rows to fit on")
    # Fused, since the plain optimizer takes its square roots from MKL, which rounds them by the machine.
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=parameters["learning_rate"], weight_decay=parameters["weight_decay"], fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, parameters["learning_rate"], total_steps=parameters["epochs"] * steps
    )
    default_weight = torch.tensor(float(parameters["default_weight"]))
    # Without weights of rows the loss is a plain mean: a mean of products would round otherwise.
    every = None if weights is None else torch.from_numpy(weights.astype(np.float32))

    def loss(chosen: torch.Tensor) -> Any:
        return nn.functional.binary_cross_entropy_with_logits(
            module(inputs[chosen])[:, 0],
            targets[chosen],
            weight=None if every is None else every[chosen],
            pos_weight=default_weight,
        )

    rows = torch.from_numpy(fitted)
    least, best, waited = float("inf"), module.state_dict(), 0
    for _ in range(parameters["epochs"]):
        module.train()
        order = rows[torch.randperm(len(rows))]
        for step in range(steps):
            batch = order[step * size : (step + 1) * size]
            optimizer.zero_grad()
            loss(batch).backward()
            optimizer.step()
            schedule.step()
        module.eval()
        with torch.no_grad():
            validation = float(loss(torch.from_numpy(held_out)))
        if validation < least:
            least, waited = validation, 0
            best = {name: values.clone() for name, values in module.state_dict().items()}
        else:
            waited += 1
            if waited >= parameters["patience"]:
                break
    module.load_state_dict(best)
    return Network(mean, deviation, _folded_layers(module.eval()))


def _folded_layers(module: nn.Sequential) -> list[tuple[Features, Features]]:
    """Return weights and bias of each layer, the batch normalisation after it folded in."""
    parts = list(module)
    layers: list[tuple[Features, Features]] = []
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if isinstance(part, nn.Linear):
            linear = fuse_linear_bn_eval(part, following) if isinstance(following, nn.BatchNorm1d) else part
            layers.append((linear.weight.detach().numpy().copy(), linear.bias.detach().numpy().copy()))
    return layers


FAMILY = Family(
    name="network",
    fit=fit_network,
    load=Network.load,
    libraries=("torch", "onnxscript"),
    takes_missing=False,
    has_int8=True,
)
