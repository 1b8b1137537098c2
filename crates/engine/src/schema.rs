//! Which stores a program serves, by the form of their tables.
//!
//! A release that changes the tables gives them a number, and writes it into each store that it
//! migrates. A program serves its own form and the next one, so that a release can be rolled back
//! with no migration back, and no other: it cannot know what a form after the next one lacks.

use std::fmt;

/// The number of the form that this program brings a store to. It grows by one with a release that
/// has migrations, for all stores alike; the first of those migrations writes it.
pub const RELEASE: u32 = 2;

/// The form of a store's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The release that gave it; 0 if there are no tables.
    pub release: u32,
    /// The newest migration that it took; 0 if it took none.
    pub migration: u32,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema {} (migration {})", self.release, self.migration)
    }
}

/// How a store's form stands to a program's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The store's.
    pub found: Form,
    /// The program's.
    pub own: Form,
}

/// Whether a store can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Not before it has taken the migrations that it lacks.
    Behind,
    /// It has the program's own form.
    Own,
    /// It has the next release's form, which the program serves, too.
    Next,
    /// It has a form that came after the next one, and is not served.
    Beyond,
}

impl Schema {
    /// How the two stand to each other.
    #[must_use]
    pub const fn fit(self) -> Fit {
        let Self { found, own } = self;
        if found.release > own.release + 1 {
            Fit::Beyond
        } else if found.release > own.release {
            Fit::Next
        } else if found.migration < own.migration {
            Fit::Behind
        } else {
            Fit::Own
        }
    }

    /// What to say of a store that is [`Fit::Beyond`], and what to do.
    #[must_use]
    pub fn beyond(self) -> String {
        let Self { found, own } = self;
        let (last, needed) = (own.release + 1, found.release.saturating_sub(1));
        format!(
            "the database has {found}, and this program serves none after schema {last}: use a \
             release of schema {needed} or {}",
            found.release
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Fit, Form, Schema};

    fn fit(found: (u32, u32)) -> Fit {
        let found = Form { release: found.0, migration: found.1 };
        Schema { found, own: Form { release: 4, migration: 9 } }.fit()
    }

    #[test]
    fn a_program_serves_its_own_form_and_the_next_and_no_other() {
        assert_eq!(fit((0, 0)), Fit::Behind);
        assert_eq!(fit((3, 7)), Fit::Behind);
        // A release is begun: what it has so far is not all.
        assert_eq!(fit((4, 8)), Fit::Behind);
        assert_eq!(fit((4, 9)), Fit::Own);
        assert_eq!(fit((5, 10)), Fit::Next);
        assert_eq!(fit((6, 11)), Fit::Beyond);
        assert_eq!(fit((9, 30)), Fit::Beyond);
    }

    #[test]
    fn a_form_that_is_not_served_is_told_with_what_serves_it() {
        let found = Form { release: 6, migration: 11 };
        let schema = Schema { found, own: Form { release: 4, migration: 9 } };
        assert_eq!(
            schema.beyond(),
            "the database has schema 6 (migration 11), and this program serves none after schema \
             5: use a release of schema 5 or 6"
        );
    }
}
