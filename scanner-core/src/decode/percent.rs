//! Percent-encoding of URLs and forms. `+` stays `+`: tokens hold it more often than it stands for
//! a space.

use super::{
    hex,
    stretches::{Escape, Style},
};
use crate::model::Encoding;

pub(super) const STYLE: Style = Style {
    encoding: Encoding::Percent,
    leader: b'%',
    ends: |byte| matches!(byte, 0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | 0x7f),
    escape,
};

fn escape(bytes: &[u8]) -> Option<Escape> {
    let value = hex::pair(bytes.get(1..3)?)?;
    Some(Escape::byte(value, 3))
}
