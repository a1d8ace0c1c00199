"""Model: registers the versions that runs have made, and says which one is champion."""
