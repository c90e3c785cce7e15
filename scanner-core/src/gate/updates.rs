//! What git tells a hook on standard input: the refs that a push creates, moves or deletes.
//!
//! The lines come from git, the names of refs in them from whoever pushes. A line that is not
//! understood refuses the whole push: a ref passed over would be a ref not scanned. Nothing is
//! decoded, because a ref's name is bytes.

use crate::{
    model::{ObjectId, RefUpdate},
    report::printable,
};
use bstr::ByteSlice;
use std::io::{self, Read};

/// Most bytes accepted. A line that is right has 84 or more, so that this bounds the number of
/// refs, too: to fewer than 800,000.
pub const MAX_BYTES: usize = 64 << 20;

/// Most bytes of a line that an error shows.
const SHOWN_BYTES: usize = 80;

/// Why standard input is not a list of refs.
#[derive(Debug, thiserror::Error)]
pub enum UpdatesError {
    /// It cannot be read.
    #[error("cannot read the list of pushed refs from standard input: {0}")]
    Input(#[from] io::Error),
    /// More than [`MAX_BYTES`].
    #[error("the list of pushed refs is longer than {MAX_BYTES} bytes: push fewer refs at a time")]
    TooLong,
    /// A line is not of the form that git documents.
    #[error("line {line} of the list of pushed refs: {what}, found `{shown}`")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
        /// The start of the line, printable.
        shown: String,
    },
}

/// Reads standard input to its end, or until it proves too long.
///
/// # Errors
/// [`UpdatesError::Input`] and [`UpdatesError::TooLong`].
pub fn read(input: impl Read) -> Result<Vec<u8>, UpdatesError> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(UpdatesError::TooLong);
    }
    Ok(bytes)
}

/// Parses what `pre-receive` and `post-receive` are given: `<old id> SP <new id> SP <ref> LF` for
/// each ref, the ref being all that follows the second space. The last line may lack its end,
/// and one CR before the end of a line is dropped: git never writes it, and no ref can hold it.
/// Takes time in proportion to the input.
///
/// # Errors
/// [`UpdatesError::Malformed`] for a line that is not of that form, also where ids of SHA-1 and of
/// SHA-256 stand side by side; [`UpdatesError::TooLong`].
pub fn parse(bytes: &[u8]) -> Result<Vec<RefUpdate>, UpdatesError> {
    parse_lines(bytes, |line| {
        let (old, rest) = line.split_once_str(" ").ok_or(RECEIVE_FORM)?;
        let (new, name) = rest.split_once_str(" ").ok_or(RECEIVE_FORM)?;
        Ok(Fields { old, new, name })
    })
}

/// Parses what `pre-push` is given: `<local ref> SP <local id> SP <remote ref> SP <remote id> LF`
/// for each ref; otherwise as [`parse`]. What git calls the local ref may be any expression for a
/// commit, spaces included (`:/fix the build`), so that the line is read from its end.
///
/// # Errors
/// As [`parse`].
pub fn parse_pre_push(bytes: &[u8]) -> Result<Vec<RefUpdate>, UpdatesError> {
    parse_lines(bytes, |line| {
        let (rest, old) = line.rsplit_once_str(" ").ok_or(PUSH_FORM)?;
        let (rest, name) = rest.rsplit_once_str(" ").ok_or(PUSH_FORM)?;
        let (_local, new) = rest.rsplit_once_str(" ").ok_or(PUSH_FORM)?;
        Ok(Fields { old, new, name })
    })
}

const RECEIVE_FORM: &str = "expected `<old id> <new id> <ref>`";
const PUSH_FORM: &str = "expected `<local ref> <local id> <remote ref> <remote id>`";

/// The parts of a line that say what is updated.
struct Fields<'a> {
    old: &'a [u8],
    new: &'a [u8],
    name: &'a [u8],
}

fn parse_lines(
    bytes: &[u8],
    fields: impl Fn(&[u8]) -> Result<Fields<'_>, &'static str>,
) -> Result<Vec<RefUpdate>, UpdatesError> {
    if bytes.len() > MAX_BYTES {
        return Err(UpdatesError::TooLong);
    }
    let mut updates = Vec::new();
    // Digits of an id, once the first is seen.
    let mut digits = None;
    for (index, line) in bytes.lines_with_terminator().enumerate() {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let update = fields(line).and_then(|fields| {
            if fields.name.is_empty() {
                return Err("the name of the ref is empty");
            }
            for id in [fields.old, fields.new] {
                if *digits.get_or_insert(id.len()) != id.len() {
                    return Err("not every id has as many digits as the first");
                }
            }
            Ok(RefUpdate {
                name: fields.name.into(),
                old: id(fields.old)?,
                new: id(fields.new)?,
            })
        });
        updates.push(update.map_err(|what| UpdatesError::Malformed {
            line: index + 1,
            what,
            shown: shown(line),
        })?);
    }
    Ok(updates)
}

/// An id, or none where all digits are zero.
fn id(hex: &[u8]) -> Result<Option<ObjectId>, &'static str> {
    let id = ObjectId::from_hex(hex).map_err(|_| "an id is not 40 or 64 hexadecimal digits")?;
    Ok(id.as_bytes().iter().any(|&byte| byte != 0).then_some(id))
}

fn shown(line: &[u8]) -> String {
    match line.get(..SHOWN_BYTES) {
        Some(start) if line.len() > SHOWN_BYTES => printable(start) + "...",
        _ => printable(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    const A: &str = "0123456789abcdef0123456789abcdef01234567";
    const B: &str = "89abcdef0123456789abcdef0123456789abcdef";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn id_of(hex: &str) -> Option<ObjectId> {
        ObjectId::from_hex(hex.as_bytes()).ok()
    }

    fn update(name: &[u8], old: Option<ObjectId>, new: Option<ObjectId>) -> RefUpdate {
        RefUpdate {
            name: name.into(),
            old,
            new,
        }
    }

    fn failure(bytes: &[u8]) -> String {
        parse(bytes).unwrap_err().to_string()
    }

    #[test]
    fn creations_moves_and_deletions_are_told_apart_by_the_zero_id() {
        let text = format!(
            "{ZERO} {A} refs/heads/new\n{A} {B} refs/heads/main\n{B} {ZERO} refs/tags/v1\n"
        );
        let expected = [
            update(b"refs/heads/new", None, id_of(A)),
            update(b"refs/heads/main", id_of(A), id_of(B)),
            update(b"refs/tags/v1", id_of(B), None),
        ];
        assert_eq!(parse(text.as_bytes()).unwrap(), expected);
        assert_eq!(parse(b"").unwrap(), []);
    }

    #[test]
    fn sha_256_ids_are_read_and_never_mixed_with_sha_1() {
        let long = format!("{A}{}", &A[..24]);
        let zero = "0".repeat(64);
        let text = format!("{zero} {long} refs/heads/main");
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            [update(b"refs/heads/main", None, id_of(&long))]
        );
        for mixed in [
            format!("{long} {A} refs/heads/main\n"),
            format!("{zero} {long} refs/heads/a\n{A} {B} refs/heads/b\n"),
            format!("{A} {B} refs/heads/a\n{A} {zero} refs/heads/b\n"),
        ] {
            assert!(failure(mixed.as_bytes()).contains("as many digits"));
        }
    }

    #[test]
    fn a_ref_is_every_byte_after_the_second_space() {
        let mut text = format!("{A} {B} refs/heads/with  spaces \r\n{A} {B} refs/x/").into_bytes();
        text.extend(b"\xff\xfe\x1b[1m\r");
        let expected = [
            update(b"refs/heads/with  spaces ", id_of(A), id_of(B)),
            update(b"refs/x/\xff\xfe\x1b[1m", id_of(A), id_of(B)),
        ];
        assert_eq!(parse(&text).unwrap(), expected);
    }

    #[test]
    fn whatever_is_wrong_is_said_with_its_line() {
        let good = format!("{A} {B} refs/heads/main\n");
        let cases: [(&[u8], &str); 7] = [
            (b"\n", RECEIVE_FORM),
            (b"0123", RECEIVE_FORM),
            (format!("{A} {B}\n").leak().as_bytes(), RECEIVE_FORM),
            (
                format!("{A} {B} \n").leak().as_bytes(),
                "name of the ref is empty",
            ),
            (
                format!(" {A} {B} refs/x\n").leak().as_bytes(),
                "as many digits",
            ),
            (
                format!("{A} {} refs/x\n", &B[1..]).leak().as_bytes(),
                "as many digits",
            ),
            (
                format!("{A} {}g refs/x\n", &B[1..]).leak().as_bytes(),
                "hexadecimal",
            ),
        ];
        for (bad, what) in cases {
            let message = failure(&[good.as_bytes(), good.as_bytes(), bad].concat());
            assert!(message.starts_with("line 3 "), "{message}");
            assert!(message.contains(what), "{message}");
        }
    }

    #[test]
    fn a_bad_line_is_shown_printable_and_cut() {
        let mut line = b"\x1b[31m\xff".to_vec();
        line.extend([b'x'; 1000]);
        let UpdatesError::Malformed { shown, .. } = parse(&line).unwrap_err() else {
            panic!("the line has no space");
        };
        assert!(shown.starts_with("\\u{1b}[31m\\xffxxx"), "{shown}");
        assert!(shown.ends_with("x..."), "{shown}");
        assert!(shown.len() < 100);
    }

    #[test]
    fn lines_of_pre_push_are_read_from_their_end() {
        let text = format!(
            "refs/heads/a {A} refs/heads/b {ZERO}\n(delete) {ZERO} refs/heads/c {B}\n\
             :/fix the build {A} refs/heads/d {B}"
        );
        let expected = [
            update(b"refs/heads/b", None, id_of(A)),
            update(b"refs/heads/c", id_of(B), None),
            update(b"refs/heads/d", id_of(B), id_of(A)),
        ];
        assert_eq!(parse_pre_push(text.as_bytes()).unwrap(), expected);
        let short = format!("{A} refs/heads/b {ZERO}\n");
        let message = parse_pre_push(short.as_bytes()).unwrap_err().to_string();
        assert!(message.contains(PUSH_FORM), "{message}");
    }

    #[test]
    fn size_and_number_of_lines_are_bounded() {
        assert!(matches!(read(io::repeat(b'0')), Err(UpdatesError::TooLong)));
        assert!(matches!(
            parse(&vec![b'0'; MAX_BYTES + 1]),
            Err(UpdatesError::TooLong)
        ));
        let shortest = format!("{A} {B} r\n");
        assert_eq!(shortest.len(), 84);
        let many = shortest.repeat(100_000);
        assert_eq!(parse(many.as_bytes()).unwrap().len(), 100_000);
    }

    proptest! {
        #[test]
        fn what_git_writes_is_read_as_meant(
            refs in vec((vec(1u8.., 1..40), any::<[u8; 20]>(), any::<[u8; 20]>()), 0..20),
            last_end in any::<bool>(),
        ) {
            let mut text = Vec::new();
            let mut push = Vec::new();
            let mut expected = Vec::new();
            for (mut name, old, new) in refs {
                name.retain(|b| !b"\n\r ".contains(b));
                name.push(b'x');
                let ids = [old, new].map(|raw| ObjectId::from_bytes(&raw).unwrap());
                text.extend(format!("{} {} ", ids[0], ids[1]).bytes());
                text.extend(&name);
                text.push(b'\n');
                push.extend(format!("a b {} ", ids[1]).bytes());
                push.extend(&name);
                push.extend(format!(" {}\n", ids[0]).bytes());
                let real = |id: ObjectId| id.as_bytes().iter().any(|b| *b != 0).then_some(id);
                expected.push(update(&name, real(ids[0]), real(ids[1])));
            }
            if !last_end {
                text.pop();
                push.pop();
            }
            prop_assert_eq!(parse(&text).unwrap(), expected.clone());
            prop_assert_eq!(parse_pre_push(&push).unwrap(), expected);
        }

        #[test]
        fn no_input_is_too_odd(bytes in vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = parse_pre_push(&bytes);
        }
    }
}
