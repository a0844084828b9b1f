"""The parameters of every family, typed: `params.yaml` is checked with them before anything is fitted.

No library that fits models is imported here. A parameter that is left out has its library's own default; the seed and
the number of threads are set by the families themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Count = Annotated[int, Field(ge=1)]
Above = Annotated[float, Field(gt=0)]
NotBelow = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]


class Parameters(BaseModel):
    """The values that `params.yaml` may give one family, strictly: a text is no number, and no other name is known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LogisticParameters(Parameters):
    """Parameters of `training.families.logistic`."""

    C: Above = Field(description="inverse strength of the L2 penalty on standardised features")


class NetworkParameters(Parameters):
    """Parameters of `training.families.network`."""

    hidden: Annotated[list[Count], Field(min_length=1)] = Field(description="widths of the hidden layers")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="after the first hidden layer; half of it after each further one"
    )
    epochs: Count = Field(description="at most")
    batch_size: Annotated[int, Field(ge=2)] = Field(description="rows of one step")
    learning_rate: Above = Field(description="the peak of its one cycle")
    weight_decay: NotBelow = Field(description="of AdamW")
    validation_share: Annotated[float, Field(gt=0, lt=1)] = Field(description="rows held out to end the fit early")
    patience: Count = Field(description="epochs without a lower validation loss before the fit ends")
    default_weight: Above = Field(description="weight of a default in the loss")


class BoostingParameters(Parameters):
    """Parameters of `training.families.boosting`, by LightGBM."""

    n_estimators: Count = Field(100, description="trees")
    learning_rate: Above = Field(0.1, description="weight of each tree")
    num_leaves: Annotated[int, Field(ge=2)] = Field(31, description="leaves of a tree at most")
    max_depth: int = Field(-1, description="of a tree; no limit by 0 and below")
    min_child_samples: Annotated[int, Field(ge=0)] = Field(20, description="rows of a leaf at least")
    min_child_weight: NotBelow = Field(0.001, description="sum of the loss's curvature in a leaf at least")
    min_split_gain: NotBelow = Field(0.0, description="gain of a split at least")
    colsample_bytree: Fraction = Field(1.0, description="features drawn for each tree")
    subsample: Fraction = Field(1.0, description="rows drawn; needs `subsample_freq`")
    subsample_freq: Annotated[int, Field(ge=0)] = Field(0, description="trees after which rows are drawn anew; 0 never")
    reg_alpha: NotBelow = Field(0.0, description="L1 penalty on leaves")
    reg_lambda: NotBelow = Field(0.0, description="L2 penalty on leaves")
    max_bin: Annotated[int, Field(ge=2)] = Field(255, description="bins of a feature at most")
    scale_pos_weight: Above = Field(1.0, description="weight of a default in the loss")
    extra_trees: bool = Field(False, description="one random threshold for each feature")


class CatBoostParameters(Parameters):
    """Parameters of `training.families.catboost`."""

    iterations: Count = Field(1000, description="trees")
    depth: Annotated[int, Field(ge=1, le=16)] = Field(6, description="of every tree")
    learning_rate: Above | None = Field(None, description="weight of each tree; CatBoost's own choice if left out")
    l2_leaf_reg: NotBelow = Field(3.0, description="L2 penalty on leaves")
    rsm: Fraction = Field(1.0, description="features drawn for each split")
    bootstrap_type: Literal["Bayesian", "Bernoulli", "MVS", "Poisson", "No"] | None = Field(
        None, description="how rows are drawn; CatBoost's own choice if left out"
    )
    subsample: Fraction | None = Field(None, description="rows drawn, by `Bernoulli`, `MVS` and `Poisson`")
    bagging_temperature: NotBelow | None = Field(None, description="how unequal the weights of `Bayesian` are")
    random_strength: NotBelow = Field(1.0, description="randomness in the choice of splits")
    border_count: Annotated[int, Field(ge=1, le=65_535)] = Field(254, description="thresholds of a feature at most")
    scale_pos_weight: Above = Field(1.0, description="weight of a default in the loss")


Features = Count | Fraction | Literal["sqrt", "log2"] | None
RowsOrShare = Count | Annotated[float, Field(gt=0, lt=1)]


class ForestParameters(Parameters):
    """Parameters of `training.families.forest`, by scikit-learn."""

    n_estimators: Count = Field(100, description="trees")
    criterion: Literal["gini", "entropy", "log_loss"] = Field("gini", description="what a split is judged by")
    max_depth: Count | None = Field(None, description="of a tree; no limit if left out")
    min_samples_split: Annotated[int, Field(ge=2)] | Fraction = Field(
        2, description="rows of a node that is split at least; a fraction is of all"
    )
    min_samples_leaf: RowsOrShare = Field(1, description="rows of a leaf at least; a fraction is of all")
    max_features: Features = Field("sqrt", description="features tried for a split; a fraction is of all")
    max_leaf_nodes: Annotated[int, Field(ge=2)] | None = Field(None, description="leaves of a tree at most")
    min_impurity_decrease: NotBelow = Field(0.0, description="gain of a split at least")
    bootstrap: bool = Field(True, description="whether each tree has rows drawn with replacement")
    max_samples: Count | Fraction | None = Field(None, description="rows drawn for a tree; a fraction is of all")
    ccp_alpha: NotBelow = Field(0.0, description="cost of a leaf when trees are pruned")


class GradientBoostingParameters(Parameters):
    """Parameters of `training.families.gradient_boosting`, by scikit-learn."""

    n_estimators: Count = Field(100, description="trees")
    learning_rate: Above = Field(0.1, description="weight of each tree")
    subsample: Fraction = Field(1.0, description="rows drawn for each tree")
    max_depth: Count | None = Field(3, description="of a tree")
    min_samples_split: Annotated[int, Field(ge=2)] | Fraction = Field(
        2, description="rows of a node that is split at least; a fraction is of all"
    )
    min_samples_leaf: RowsOrShare = Field(1, description="rows of a leaf at least; a fraction is of all")
    max_features: Features = Field(None, description="features tried for a split, or a fraction; all if left out")
    max_leaf_nodes: Annotated[int, Field(ge=2)] | None = Field(None, description="leaves of a tree at most")
    min_impurity_decrease: NotBelow = Field(0.0, description="gain of a split at least")
    ccp_alpha: NotBelow = Field(0.0, description="cost of a leaf when trees are pruned")


PARAMETERS: dict[str, type[Parameters]] = {
    "boosting": BoostingParameters,
    "catboost": CatBoostParameters,
    "forest": ForestParameters,
    "gradient_boosting": GradientBoostingParameters,
    "logistic": LogisticParameters,
    "network": NetworkParameters,
}
"""By the name of the family."""


def broken_parameters(family: str, given: Mapping[str, Any], search: Mapping[str, list[Any]]) -> list[str]:
    """Return what is wrong with a candidate's parameters and the choices of its search, a line each.

    Args:
        family: one that `PARAMETERS` knows.
        given: values by name.
        search: choices by name, of which one takes the place of a value.
    """
    model = PARAMETERS[family]
    found = [f"search.{name}: there are no choices" for name, choices in search.items() if not choices]
    drawn = {name: choices for name, choices in search.items() if choices}
    found += _broken(model, "parameters", dict(given), ignored=set(drawn))
    for name, choices in drawn.items():
        for choice in choices:
            found += [
                line
                for line in _broken(model, "search", {name: choice}, ignored=set(model.model_fields) - {name})
                if line not in found
            ]
    return found


def _broken(model: type[Parameters], where: str, values: dict[str, Any], ignored: set[str]) -> list[str]:
    """Return the broken rules of some values; what is missing among the ignored names is no fault."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        names = ", ".join(model.model_fields)
        problems: dict[str, list[str]] = {}
        for item in error.errors():
            name = str(item["loc"][0])
            if not (item["type"] == "missing" and name in ignored):
                unknown = item["type"] == "extra_forbidden"
                problems.setdefault(name, []).append(
                    f"there is no such parameter; there are: {names}" if unknown else item["msg"]
                )
        return [f"{where}.{name}: {' or '.join(dict.fromkeys(found))}" for name, found in problems.items()]
    return []
