//! `patterns/RULES.md` holds the table that the command makes of the rules.

use crate::{gitsieve, stdout};
use std::{env, fs, path::Path};

const BEGIN: &str = "<!-- rules: begin -->\n";
const END: &str = "<!-- rules: end -->\n";
/// Set to write the table instead of comparing it.
const RENEW: &str = "GITSIEVE_RENEW_TABLE";

#[test]
fn the_table_of_rules_is_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let table = stdout(&gitsieve(dir.path(), &["rules", "list", "-f", "markdown"]));
    assert!(table.lines().count() > 500, "{table}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../patterns/RULES.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (kept, tail) = rest.split_once(END).unwrap();
    if env::var_os(RENEW).is_some() {
        fs::write(&path, [head, BEGIN, &table, END, tail].concat()).unwrap();
        return;
    }
    let stale = table
        .lines()
        .zip(kept.lines().chain(std::iter::repeat("")))
        .find(|(now, then)| now != then);
    assert!(
        kept == table,
        "patterns/RULES.md is stale, first at {stale:?}; renew it:\n  \
         {RENEW}=1 cargo test -p scanner-cli --test it_cli rules_table"
    );
}
