"""The stages that dvc.yaml and the Makefile call, each a thin command over training and scoring."""
