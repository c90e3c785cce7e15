//! Decisions of other scanners: any bytes of any kind are read or refused, and what is read is
//! carried to nothing where nothing was found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    model::Report,
    triage::{
        Baseline,
        migrate::{ForeignKind, Migration},
    },
};

fuzz_target!(|data: &[u8]| {
    let _ = ForeignKind::detect("file", data);
    let report = Report::default();
    for kind in ForeignKind::ALL {
        let Ok(foreign) = kind.read(data) else {
            continue;
        };
        let mut migration = Migration::new(&report, vec!["/repo".to_owned()]);
        migration.add("file", *kind, &foreign);
        let migrated = migration.finish(&mut Baseline::new("baseline", None), Some(0));
        assert_eq!((migrated.carried, migrated.added), (0, 0));
        assert_eq!(migrated.left.len(), foreign.entries.len() + foreign.notes.len());
    }
});
