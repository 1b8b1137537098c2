//! A line for a person.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use crate::ids::Ids;

pub(super) struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let fields = Fields::of(event, Ids::of(context.lookup_current()));
        let colours = Colours { are_on: writer.has_ansi_escapes() };
        let level = *event.metadata().level();
        colours.begin(&mut writer, DIM)?;
        SystemTime.format_time(&mut writer)?;
        colours.end(&mut writer)?;
        writer.write_char(' ')?;
        colours.begin(&mut writer, of_level(level))?;
        write!(writer, "{level:>5}")?;
        colours.end(&mut writer)?;
        writer.write_char(' ')?;
        colours.begin(&mut writer, DIM)?;
        write!(writer, "{}:", fields.target)?;
        colours.end(&mut writer)?;
        if let Some(message) = &fields.message {
            write!(writer, " {}", OneLine(message))?;
        }
        for (name, value) in &fields.others {
            writer.write_char(' ')?;
            colours.begin(&mut writer, DIM)?;
            write!(writer, "{name}=")?;
            colours.end(&mut writer)?;
            match value.as_str() {
                Some(text) => write!(writer, "{}", OneLine(text))?,
                None => write!(writer, "{value}")?,
            }
        }
        writeln!(writer)
    }
}

const DIM: &str = "\x1b[2m";

const fn of_level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

struct Colours {
    are_on: bool,
}

impl Colours {
    fn begin(&self, writer: &mut Writer<'_>, code: &str) -> fmt::Result {
        if self.are_on { writer.write_str(code) } else { Ok(()) }
    }

    fn end(&self, writer: &mut Writer<'_>) -> fmt::Result {
        if self.are_on { writer.write_str("\x1b[0m") } else { Ok(()) }
    }
}

/// A text without what would break the line, or change how a terminal shows it.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") }
        })
    }
}
