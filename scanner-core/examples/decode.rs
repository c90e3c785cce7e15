//! Decodes every blob, tree and commit of a repository once, and prints how long that took.
//! What a scan costs beyond this is the price of looking.
use scanner_core::source::{ContentKind, VisitContext, git::ObjectStore};
use std::{path::Path, sync::atomic::AtomicBool, time::Instant};
fn main() {
    let interrupt = AtomicBool::new(false);
    for repo in std::env::args().skip(1) {
        let start = Instant::now();
        let objects = Path::new(&repo).join("objects");
        let store = ObjectStore::open(&[objects], gix::hash::Kind::Sha1);
        let context = VisitContext {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            max_blob_bytes: u64::MAX,
            max_memory_bytes: 1 << 30,
            interrupt: &interrupt,
            deadline: None,
        };
        let mut line = format!("index {:.3}s", start.elapsed().as_secs_f64());
        for kind in [ContentKind::Blob, ContentKind::Tree, ContentKind::Commit] {
            let phase = Instant::now();
            let d = store.decode(kind, &context);
            let s = phase.elapsed().as_secs_f64();
            line += &format!(
                " {kind:?} {} {:.0}MB {s:.3}s",
                d.objects,
                d.bytes as f64 / 1e6
            );
        }
        println!("{:.3} {line}", start.elapsed().as_secs_f64());
    }
}
