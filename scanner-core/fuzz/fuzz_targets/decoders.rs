//! Regions lie in the content, decode to no more than they are, and every part of the text stands
//! somewhere in the region, in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::decode::{Finder, Pieces, decode};

fuzz_target!(|bytes: &[u8]| {
    let (mut regions, mut parts) = (Vec::new(), Vec::new());
    Finder::default().find(bytes, 0..bytes.len(), &mut regions);
    let middle = bytes.len() / 2;
    let mut finder = Finder::default();
    finder.find(bytes, 0..middle, &mut parts);
    finder.find(bytes, middle..bytes.len(), &mut parts);
    let (mut text, mut pieces) = (Vec::new(), Pieces::default());
    for region in &regions {
        assert!(parts.contains(region));
        let encoded = region.bytes(bytes);
        decode(region.encoding, encoded, &mut text, Some(&mut pieces));
        assert!(text.len() <= encoded.len());
        let mut least = 0;
        for at in 0..text.len() {
            let original = pieces.original(at..at + 1);
            assert!(original.start >= least && original.end > original.start);
            assert!(original.end <= encoded.len());
            least = original.start;
        }
    }
});
