//! As much of zip as `.npz` needs: stored and deflated members, no encryption, no zip64 sizes, no dates.

use crate::error::{Error, Result};
use crate::files::{MAX_BYTES, MAX_ELEMENTS, inflate};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// The largest array of float64, with its header.
const MAX_MEMBER: u64 = 8 * MAX_ELEMENTS as u64 + 0xffff;
/// Deflate cannot shrink further than this.
const MAX_RATIO: u64 = 1040;

/// A member, as the central directory tells it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn damaged(what: &str) -> Error {
    Error::user(format!("is a damaged zip: {what}"), "the file is truncated or damaged; fetch or write it again")
}

/// The members of an archive.
pub fn members(bytes: &[u8]) -> Result<Vec<Member>> {
    // The end record is 22 bytes and a comment of at most 65535.
    let first = bytes.len().saturating_sub(22 + 0xffff);
    let end = (first..bytes.len().saturating_sub(21)).rev().find(|at| u32_at(bytes, *at) == Some(END));
    let end = end.ok_or_else(|| damaged("it has no directory"))?;
    let count = u16_at(bytes, end + 10).unwrap_or(0);
    let mut at = u32_at(bytes, end + 16).unwrap_or(u32::MAX) as usize;
    let mut members: Vec<Member> = Vec::new();
    for _ in 0..count {
        let (member, next) = central(bytes, at).ok_or_else(|| damaged("its directory is broken"))?;
        if members.iter().any(|other| other.name == member.name) {
            return Err(damaged(&format!("`{}` is in it twice", member.name)));
        }
        members.push(member);
        at = next;
    }
    Ok(members)
}

fn central(bytes: &[u8], at: usize) -> Option<(Member, usize)> {
    (u32_at(bytes, at)? == CENTRAL).then_some(())?;
    let field = |offset: usize| u32_at(bytes, at + offset).map(|value| value as u64);
    let length = |offset: usize| u16_at(bytes, at + offset).map(|value| value as usize);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let member = Member {
        name: std::str::from_utf8(bytes.get(at + 46..at + 46 + name)?).ok()?.to_string(),
        method: u16_at(bytes, at + 10)?,
        crc: u32_at(bytes, at + 16)?,
        packed: field(20)?,
        size: field(24)?,
        offset: field(42)? as usize,
    };
    Some((member, at + 46 + name + extra + comment))
}

/// The content of a member.
pub fn extract(bytes: &[u8], member: &Member) -> Result<Vec<u8>> {
    if member.size > MAX_MEMBER || member.size > member.packed.saturating_mul(MAX_RATIO) {
        return Err(damaged(&format!("`{}` claims {} bytes", member.name, member.size)));
    }
    let content = unpack(bytes, member).ok_or_else(|| damaged(&format!("`{}` does not unpack", member.name)))?;
    let mut crc = flate2::Crc::new();
    crc.update(&content);
    if crc.sum() != member.crc {
        return Err(damaged(&format!("the checksum of `{}` is wrong", member.name)));
    }
    Ok(content)
}

fn unpack(bytes: &[u8], member: &Member) -> Option<Vec<u8>> {
    let at = member.offset;
    (u32_at(bytes, at)? == LOCAL).then_some(())?;
    let start = at + 30 + u16_at(bytes, at + 26)? as usize + u16_at(bytes, at + 28)? as usize;
    let packed = bytes.get(start..start.checked_add(member.packed as usize)?)?;
    match member.method {
        0 => (member.size == member.packed).then(|| packed.to_vec()),
        8 => inflate(packed, member.size),
        _ => None,
    }
}

/// An archive of stored members, the same for the same content.
pub fn format(members: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    let total: usize = members.iter().map(|(name, content)| 2 * name.len() + content.len() + 200).sum();
    if total as u64 > MAX_BYTES || members.len() > 0xffff {
        return Err(Error::user("is too large for one .npz", "split it, or write .safetensors"));
    }
    for (name, content) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let offset = bytes.len() as u32;
        // version 2.0, UTF-8 names, stored, 1980-01-01 00:00; then checksum, both sizes, lengths of name and extra.
        let mut common = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(LOCAL.to_le_bytes());
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(CENTRAL.to_le_bytes());
        directory.extend([20, 0]);
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(END.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    Ok(bytes)
}
