//! Rule files of other scanners: any bytes convert or are refused, and what comes out loads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::rules::{
    RuleSet,
    import::{ImportFormat, import},
};

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let format = match choice % 3 {
        0 => ImportFormat::NoseyParker,
        1 => ImportFormat::Kingfisher,
        _ => ImportFormat::Bitbucket,
    };
    if let Ok(imported) = import(format, &[("in".to_owned(), text.to_owned())]) {
        let loaded = RuleSet::parse(&imported.text, "out").expect("what is written loads");
        assert_eq!(loaded.rules.rules().len(), imported.rules);
    }
});
