"""How a ModelDeployment moves from one version to the next: strategy, steps, and the analysis of each step."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import Duration, Model, ObjectName, rule, rules

Strategy = Literal["Rolling", "Canary", "BlueGreen", "Shadow", "ABTest"]
AnalysisMetricName = Literal[
    "ErrorRate", "LatencyP50", "LatencyP95", "LatencyP99", "PredictionShift", "InputShift", "Disagreement"
]
Weight = Annotated[int, Field(ge=0, le=100)]
HeaderName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$")]
HeaderValue = Annotated[str, Field(min_length=1, max_length=256)]


class Step(Model):
    """The candidate's share of the traffic, and for how long."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.pause) != self.untilPromoted",
                "write exactly one of pause (a duration) and untilPromoted: true (until spec.rollout.promote)",
            )
        )
    )

    weight: Weight = Field(description="Percent of the requests that the candidate gets, or sees with Shadow.")
    pause: Duration | None = Field(None, description="How long the step takes at least, for example 60s.")
    until_promoted: bool = Field(False, description="True: the step takes until promote names the candidate.")


class AnalysisMetric(Model):
    """One property of the candidate that is judged against a limit or against the stable version."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.max) != has(self.maxRatioToStable)", "write exactly one of max and maxRatioToStable"),
            rule(
                "!has(self.maxRatioToStable) || self.metric == 'ErrorRate' || self.metric.startsWith('Latency')",
                "maxRatioToStable is for ErrorRate and latencies; the other metrics compare with the stable version "
                "already: write max",
                ".maxRatioToStable",
            ),
            rule(
                "!has(self.max) || self.metric.startsWith('Latency') || self.max <= 1.0",
                "max of this metric is a share between 0 and 1",
                ".max",
            ),
            rule(
                "!has(self.tolerance) || self.metric == 'Disagreement'",
                "tolerance is for metric Disagreement: the other metrics have max or maxRatioToStable alone",
                ".tolerance",
            ),
        )
    )

    name: str = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", description="Its name.")
    metric: AnalysisMetricName = Field(
        description="ErrorRate (share of answers with a code of 500 and more, and of 4xx as far as the stable "
        "version has fewer), LatencyP50, P95, P99 (seconds), PredictionShift and InputShift (the greatest distance "
        "between the two versions' distributions of an output or an input, 0 to 1), Disagreement (share of the "
        "requests that both answered, by the same id, and differently: another label, or of models without labels "
        "another number; Shadow only)."
    )
    max: float | None = Field(None, ge=0, description="The greatest value that passes.")
    max_ratio_to_stable: float | None = Field(
        None, ge=1, description="The greatest ratio to the stable version's value that passes."
    )
    tolerance: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Of Disagreement: numbers differ when they are further apart than so many times the greater one "
        "[0.01].",
    )


class Analysis(Model):
    every: Duration = Field("10s", description="How often the candidate is judged.")
    failure_limit: int = Field(2, ge=1, le=100, description="After so many failed judgements it is rolled back.")
    min_requests: int = Field(
        50, ge=1, le=1_000_000, description="Requests that the candidate must have answered before a verdict."
    )
    metrics: Annotated[
        list[AnalysisMetric],
        Field(
            max_length=16, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
        ),
    ] = Field(default_factory=list, description="All must hold.")


class ABTest(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.headers) || has(self.stickyBy)", "write headers, stickyBy or both"),
            rule(
                "!has(self.headers) || self.headers.all(name, name.matches('^[a-z0-9-]{1,64}$'))",
                "a header's name has lower-case letters, digits and '-' only, 64 at most",
                ".headers",
            ),
            rule(
                "!has(self.headers) || !has(self.stickyBy) || !(self.stickyBy in self.headers)",
                "stickyBy and headers name the same header: its value can't choose the version in both ways",
                ".stickyBy",
            ),
        )
    )

    headers: Annotated[dict[str, HeaderValue], Field(json_schema_extra={"maxProperties": 8})] | None = Field(
        None, description="Requests with all of these headers, by lower-case name and exact value, get the candidate."
    )
    sticky_by: HeaderName | None = Field(
        None,
        description="Of other requests, the step's weight of all values of this header get the candidate, each "
        "value always the same version. Needs a gateway of Envoy Gateway.",
    )


DEFAULT_STEPS = {
    "Rolling": (),
    "Canary": (Step(weight=10, pause="60s"), Step(weight=50, pause="60s")),
    "BlueGreen": (Step(weight=100, pause="30s"),),
    "Shadow": (Step(weight=100, pause="60s"),),
    "ABTest": (Step(weight=50, until_promoted=True),),
}


class Rollout(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.strategy != 'ABTest' || has(self.abTest)",
                "strategy ABTest needs abTest: headers, stickyBy or both",
                ".abTest",
            ),
            rule("self.strategy == 'ABTest' || !has(self.abTest)", "abTest is for strategy ABTest", ".abTest"),
            rule(
                "self.strategy != 'Rolling' || !has(self.steps) || self.steps.size() == 0",
                "strategy Rolling has no steps: it replaces pods as the new ones get ready; write Canary for steps",
                ".steps",
            ),
            rule(
                "self.strategy != 'BlueGreen' || !has(self.steps) || "
                "self.steps.all(step, step.weight == 0 || step.weight == 100)",
                "a step of BlueGreen has weight 0 (a preview) or 100",
                ".steps",
            ),
            rule(
                "!has(self.promote) || !has(self.abort) || self.promote != self.abort",
                "promote and abort name the same version",
                ".abort",
            ),
            rule(
                "self.strategy == 'Shadow' || !has(self.analysis) || !has(self.analysis.metrics) || "
                "!self.analysis.metrics.exists(item, item.metric == 'Disagreement')",
                "metric Disagreement is for strategy Shadow: with the others no request is answered by both versions",
                ".analysis.metrics",
            ),
        )
    )

    strategy: Strategy = Field(
        "Rolling",
        description="Rolling: pod by pod. Canary: a growing share of the traffic. BlueGreen: all at once, when all new "
        "pods are ready. Shadow: the candidate gets copies of requests, its answers are discarded. ABTest: by header.",
    )
    steps: Annotated[
        list[Step],
        Field(
            max_length=20,
            json_schema_extra=rules(
                rule(
                    "self.map(step, step.weight).isSorted() && "
                    "self.all(step, self.exists_one(other, other.weight == step.weight))",
                    "the weights of steps must rise: a candidate that should get less is aborted",
                )
            ),
        ),
    ] = Field(
        default_factory=list,
        description="In order; after the last the candidate gets everything [Canary: 10 and 50 percent for 60s each; "
        "BlueGreen and Shadow: 100 percent for 30s and 60s; ABTest: 50 percent until promoted].",
    )
    analysis: Analysis = Field(default_factory=Analysis, description="How the candidate is judged at each step.")
    ab_test: ABTest | None = Field(None, description="Who gets the candidate.")
    paused: bool = Field(False, description="True: the rollout stays where it is; the analysis goes on.")
    promote: int | None = Field(None, ge=1, description="This candidate goes to 100 percent now.")
    abort: int | None = Field(None, ge=1, description="This candidate goes, and isn't tried again.")

    @property
    def effective_steps(self) -> tuple[Step, ...]:
        return tuple(self.steps) or DEFAULT_STEPS[self.strategy]


class GatewayRef(Model):
    """The Gateway through which clients outside the cluster, and weighted traffic, come."""

    name: ObjectName = Field(description="Its name.")
    namespace: ObjectName | None = Field(None, description="Its namespace [the installation's].")
    hostname: str = Field(
        min_length=1,
        max_length=253,
        pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        description="The hostname under which this deployment is reached.",
    )


class Autoscaling(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self.minReplicas <= self.maxReplicas", "minReplicas must not be greater than maxReplicas")
        )
    )

    min_replicas: int = Field(1, ge=1, le=1000, description="Pods at least.")
    max_replicas: int = Field(ge=1, le=1000, description="Pods at most.")
    metric: Literal["CPU", "Concurrency"] = Field(
        "CPU", description="CPU: percent of the requested cpu. Concurrency: requests in flight a pod, by KEDA."
    )
    target: int = Field(60, ge=1, le=10_000, description="The metric's wanted average over the pods.")
