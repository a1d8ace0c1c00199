"""The model server: fetches models by their digests, and answers the Open Inference Protocol V2 over HTTP and gRPC.

``fetch`` is the init container, ``serve`` the container. Pure parts: ``manifest`` (what model.json says), ``tensors``,
``binary`` and ``protocol`` (a request's tensors to arrays), ``rest`` and ``rpc.convert`` (bodies and messages to
tensors and back), ``openapi``. ``model`` is the interface of a loaded model, ``models`` holds the served models,
``engine`` answers requests, ``app`` and ``rpc.service`` map paths and calls to it, ``rpc.listener`` owns gRPC's port,
``server`` owns the process: its sockets, its signals and its shutdown.
"""
