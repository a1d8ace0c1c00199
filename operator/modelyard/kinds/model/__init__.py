"""Model: registers the models that runs have trained as versions, and chooses the champion."""
