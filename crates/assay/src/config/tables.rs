//! Tables of a configuration file: things that have a name, each with fields of its own.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::Value;

use super::ConfigError;

/// The fields of one table, taken one by one. What nobody took is no field.
pub(super) struct Fields<'a> {
    /// What the table is called in an error, such as `models.fast`.
    name: String,
    table: toml::Table,
    taken: Vec<(String, String)>,
    errors: &'a mut Vec<ConfigError>,
}

impl<'a> Fields<'a> {
    /// The fields of the table `name`.
    pub(super) fn of(name: String, value: Value, errors: &'a mut Vec<ConfigError>) -> Self {
        let table = match value {
            Value::Table(table) => table,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => {
                errors.push(ConfigError::new(&name, "must be a table"));
                toml::Table::new()
            }
        };
        Self { name, table, taken: Vec::new(), errors }
    }

    /// A text.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        match self.table.remove(field)? {
            Value::String(text) => {
                self.note(field, &text);
                Some(text)
            }
            Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::Table(_) => self.wrong(field, "must be a text"),
        }
    }

    /// A text that says something else.
    pub(super) fn parsed<T>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(field)?;
        parse(&text).map_or_else(|detail| self.wrong(field, detail), Some)
    }

    /// A whole number.
    pub(super) fn whole(&mut self, field: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.table.remove(field)?;
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => {
                self.note(field, &number.to_string());
                Some(number)
            }
            None => {
                let (low, high) = (range.start(), range.end());
                let wanted = format!("must be a whole number from {low} to {high}");
                self.wrong(field, wanted)
            }
        }
    }

    /// A number that need not be whole, from 0 on.
    pub(super) fn amount(&mut self, field: &str, max: f64) -> Option<f64> {
        let value = self.table.remove(field)?;
        let whole = || value.as_integer().and_then(|number| u32::try_from(number).ok());
        let number = value.as_float().or_else(|| whole().map(f64::from));
        match number.filter(|number| (0.0..=max).contains(number)) {
            Some(number) => {
                self.note(field, &number.to_string());
                Some(number)
            }
            None => self.wrong(field, format!("must be an amount from 0 to {max}")),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, field: &str) -> Vec<String> {
        let Some(value) = self.table.remove(field) else { return Vec::new() };
        let texts = value.as_array().and_then(|values| {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        match texts {
            Some(texts) => {
                self.note(field, &texts.join(", "));
                texts
            }
            None => {
                self.wrong::<()>(field, "must be a list of texts");
                Vec::new()
            }
        }
    }

    /// A table of texts that are nobody's business.
    pub(super) fn secrets(&mut self, field: &str) -> BTreeMap<String, String> {
        let Some(value) = self.table.remove(field) else { return BTreeMap::new() };
        let secrets = value.as_table().and_then(|table| {
            let text =
                |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            table.iter().map(text).collect::<Option<BTreeMap<_, _>>>()
        });
        match secrets {
            Some(secrets) => {
                let names: Vec<String> = secrets.keys().map(|name| format!("{name}=***")).collect();
                self.note(field, &names.join(", "));
                secrets
            }
            None => {
                self.wrong::<()>(field, "must be a table of texts");
                BTreeMap::new()
            }
        }
    }

    /// Whether a field is there, and was not taken yet.
    pub(super) fn has(&self, field: &str) -> bool {
        self.table.contains_key(field)
    }

    /// Says what is wrong with all of it.
    pub(super) fn refuse(&mut self, detail: impl Into<String>) {
        self.errors.push(ConfigError::new(&self.name, detail));
    }

    /// Says that a field must be there.
    pub(super) fn missing(&mut self, field: &str, advice: &str) {
        self.wrong::<()>(field, format!("is not set: {advice}"));
    }

    /// Says what is wrong with a field.
    pub(super) fn wrong<T>(&mut self, field: &str, detail: impl Into<String>) -> Option<T> {
        self.errors.push(ConfigError::new(format!("{}.{field}", self.name), detail));
        None
    }

    /// Refuses a field that would hold a secret in clear, whatever it says.
    pub(super) fn never(&mut self, field: &str, advice: &str) {
        if self.table.remove(field).is_some() {
            self.wrong::<()>(field, advice);
        }
    }

    /// Refuses what nobody took. What was taken, with its value, in order.
    pub(super) fn finish(mut self) -> Vec<(String, String)> {
        for field in std::mem::take(&mut self.table).keys() {
            self.wrong::<()>(field, "is no setting of it");
        }
        self.taken
    }

    fn note(&mut self, field: &str, value: &str) {
        self.taken.push((format!("{}.{field}", self.name), value.to_owned()));
    }
}
