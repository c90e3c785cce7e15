//! scratch
use scanner_core::{rules::RuleSet, scan::*};
use std::{
    sync::{Mutex, atomic::AtomicBool},
    time::Instant,
};
struct Obs(Mutex<(Instant, Option<Phase>)>);
impl Observer for Obs {
    fn phase(&self, phase: Phase, _: u64, _: u64) {
        let mut l = self.0.lock().unwrap();
        if let Some(p) = l.1 {
            eprintln!("  {p:?} {:.3}", l.0.elapsed().as_secs_f64());
        }
        *l = (Instant::now(), Some(phase));
    }
}
fn main() {
    let engine = std::env::var("ENGINE").unwrap_or_default();
    for path in std::env::args().skip(1) {
        let t = Instant::now();
        let rules = RuleSet::builtin();
        eprintln!(
            "{} rules {:.4}",
            rules.rules().len(),
            t.elapsed().as_secs_f64()
        );
        let kind = match engine.as_str() {
            "ac" => EngineKind::AhoCorasick,
            "ref" => EngineKind::Reference,
            _ => EngineKind::Literal,
        };
        let s = Scanner::builder()
            .rules(rules)
            .engine(kind)
            .delta_aware(std::env::var_os("FULL").is_none())
            .build()
            .unwrap();
        eprintln!("built {:.4}", t.elapsed().as_secs_f64());
        let obs = Obs(Mutex::new((Instant::now(), None)));
        let r = s
            .scan(
                &Input::Git(GitInput {
                    path: path.into(),
                    history: HistoryScope::All,
                    working_tree: true,
                }),
                &obs,
                &AtomicBool::new(false),
            )
            .unwrap();
        obs.phase(Phase::Index, 0, 0);
        eprintln!("total {:.3}", t.elapsed().as_secs_f64());
        eprintln!(
            "{:?} commits {} trees {} tags {} bytes {} complete {}",
            r.receipt.blobs,
            r.receipt.commits,
            r.receipt.trees,
            r.receipt.tags,
            r.receipt.bytes,
            r.receipt.complete
        );
        for i in r.receipt.issues.iter().take(5) {
            eprintln!("{i:?}");
        }
        let mut by: std::collections::BTreeMap<&str, (usize, usize)> = Default::default();
        for f in &r.findings {
            let e = by.entry(&f.rule.id).or_default();
            e.0 += 1;
            e.1 += f.occurrences.len();
        }
        eprintln!("{by:?}");
        for f in &r.findings {
            let o = &f.occurrences[0];
            println!(
                "{} {} {} {}:{} {:?} n={} intro={:?} last={:?} refs={:?}",
                f.rule.id,
                f.secret,
                f.proof as u8,
                o.path,
                o.location.start_line,
                f.occurrences
                    .iter()
                    .map(|o| (o.blob, o.span, o.location, o.place, &o.path))
                    .collect::<Vec<_>>(),
                f.occurrences.len(),
                o.introduced.as_ref().map(|c| c.commit),
                o.last_seen,
                o.refs
            );
        }
        if let Ok(s) = std::fs::read_to_string("/proc/self/status") {
            for l in s
                .lines()
                .filter(|l| l.starts_with("VmHWM") || l.starts_with("RssAnon"))
            {
                eprintln!("{l}");
            }
        }
    }
}
