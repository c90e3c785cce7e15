# Lists the recipes.
default:
    @just --list

# All that must hold before a change goes in.
ci:
    .ci/run

# Format, lints and documentation.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace

# All tests; with arguments, those whose names hold them.
test *names:
    cargo test --workspace -- {{names}}

# The black-box tests on a release build.
test-release *names:
    cargo build --release
    GITSIEVE_TEST_BIN="$PWD/target/release/gitsieve" cargo test -p scanner-cli --test it_scenarios --test it_push -- {{names}}

# Every example of every rule.
rules:
    cargo test -p scanner-core rules

# Writes the table of rules anew.
rules-table:
    GITSIEVE_RENEW_TABLE=1 cargo test -p scanner-cli --test it_cli rules_table

# Benches, on an idle machine.
bench *names:
    cargo bench --workspace -- {{names}}

# Compiles the fuzz targets without running them.
fuzz-check:
    cd scanner-core/fuzz && cargo check

# Runs fuzz targets for a while each, all of them or those that are named.
fuzz seconds="60" *targets:
    scanner-core/fuzz/run.sh {{seconds}} {{targets}}

# Scans this repository's own history.
self-scan:
    cargo run --release -- .
