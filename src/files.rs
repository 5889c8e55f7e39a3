//! Reading files that nobody has checked: size limits, gzip, and a fence around parsers that may panic.

use crate::error::{Error, Result};
use std::cell::Cell;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 30;
/// The most that a gzip'd file may unpack to, in bytes.
pub const MAX_UNPACKED: u64 = 1 << 28;
/// The most elements that one array may have.
pub const MAX_ELEMENTS: usize = 1 << 26;

/// The whole of a file; the error's place is the path.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let place = path.display().to_string();
    let failed = |error: std::io::Error| {
        Error::user(format!("cannot be read: {error}"), "check the path and its permissions").at(place.clone())
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(Error::user("is a folder, not a file", "name a file inside it").at(place));
    }
    limited(file, MAX_BYTES).map_err(failed)?.ok_or_else(|| {
        let help = "models of this size do not fit an FPGA; check that this is the right file";
        Error::user(format!("has more than {MAX_BYTES} bytes"), help).at(place)
    })
}

/// A whole text file, UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| Error::user("is not UTF-8 text", "save it as UTF-8").at(path.display().to_string()))
}

/// Writes a whole file; the error's place is the path.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|error| {
        let help = "check that the folder exists and may be written to";
        Error::user(format!("cannot be written: {error}"), help).at(path.display().to_string())
    })
}

/// Writes a whole file in place of the one before, which is whole as well until then.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.file_name().unwrap_or_default().to_os_string();
    beside.push(".new");
    let beside = path.with_file_name(beside);
    write(&beside, bytes)?;
    std::fs::rename(&beside, path).map_err(|error| {
        Error::user(format!("cannot be replaced: {error}"), "check the rights of its folder")
            .at(path.display().to_string())
    })
}

/// Everything the reader gives, or `None` if that is more than `limit` bytes.
fn limited(reader: impl Read, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Does the file start like gzip?
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The content of a gzip file.
pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let help = "the file is truncated or damaged; fetch or write it again";
    let unpacked = limited(flate2::read::MultiGzDecoder::new(bytes), MAX_UNPACKED)
        .map_err(|error| Error::user(format!("broken gzip: {error}"), help))?;
    unpacked.ok_or_else(|| {
        Error::user(format!("unpacks to more than {MAX_UNPACKED} bytes"), "check that this is the right file")
    })
}

/// The content of a raw deflate stream that must have exactly `size` bytes.
pub fn inflate(bytes: &[u8], size: u64) -> Option<Vec<u8>> {
    let unpacked = limited(flate2::read::DeflateDecoder::new(bytes), size).ok()??;
    (unpacked.len() as u64 == size).then_some(unpacked)
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs a parser of somebody else's; its panic becomes a user's error, and prints nothing.
pub fn fenced<T>(parser: impl FnOnce() -> Result<T>) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    let was = QUIET.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(parser));
    QUIET.set(was);
    outcome.unwrap_or_else(|_| {
        let help = "the file is truncated or damaged; fetch or write it again";
        Err(Error::user("is damaged: its parser gave up", help))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = fenced::<()>(|| panic!("boo")).unwrap_err();
        assert!(error.what.contains("damaged"), "{error}");
        assert_eq!(fenced(|| Ok(1)), Ok(1));
    }

    #[test]
    fn truncated_gzip() {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"hello, hello, hello").unwrap();
        let bytes = packer.finish().unwrap();
        assert_eq!(gunzip(&bytes).unwrap(), b"hello, hello, hello");
        for end in 0..bytes.len() {
            assert!(gunzip(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn inflate_wants_the_exact_size() {
        use std::io::Write;
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&[0; 1000]).unwrap();
        let bytes = packer.finish().unwrap();
        assert_eq!(inflate(&bytes, 1000), Some(vec![0; 1000]));
        assert_eq!(inflate(&bytes, 999), None);
        assert_eq!(inflate(&bytes, 1001), None);
    }
}
