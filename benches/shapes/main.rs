//! Scans repositories of shapes that ordinary ones do not have, each at several sizes, and prints what
//! that took: what grows faster than the work is quadratic somewhere.
//!
//! `cargo bench -p scanner-core --bench shapes -- GITSIEVE [--floor COMMAND] [--part N] [SHAPE...]`
//!
//! Sizes are a quarter, a half and the whole of the shape's size; `--part N` divides all by N (10
//! unless given: the whole shapes take 10 GB of disk and half an hour). Repositories are made with
//! `git fast-import` in the temporary directory (`TMPDIR`) and removed one by one. `--floor COMMAND`
//! runs something else on the same repositories for comparison.
//!
//! Each repository holds a few secrets, so that finding the commits that brought them is measured too.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

mod make;
mod measure;

use make::{SHAPES, Shape};
use measure::{Usage, measure};
use std::{error::Error, path::Path};

/// What to do.
#[derive(Debug, Default)]
struct Options {
    gitsieve: String,
    floor: Option<String>,
    part: u64,
    shapes: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = options(std::env::args().skip(1))? else {
        // `cargo test` and a bare `cargo bench` run it without arguments.
        return Ok(());
    };
    println!(
        "{:<10} {:>9} {:>8} {:>10} {:>9} {:>8} {:>8} {:>8} {:>9} {:>9} {:>7}",
        "shape",
        "size",
        "disk",
        "objects",
        "bytes",
        "wall",
        "cpu",
        "anon",
        "an object",
        "a MB",
        "floor"
    );
    for shape in SHAPES {
        if options.shapes.is_empty() || options.shapes.iter().any(|name| name == shape.name) {
            for quarters in [1, 2, 4] {
                row(
                    &options,
                    shape,
                    (shape.size * quarters / 4 / options.part).max(make::SECRETS as u64),
                )?;
            }
        }
    }
    Ok(())
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Option<Options>, Box<dyn Error>> {
    let mut options = Options {
        part: 10,
        ..Options::default()
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || {
            let value = arguments.next();
            value.ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--floor" => options.floor = Some(value()?),
            "--part" => options.part = value()?.parse::<u64>()?.max(1),
            // Cargo adds it.
            "--bench" => {}
            _ if options.gitsieve.is_empty() => options.gitsieve = argument,
            name if SHAPES.iter().any(|shape| shape.name == name) => {
                options.shapes.push(argument);
            }
            _ => return Err(format!("there is no shape {argument}").into()),
        }
    }
    Ok((!options.gitsieve.is_empty()).then_some(options))
}

/// Makes one repository, scans it, and prints what that took.
fn row(options: &Options, shape: &Shape, size: u64) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let repository = dir.path().join("r.git");
    (shape.make)(&repository, size)?;
    let report = dir.path().join("report.json");
    let scan = measure(
        &options.gitsieve,
        &[
            "git".as_ref(),
            &repository,
            "-f".as_ref(),
            "json".as_ref(),
            "-o".as_ref(),
            &report,
        ],
    )?;
    let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&report)?)?;
    let receipt = &report["receipt"];
    let count = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
    let objects =
        count(&receipt["blobs"]["seen"]) + count(&receipt["trees"]) + count(&receipt["commits"]);
    let bytes = count(&receipt["bytes"]);
    let found = report["findings"].as_array().map_or(0, Vec::len);
    if found != make::SECRETS || receipt["complete"] != true {
        return Err(format!("{}: found {found} secrets, {receipt}", shape.name).into());
    }
    let floor = match &options.floor {
        Some(command) => {
            let floor = measure(command, &[&repository])?;
            format!("{:.2}x", scan.wall / floor.wall)
        }
        None => String::new(),
    };
    let Usage { wall, cpu, anon } = scan;
    println!(
        "{:<10} {size:>9} {:>5} MB {objects:>10} {:>6} MB {wall:>7.2}s {cpu:>7.2}s {:>5} MB {:>6.2} us {:>6.2} ms {floor:>7}",
        shape.name,
        measure::disk(Path::new(&repository))? >> 20,
        bytes >> 20,
        anon >> 20,
        cpu * 1e6 / objects as f64,
        cpu * 1e3 / (bytes as f64 / f64::from(1 << 20)),
    );
    Ok(())
}
