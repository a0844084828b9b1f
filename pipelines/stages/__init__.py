"""The stages that dvc.yaml calls, from a source to a model card."""
