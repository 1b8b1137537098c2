//! Streams, unpacked within bounds.

use std::io::{Read as _, copy, sink};

use engine::ports::ReadError;
use flate2::read::ZlibDecoder;
use hayro_font::hayro_syntax::Filter;
use hayro_font::hayro_syntax::object::{Array, Dict, Stream};
use hayro_font::hayro_syntax::page::Page;

/// A stream of drawing instructions unpacks to so much at most. Those of a page with a large table
/// take about a megabyte.
pub(super) const STREAM_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Deflate packs so many bytes into one at most (<https://zlib.net/zlib_tech.html>).
const DEFLATE_RATIO_MAX: usize = 1_032;

/// The drawing instructions of a page: those of its streams that can be unpacked.
///
/// # Errors
/// [`ReadError::TooMuchMemory`].
pub(super) fn page_content(page: &Page<'_>) -> Result<Vec<u8>, ReadError> {
    let dict: &Dict<'_> = page.raw();
    let mut content = Vec::new();
    if let Some(stream) = dict.get::<Stream<'_>>("Contents") {
        append(&stream, &mut content)?;
    } else if let Some(streams) = dict.get::<Array<'_>>("Contents") {
        for stream in streams.iter::<Stream<'_>>() {
            append(&stream, &mut content)?;
        }
    }
    Ok(content)
}

/// A stream's bytes; `None` if they are damaged.
///
/// # Errors
/// [`ReadError::TooMuchMemory`].
pub(super) fn unpack(stream: &Stream<'_>) -> Result<Option<Vec<u8>>, ReadError> {
    check_size(stream)?;
    let Ok(bytes) = stream.decoded_data() else { return Ok(None) };
    if bytes.len() > STREAM_BYTES_MAX {
        return Err(too_large());
    }
    Ok(Some(bytes.into_owned()))
}

fn append(stream: &Stream<'_>, content: &mut Vec<u8>) -> Result<(), ReadError> {
    if let Some(mut bytes) = unpack(stream)? {
        if content.len() + bytes.len() > STREAM_BYTES_MAX {
            return Err(too_large());
        }
        content.append(&mut bytes);
        // The streams of a page are read as one, and a word ends where a stream does.
        content.push(b'\n');
    }
    Ok(())
}

/// Unpacks without keeping anything, where there may be a bomb. Streams that are packed in other
/// ways, or twice, are bounded by what their reader's process may take.
fn check_size(stream: &Stream<'_>) -> Result<(), ReadError> {
    let packed = stream.raw_data();
    if stream.filters().as_slice() != [Filter::FlateDecode]
        || packed.len() <= STREAM_BYTES_MAX / DEFLATE_RATIO_MAX
    {
        return Ok(());
    }
    let mut unpacked = ZlibDecoder::new(packed.as_ref()).take(STREAM_BYTES_MAX as u64 + 1);
    // What cannot be unpacked is not large; what comes before the damage is.
    let _ = copy(&mut unpacked, &mut sink());
    if unpacked.limit() == 0 { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> ReadError {
    ReadError::TooMuchMemory { max_bytes: STREAM_BYTES_MAX as u64 }
}
