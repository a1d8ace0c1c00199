"""The kinds of panels and variables that the dashboards are made of, by Grafana's foundation SDK."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
RATE = "$__rate_interval"
HEIGHT = 7
Panels = Sequence[stat.Panel | table.Panel | timeseries.Panel]


def new(uid: str, title: str, about: str) -> dashboard.Dashboard:
    """Returns an empty dashboard of the last six hours, with a variable for the Prometheus that it asks."""
    board = dashboard.Dashboard(title).uid(uid).description(about).tags(["modelyard"]).editable()
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    return board.time("now-6h", "now").refresh("30s").timezone("browser").with_variable(source)


def filled(board: dashboard.Dashboard, rows: Mapping[str, Panels]) -> dashboard.Dashboard:
    """Returns the dashboard with these rows of panels below their titles."""
    ids = itertools.count(1)
    for title, panels in rows.items():
        board = board.with_row(dashboard.Row(title).id(next(ids)))
        for panel in panels:
            board = board.with_panel(panel.id(next(ids)))
    return board


def names(name: str, label: str, of: str, metric: str, *, several: bool = False) -> dashboard.QueryVariable:
    """Returns a variable with the values of the label ``of`` in the series of a metric."""
    variable = dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(f"label_values({metric}, {of})")
    variable = variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.multi(True).include_all(True).all_value(".*") if several else variable


def graph(title: str, about: str, *series: tuple[str, str], unit: str = "short", span: int = 8) -> timeseries.Panel:
    """Returns a panel of lines over time. ``series`` are pairs of a legend and an expression."""
    panel = timeseries.Panel().title(title).description(about).datasource(SOURCE).unit(unit).span(span).height(HEIGHT)
    panel = panel.min(0).fill_opacity(8)
    for number, (legend, expression) in enumerate(series):
        panel = panel.with_target(_query(number, expression).legend_format(legend))
    return panel


def number(
    title: str, about: str, expression: str, *, none: str = "0", alarming: bool = False, unit: str = "short"
) -> stat.Panel:
    """Returns a panel with the newest value, red above zero if that is ``alarming``. ``none`` stands for no series."""
    panel = stat.Panel().title(title).description(about).datasource(SOURCE).unit(unit).span(6).height(4).no_value(none)
    steps = [Threshold(value=None, color="green")] + ([Threshold(value=1e-6, color="red")] if alarming else [])
    limits = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    return panel.thresholds(limits).with_target(_query(0, expression).instant())


def listing(title: str, about: str, expression: str, *columns: str, value: str = "", span: int = 24) -> table.Panel:
    """Returns a table of the newest series: the columns are labels, and ``value`` names the last one's column."""
    shown = {name: place for place, name in enumerate((*columns, *(["Value"] if value else [])))}
    arrange = {"indexByName": shown, "renameByName": {"Value": value}, "includeByName": dict.fromkeys(shown, True)}
    panel = table.Panel().title(title).description(about).datasource(SOURCE).span(span).height(HEIGHT)
    panel = panel.with_target(_query(0, expression).instant().format(PromQueryFormat.TABLE)).no_value("none")
    return panel.with_transformation(DataTransformerConfig(id_val="organize", options=arrange))


def _query(number: int, expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id("ABCDEFGH"[number]).datasource(SOURCE).expr(expression)
