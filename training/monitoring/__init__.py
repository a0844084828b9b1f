"""How a model that serves does: drift, realised performance, champion against challenger."""
