"""The stages that dvc.yaml and the Makefile call, each a thin command over training and scoring."""

import training  # noqa: F401 - sets how the numeric libraries round, which has to come before they load
