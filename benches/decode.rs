//! Decodes every blob, tree and commit of repositories once and prints how long that took: the
//! floor under any scan of them. What a scan costs beyond this is the price of looking.
//!
//! `cargo bench --bench decode -- REPO.git...`; without arguments there is nothing to measure.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use scanner_core::source::{
    ContentKind, VisitContext,
    git::{ObjectStore, Repository},
};
use std::{path::Path, sync::atomic::AtomicBool, time::Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let interrupt = AtomicBool::new(false);
    let context = VisitContext {
        threads: std::thread::available_parallelism()?.get(),
        max_blob_bytes: u64::MAX,
        max_memory_bytes: 1 << 30,
        interrupt: &interrupt,
        deadline: None,
    };
    // Cargo adds flags of its own, such as `--bench`.
    for path in std::env::args().skip(1).filter(|a| !a.starts_with("--")) {
        let start = Instant::now();
        let repository = Repository::open(Path::new(&path))?;
        let store = ObjectStore::open(repository.object_dirs(), repository.hash().into());
        let index = start.elapsed().as_secs_f64();
        let mut parts = Vec::new();
        for kind in [ContentKind::Blob, ContentKind::Tree, ContentKind::Commit] {
            let phase = Instant::now();
            let decoded = store.decode(kind, &context);
            parts.push(format!(
                "{kind:?} {} {:.0}MB {:.3}s",
                decoded.objects,
                decoded.bytes as f64 / 1e6,
                phase.elapsed().as_secs_f64()
            ));
        }
        let total = start.elapsed().as_secs_f64();
        println!("{total:.3} index {index:.3}s {}", parts.join(" "));
    }
    Ok(())
}
