//! Private keys of currencies in base58check: base58 of a payload and four bytes of its double
//! SHA-256.

use crate::model::Proof;
use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Longest text decoded: an extended key has 112 characters.
pub(super) const MOST_CHARACTERS: usize = 128;

/// Bitcoin keys (WIF) of the main and test network: 33 or 34 bytes after a version of one byte;
/// extended keys (BIP-32): 78 bytes with a version of four.
pub(super) fn base58check(secret: &[u8]) -> Proof {
    let Some(bytes) = decode(secret) else {
        return Proof::Failed;
    };
    let Some((payload, check)) = bytes.split_last_chunk::<4>() else {
        return Proof::Failed;
    };
    let known = match payload {
        [0x80 | 0xef, rest @ ..] => matches!(rest.len(), 32 | 33),
        _ => payload.len() == 78,
    };
    if known && sum(payload) == *check {
        Proof::Proven
    } else {
        Proof::Failed
    }
}

fn sum(payload: &[u8]) -> [u8; 4] {
    let twice = Sha256::digest(Sha256::digest(payload));
    [twice[0], twice[1], twice[2], twice[3]]
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MOST_CHARACTERS {
        return None;
    }
    // Least significant byte first while digits are added.
    let mut bytes: Vec<u8> = Vec::new();
    for character in text {
        let mut carry = ALPHABET.iter().position(|c| c == character)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    let zeros = text.iter().take_while(|&&c| c == ALPHABET[0]).count();
    bytes.extend(std::iter::repeat_n(0, zeros));
    bytes.reverse();
    Some(bytes)
}

/// Encodes a payload with its check: the reverse, for examples.
pub(super) fn encode(payload: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::new();
    let all = [payload, &sum(payload)].concat();
    for byte in &all {
        let mut carry = usize::from(*byte);
        for digit in &mut digits {
            carry += usize::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = all.iter().take_while(|b| **b == 0).count();
    let zeros = std::iter::repeat_n(0, zeros);
    let digits = zeros.chain(digits.into_iter().rev());
    digits
        .map(|digit| char::from(ALPHABET[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_prove_themselves_and_addresses_are_none() {
        let wif = encode(&[&[0x80][..], &[7; 32], &[1]].concat());
        assert_eq!(wif.len(), 52);
        assert_eq!(base58check(wif.as_bytes()), Proof::Proven);
        let extended = encode(&[&[0x04, 0x88, 0xad, 0xe4][..], &[9; 74]].concat());
        assert!(extended.starts_with("xprv"), "the version gives the prefix");
        assert_eq!(base58check(extended.as_bytes()), Proof::Proven);
        // The address of the first block, whose check is public knowledge.
        let address = b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
        let bytes = decode(address).expect("it is base58");
        assert_eq!(sum(&bytes[..21]), bytes[21..]);
        assert_eq!(base58check(address), Proof::Failed);
        let changed = wif.replacen(&wif[20..21], if &wif[20..21] == "z" { "y" } else { "z" }, 1);
        assert_eq!(base58check(changed.as_bytes()), Proof::Failed);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(payload in prop::collection::vec(any::<u8>(), 0..80)) {
            let text = encode(&payload);
            let bytes = decode(text.as_bytes()).expect("it is base58");
            prop_assert_eq!(&bytes[..payload.len()], &payload[..]);
            prop_assert_eq!(bytes.len(), payload.len() + 4);
        }
    }
}
