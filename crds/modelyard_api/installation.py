"""The installation: the ConfigMap ``modelyard`` in the operator's namespace, read once at start.

Its data has one key, ``installation.yaml``, whose document is an ``Installation``; every field has a default.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import Model, wire_name
from modelyard_api.fields.pods import Resources


class Strict(Model):
    """Refuses unknown fields, so that a typing error ends the operator at start instead of being ignored."""

    model_config = ConfigDict(alias_generator=wire_name, populate_by_name=True, extra="forbid", protected_namespaces=())


class Images(Strict):
    ingest: str = Field("localhost/modelyard/ingest:dev", description="Pods that read the sources of Datasets.")
    runtime: str = Field("localhost/modelyard/runtime:dev", description="Training, evaluation and prediction pods.")
    server: str = Field("localhost/modelyard/server:dev", description="Serving pods.")
    builder: str = Field(
        "localhost/modelyard/builder:dev", description="Pods that look up, build and test a PipelineSource's commits."
    )
    workspace: str = Field("localhost/modelyard/workspace:dev", description="The pods of Workspaces.")


class DefaultResources(Strict):
    """CPU and memory of pods whose spec doesn't set them."""

    run: Resources = Field(
        default_factory=lambda: Resources(requests={"cpu": "100m", "memory": "512Mi"}, limits={"memory": "2Gi"}),
        description="Of ingest, training and evaluation pods [requests 100m and 512Mi, limit 2Gi].",
    )
    server: Resources = Field(
        default_factory=lambda: Resources(requests={"cpu": "100m", "memory": "128Mi"}, limits={"memory": "512Mi"}),
        description="Of serving pods [requests 100m and 128Mi, limit 512Mi].",
    )
    workspace: Resources = Field(
        default_factory=lambda: Resources(requests={"cpu": "100m", "memory": "512Mi"}, limits={"memory": "2Gi"}),
        description="Of the pods of Workspaces, kernels included [requests 100m and 512Mi, limit 2Gi].",
    )


class Installation(Strict):
    tracking_url: str = Field(
        "http://modelyard-tracking.modelyard-system.svc:5000",
        pattern=r"^https?://[^\s/@?#]+$",
        description="The MLflow server: tracking, and artifacts through its proxy, without credentials, since "
        "every pod is told it.",
    )
    tracking_ui_url: str | None = Field(
        None,
        description="Where people reach its pages [trackingURL, or localhost if that is a name within the cluster].",
    )
    images: Images = Field(default_factory=Images, description="The images of the pods that the operator makes.")
    resources: DefaultResources = Field(
        default_factory=DefaultResources, description="CPU and memory of pods that say nothing of their own."
    )
    package_index_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s@?#]+$",
        description="The index that the wheels of scripts come from, without credentials [pip's own, PyPI].",
    )
    gateway_namespace: str = Field("modelyard-system", description="Where Gateways are that name no namespace.")
    namespaces: list[str] = Field(default_factory=list, description="The namespaces that are watched [all].")

    @property
    def tracking_pages(self) -> str:
        """Returns the URL at which people reach the tracking server's pages.

        Nobody can open a name that only the cluster's DNS knows. For that one it is ``localhost``, to which
        ``kubectl port-forward`` brings the Service.
        """
        if self.tracking_ui_url:
            return self.tracking_ui_url
        url = urlsplit(self.tracking_url)
        host = url.hostname or ""
        if "." in host and not host.endswith((".svc", ".svc.cluster.local")):
            return self.tracking_url
        return f"{url.scheme}://localhost" + (f":{url.port}" if url.port else "")
