"""The model families by name."""

from __future__ import annotations

from training.families import boosting, catboost, forest, logistic, network

FAMILIES = {
    family.name: family for family in (network.FAMILY, boosting.FAMILY, catboost.FAMILY, forest.FAMILY, logistic.FAMILY)
}
