"""The Open Inference Protocol V2 over gRPC, in the process and on the event loop of the REST server.

``messages`` has its protocol buffers, ``convert`` turns them into requests and answers (pure), ``service`` answers the
calls, ``health`` is gRPC's own health check, ``listener`` is the gRPC server.
"""
