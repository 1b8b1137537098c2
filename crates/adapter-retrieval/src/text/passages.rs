//! Cuts a cleaned page into passages.

use engine::ports::Passage;

use super::headings::Outline;
use super::lines::{LineKind, RANK_STATEMENT};
use super::marks::without_mark;

/// Characters after which a passage ends at the next good place.
const TARGET_CHARS: usize = 1_000;
/// Characters after which a passage ends wherever it is.
const CHARS_MAX: usize = 1_800;
/// Characters below which a passage does not end before an outer heading.
const CHARS_MIN: usize = 300;
/// Characters below which a passage does not end before an inner heading.
const SECTION_CHARS_MIN: usize = 600;

/// Cuts a page. The passages are the page, in order, without overlap: nothing but white space
/// stands between them.
pub(super) fn cut(page: &str, number: Option<u32>, outline: &mut Outline) -> Vec<Passage> {
    outline.begin_page();
    let pieces = pieces(page, outline);
    let mut passages = Vec::new();
    let mut begin = 0;
    while begin < pieces.len() {
        let end = passage_end(&pieces, begin);
        let (heading, table_head) = above(&pieces[begin..end], outline);
        let text = page[pieces[begin].start..pieces[end - 1].end].trim();
        if !text.is_empty() {
            let text = text.to_owned();
            passages.push(Passage { page: number, heading, table_head, text });
        }
        begin = end;
    }
    passages
}

/// A line, or a part of one that is too long for a passage.
struct Piece<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    chars: usize,
    kind: LineKind,
}

fn pieces<'a>(page: &'a str, outline: &Outline) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for line in page.split('\n') {
        let kind = outline.kind(line);
        let mut rest = line;
        loop {
            let part = first_part(rest);
            let chars = part.chars().count() + 1;
            let end = start + part.len();
            let text = without_mark(part);
            pieces.push(Piece { text, start, end, chars, kind });
            rest = &rest[part.len()..];
            start = end;
            if rest.is_empty() {
                break;
            }
        }
        start += 1;
    }
    pieces
}

/// The part of a line that fits into a passage: up to the last sentence in it, else the last
/// column or word, else as much as there is room for.
fn first_part(line: &str) -> &str {
    let room = contracts::truncate_chars(line, CHARS_MAX - 1);
    if room.len() == line.len() {
        return line;
    }
    let half = contracts::truncate_chars(room, CHARS_MAX / 2).len();
    let late = &room[half..];
    let cut = [". ", "; ", "   ", " "]
        .iter()
        .find_map(|gap| late.rfind(gap).map(|offset| half + offset + gap.len()));
    &line[..cut.unwrap_or(room.len())]
}

/// Where the passage that begins at `begin` ends: before the best of the places it may end at.
fn passage_end(pieces: &[Piece<'_>], begin: usize) -> usize {
    let mut chars = 0;
    let mut good = None;
    for (index, piece) in pieces.iter().enumerate().skip(begin) {
        if index > begin {
            let full = chars + piece.chars > CHARS_MAX;
            let place = place_before(pieces, index);
            let least = match place {
                Place::Section => CHARS_MIN,
                Place::Heading => SECTION_CHARS_MIN,
                Place::Paragraph | Place::Row => TARGET_CHARS,
                Place::Sentence => TARGET_CHARS + CHARS_MIN,
                Place::Inside => usize::MAX,
            };
            let rest = pieces[pieces.len() - 1].end - piece.start;
            let rest_fits = rest < CHARS_MIN
                && chars + rest < CHARS_MAX
                && !matches!(place, Place::Section | Place::Heading);
            if !full && !rest_fits && chars >= least {
                return index;
            }
            if full {
                return good.unwrap_or(index);
            }
            if place != Place::Inside && chars >= CHARS_MIN {
                good = Some(index);
            }
        }
        chars += piece.chars;
    }
    pieces.len()
}

/// What would be parted by ending a passage somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Two sections, statements or notes.
    Section,
    /// What stands under two headings.
    Heading,
    /// Two paragraphs.
    Paragraph,
    /// Two rows of a table.
    Row,
    /// Two sentences.
    Sentence,
    /// Something that belongs together.
    Inside,
}

fn place_before(pieces: &[Piece<'_>], index: usize) -> Place {
    let before = pieces[..index].iter().rev().find(|piece| piece.kind != LineKind::Blank);
    let Some(before) = before else { return Place::Inside };
    match (before.kind, pieces[index].kind) {
        // A heading, and the head of a table, stay with what stands below them.
        (LineKind::Heading(_) | LineKind::Columns, _) => Place::Inside,
        (_, LineKind::Blank) => Place::Inside,
        (_, LineKind::Heading(rank)) if rank <= RANK_STATEMENT => Place::Section,
        (_, LineKind::Heading(_)) => Place::Heading,
        (LineKind::Row, LineKind::Row) => Place::Row,
        (_, _) if pieces[index - 1].kind == LineKind::Blank => Place::Paragraph,
        (_, _) if before.text.trim_end().ends_with(['.', '!', '?']) => Place::Sentence,
        (_, _) => Place::Inside,
    }
}

/// The headings and the table's head of a passage: those in force after the lines of the kind that
/// it begins with. The outline goes on to its end.
fn above(pieces: &[Piece<'_>], outline: &mut Outline) -> (String, String) {
    let is_head = |piece: &Piece<'_>| {
        matches!(piece.kind, LineKind::Heading(_) | LineKind::Columns | LineKind::Blank)
    };
    let head = pieces.iter().position(|piece| !is_head(piece)).unwrap_or(pieces.len());
    for piece in &pieces[..head] {
        outline.take(piece.text, piece.kind);
    }
    let above = (outline.path(), outline.table_head());
    for piece in &pieces[head..] {
        outline.take(piece.text, piece.kind);
    }
    above
}
