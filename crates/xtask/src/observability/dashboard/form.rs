//! The form of Grafana's dashboards, as far as it is used: a field that is not here is refused.

#![expect(dead_code, reason = "most fields are there to be known, and nobody reads them")]

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::observability) struct Dashboard {
    title: String,
    description: String,
    tags: Vec<String>,
    timezone: String,
    editable: bool,
    graph_tooltip: u8,
    schema_version: u16,
    refresh: String,
    time: Time,
    pub(super) templating: Templating,
    pub(super) annotations: Annotations,
    pub(super) panels: Vec<Panel>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Time {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Templating {
    pub(super) list: Vec<Variable>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Variable {
    pub(super) name: String,
    label: String,
    r#type: String,
    query: String,
    current: Option<Current>,
    pub(super) datasource: Option<Source>,
    refresh: Option<u8>,
    sort: Option<u8>,
    multi: Option<bool>,
    include_all: Option<bool>,
    all_value: Option<String>,
}

/// What is chosen at first; where nothing is said, Grafana's default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Current {
    text: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Annotations {
    pub(super) list: Vec<Annotation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Annotation {
    name: String,
    pub(super) datasource: Source,
    enable: bool,
    icon_color: String,
    pub(super) target: Target,
    title_format: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    r#type: String,
    pub(super) uid: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Panel {
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) r#type: PanelType,
    pub(super) grid_pos: Position,
    /// Of a row alone.
    collapsed: Option<bool>,
    panels: Option<[Value; 0]>,
    /// Of everything else.
    #[serde(default)]
    pub(super) description: String,
    pub(super) datasource: Option<Source>,
    #[serde(default)]
    pub(super) targets: Vec<Target>,
    pub(super) field_config: Option<FieldConfig>,
    options: Option<Options>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PanelType {
    Row,
    Stat,
    Timeseries,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    pub(super) h: u32,
    pub(super) w: u32,
    pub(super) x: u32,
    pub(super) y: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Target {
    ref_id: String,
    pub(super) datasource: Source,
    pub(super) expr: String,
    pub(super) legend_format: String,
    instant: Option<bool>,
    range: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldConfig {
    pub(super) defaults: Defaults,
    overrides: [Value; 0],
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Defaults {
    pub(super) unit: String,
    min: Option<f64>,
    max: Option<f64>,
    decimals: Option<u8>,
    no_value: Option<String>,
    color: Color,
    thresholds: Option<Thresholds>,
    custom: Option<Lines>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Color {
    mode: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thresholds {
    mode: String,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    color: String,
    value: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Lines {
    draw_style: String,
    line_width: u8,
    fill_opacity: u8,
    show_points: String,
    span_nulls: bool,
    stacking: Stacking,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stacking {
    mode: String,
    group: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Options {
    Stat(StatOptions),
    Lines(LineOptions),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StatOptions {
    color_mode: String,
    graph_mode: String,
    justify_mode: String,
    text_mode: String,
    reduce_options: ReduceOptions,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReduceOptions {
    calcs: Vec<String>,
    fields: String,
    values: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineOptions {
    legend: Legend,
    tooltip: Tooltip,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Legend {
    display_mode: String,
    placement: String,
    show_legend: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tooltip {
    mode: String,
    sort: String,
}
