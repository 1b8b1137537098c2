//! Values, and rows of them, between Rust and PostgreSQL.

use std::error::Error;

use contracts::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::database::Parameter;
use crate::fault::Fault;

/// Milliseconds from the Unix epoch to 2000-01-01, PostgreSQL's own.
const EPOCH_MS: i64 = 946_684_800_000;

/// A `timestamptz`, in the milliseconds of the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Timestamp);

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let micros = (self.0.as_millis() - EPOCH_MS) * 1_000;
        micros.to_sql(&Type::INT8, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_sql(&Type::INT8, raw)?;
        Ok(Self(Timestamp::from_millis(micros.div_euclid(1_000) + EPOCH_MS)))
    }

    accepts!(TIMESTAMPTZ);
}

/// The word of the contract for a value, such as `retrieval` for a kind of step.
pub(crate) fn word(value: impl Serialize) -> Result<String, Fault> {
    match serde_json::to_value(value)? {
        Value::String(word) => Ok(word),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::Unstorable("a value that is no word"))
        }
    }
}

/// The value of a word of the contract.
pub(crate) fn from_word<T: DeserializeOwned>(word: String, what: &'static str) -> Result<T, Fault> {
    serde_json::from_value(Value::String(word)).map_err(|_| Fault::Corrupt(what))
}

/// A row, decoded by the names of its columns.
pub(crate) trait ReadRow: Sized {
    fn read(row: &Row) -> Result<Self, tokio_postgres::Error>;
}

/// The columns of many rows, to be written with one statement through `unnest`.
pub(crate) trait Columns {
    type Row;

    fn push(&mut self, row: Self::Row);

    fn rows(&self) -> usize;

    /// The columns as parameters, in the order of the row's fields.
    fn parameters(&self) -> Vec<Parameter<'_>>;
}

/// Makes a row type, and its columns if they are written.
macro_rules! table {
    ($(#[$doc:meta])* $row:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $row {
            $(pub(crate) $field: $type,)*
        }

        impl $crate::value::ReadRow for $row {
            fn read(row: &::tokio_postgres::Row) -> Result<Self, ::tokio_postgres::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }

    };
    ($(#[$doc:meta])* $row:ident, $columns:ident { $($field:ident: $type:ty,)* }) => {
        $crate::value::table! { $(#[$doc])* $row { $($field: $type,)* } }

        #[derive(Default)]
        pub(crate) struct $columns {
            rows: usize,
            $($field: Vec<$type>,)*
        }

        impl $crate::value::Columns for $columns {
            type Row = $row;

            fn push(&mut self, row: $row) {
                self.rows += 1;
                $(self.$field.push(row.$field);)*
            }

            fn rows(&self) -> usize {
                self.rows
            }

            fn parameters(&self) -> Vec<$crate::database::Parameter<'_>> {
                vec![$(&self.$field),*]
            }
        }
    };
}

pub(crate) use table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_kept_to_the_millisecond() {
        for ms in [-1_500, 0, 1, 946_684_799_999, 1_795_000_000_123] {
            let mut raw = BytesMut::new();
            Time(Timestamp::from_millis(ms)).to_sql(&Type::TIMESTAMPTZ, &mut raw).unwrap();
            let read = Time::from_sql(&Type::TIMESTAMPTZ, &raw).unwrap();
            assert_eq!(read.0.as_millis(), ms);
        }
    }
}
