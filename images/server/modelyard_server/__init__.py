"""The model server: fetches a model by its digest, and answers the Open Inference Protocol V2 over HTTP.

``fetch`` is the init container, ``serve`` the container. Pure parts: ``manifest`` (what model.json says), ``tensors``
and ``protocol`` (JSON to arrays and back). ``model`` runs ONNX, ``app`` maps paths to answers, ``server`` owns the
process: its socket, its signals, its end.
"""
