//! Reading query parameters: every one is known, given once and valid, or the request is refused.

use std::str::FromStr;

use actix_web::web;
use contracts::Code;

use crate::problem::ApiError;

/// The parameters of a request; they are taken out one by one, what is left is unknown.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The parameter that carries a ticket.
    pub(crate) const TICKET: &'static str = "ticket";

    /// The parameters of this query string.
    pub(crate) fn of(query: &str) -> Result<Self, ApiError> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|_| ApiError::invalid("The query string cannot be read."))?;
        Ok(Self(pairs.into_inner()))
    }

    /// The value of a parameter, as text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(index) = self.0.iter().position(|(given, _)| given == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(index);
        if self.0.iter().any(|(given, _)| given == name) {
            return Err(ApiError::invalid(format!("The parameter {name} is given twice.")));
        }
        Ok(Some(value))
    }

    /// The value of a parameter; `kind` says what it must be.
    pub(crate) fn parse<T: FromStr>(
        &mut self,
        name: &str,
        kind: &str,
    ) -> Result<Option<T>, ApiError> {
        let refused = |_| ApiError::invalid(format!("The parameter {name} must be {kind}."));
        self.text(name)?.map(|value| value.parse().map_err(refused)).transpose()
    }

    /// The value of a whole number within a range.
    pub(crate) fn number(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, ApiError> {
        let kind = format!("a whole number from {} to {}", range.start(), range.end());
        let number = self.parse(name, &kind)?;
        match number {
            Some(number) if !range.contains(&number) => {
                Err(ApiError::invalid(format!("The parameter {name} must be {kind}.")))
            }
            Some(_) | None => Ok(number),
        }
    }

    /// Takes out the parameters whose names begin so, without that beginning.
    pub(crate) fn prefixed(&mut self, prefix: &str) -> Result<Vec<(String, String)>, ApiError> {
        let mut found: Vec<(String, String)> = Vec::new();
        for (name, value) in std::mem::take(&mut self.0) {
            match name.strip_prefix(prefix) {
                Some(rest) if found.iter().any(|(known, _)| known == rest) => {
                    return Err(ApiError::invalid(format!("The parameter {name} is given twice.")));
                }
                Some(rest) => found.push((rest.to_owned(), value)),
                None => self.0.push((name, value)),
            }
        }
        Ok(found)
    }

    /// Refuses what was not taken out.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            // Whoever shows a ticket is bound by it, and here it allows nothing.
            Some((name, _)) if name == Self::TICKET => {
                let detail = "A ticket lets its bearer read jobs and streams, and nothing else.";
                Err(ApiError::new(Code::Forbidden, detail))
            }
            Some((name, _)) => {
                let name: String = name.chars().take(100).collect();
                Err(ApiError::invalid(format!("There is no parameter {name:?} here.")))
            }
        }
    }
}

/// Refuses every parameter.
pub(crate) fn none(query: &str) -> Result<(), ApiError> {
    Parameters::of(query)?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_known_and_given_once() {
        let mut query = Parameters::of("a=1&label.x=2&label.y=%263").unwrap();
        assert_eq!(query.number("a", 1..=9).unwrap(), Some(1));
        let labels = query.prefixed("label.").unwrap();
        assert_eq!(labels, [("x".into(), "2".into()), ("y".into(), "&3".into())]);
        query.finish().unwrap();

        assert!(Parameters::of("a=1&a=2").unwrap().text("a").is_err());
        assert!(Parameters::of("l.a=1&l.a=2").unwrap().prefixed("l.").is_err());
        assert!(Parameters::of("a=10").unwrap().number("a", 1..=9).is_err());
        assert!(Parameters::of("a=x").unwrap().number("a", 1..=9).is_err());
        assert!(none("b=1").is_err() && none("").is_ok());
    }
}
