use super::*;
use std::path::PathBuf;

fn script(hook: Hook) -> Script {
    Script {
        hook,
        binary: PathBuf::from("/opt/it's here/gitsieve"),
        policy: None,
        alone: true,
    }
}

#[test]
fn a_hook_is_known_again_until_a_byte_of_it_changes() {
    for hook in Hook::ALL {
        let text = script(hook).text();
        assert_eq!(script::origin(&text), Origin::Ours);
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] ^= 1;
            assert_ne!(script::origin(&other), Origin::Ours, "{hook:?}, byte {at}");
        }
        let longer = [&text[..], b"echo more\n"].concat();
        assert_eq!(script::origin(&longer), Origin::Edited);
        assert_ne!(script::origin(&text[..text.len() - 1]), Origin::Ours);
    }
    for foreign in [&b""[..], b"#!/bin/sh", b"#!/bin/sh\n\n", b"\0\n\0\n\0"] {
        assert_eq!(script::origin(foreign), Origin::Foreign);
    }
}

#[test]
fn a_hook_of_an_older_version_is_ours_too() {
    // As any version writes it: the hash is that of all but itself.
    let body = "echo an older way\n";
    let sum = scanner_core::source::blob_id(
        format!("#!/bin/sh\n# gitsieve-hook 0\n{body}").as_bytes(),
        scanner_core::source::HashKind::Sha1,
    );
    let text = format!("#!/bin/sh\n# gitsieve-hook 0 {sum}\n{body}");
    assert_eq!(script::origin(text.as_bytes()), Origin::Ours);
}
