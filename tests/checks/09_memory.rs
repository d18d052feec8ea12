//! Lesson 09 wants the memory of the process on the page, in bytes, as it is when Prometheus asks,
//! and then the same from the attribute.
//!
//! Technique: a gauge that is set in the handler of /metrics.
//! More: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>

use course::{Failure, Scrape, Service, step};
use instrument_metrics::ProcessMemory;

const GAUGE: &str = "app_memory_usage_bytes";
const MEGABYTE: f64 = 1_000_000.0;

#[actix_web::test]
async fn memory() {
    let service = Service::new(lesson_09::routes).await;

    step("the first scrape finds the memory, before any request");
    let scrape = service.scrape().await;
    if scrape.exposition().samples_of(GAUGE).next().is_none() {
        Failure::new(format!(
            "Prometheus scrapes, nobody has asked for a page yet, and there is no \
             `{GAUGE}{{type=\"rss\"}}`."
        ))
        .means(
            "At night, without traffic, the gauge is missing or hours old: just when a leak would \
             show most clearly.",
        )
        .next("Measure when Prometheus asks: in the handler of /metrics, before `gather`.")
        .show("The page", &scrape.shown())
        .raise()
    }

    step("both kinds of memory are there");
    let resident = scrape.value(GAUGE, &[("type", "rss")]);
    if scrape.exposition().samples_of(GAUGE).count() < 2 {
        Failure::new(format!("There is one `{GAUGE}` on the page, and no type \"vms\"."))
            .means("A panel that compares the two has one line.")
            .next("Set the type `vms`, too, from `memory.virtual_bytes`.")
            .show("The page", &scrape.shown())
            .raise()
    }
    let reserved = scrape.value(GAUGE, &[("type", "vms")]);

    step("the numbers are bytes");
    for (kind, value) in [("rss", resident), ("vms", reserved)] {
        if value < MEGABYTE {
            Failure::new(format!("`{GAUGE}{{type=\"{kind}\"}}` is {value}."))
                .means(
                    "The name says bytes, and no process of this kind lives in less than a \
                     megabyte. Grafana will draw this number as so many bytes.",
                )
                .next("Set bytes, whole and undivided. Grafana finds the fitting unit by itself.")
                .show("The page", &scrape.shown())
                .raise()
        }
    }

    step("each number stands under its own type");
    is_the_process_own(
        &scrape,
        "`rss` is `memory.resident_bytes`, `vms` is `memory.virtual_bytes`, each as it is.",
    );

    step("a scrape without traffic is current");
    let mut taken = Vec::new();
    grows_with_the_process(&service, GAUGE, &[("type", "rss")], &mut taken).await;
    grows_with_the_process(&service, GAUGE, &[("type", "vms")], &mut taken).await;

    step("the gauge is still right after some scrapes");
    let scrape = service.scrape().await;
    is_the_process_own(
        &scrape,
        "Use `set`: each scrape replaces the value, and adds nothing to it.",
    );

    step("a request does not pay for it");
    taken.push(a_lot());
    let before = unscraped(GAUGE);
    service.get("/").await;
    let after = unscraped(GAUGE);
    if after > before + 50.0 * MEGABYTE {
        Failure::new(format!(
            "A request came, and nobody has scraped. `{GAUGE}` went from {before} to {after}."
        ))
        .means(
            "Each of your requests takes longer, for a number that nobody reads until the scrape.",
        )
        .next("Measure in the handler of /metrics only.")
        .raise()
    }

    step("the attribute brings its own");
    let scrape = service.scrape().await;
    for own in ["process_resident_memory_bytes", "process_virtual_memory_bytes"] {
        if scrape.exposition().value(own, &[]).is_none() {
            Failure::new(format!("There is no `{own}` on the page."))
                .means("Ready-made dashboards look for this name, in services of any language.")
                .next("Put `#[instrument_metrics]` on `index`: its runtime registers the gauge.")
                .show("The page", &scrape.shown())
                .raise()
        }
        grows_with_the_process(&service, own, &[], &mut taken).await;
    }
}

/// Compares both types with what the process has.
fn is_the_process_own(scrape: &Scrape, next: &str) {
    let memory = ProcessMemory::read().expect("this system tells the memory of a process");
    for (kind, bytes) in [("rss", memory.resident_bytes), ("vms", memory.virtual_bytes)] {
        let value = scrape.value(GAUGE, &[("type", kind)]);
        #[expect(clippy::cast_precision_loss, reason = "compared roughly")]
        let bytes = bytes as f64;
        if !(0.8 * bytes..=1.25 * bytes).contains(&value) {
            Failure::new(format!(
                "`{GAUGE}{{type=\"{kind}\"}}` is {value}. The process has {bytes} bytes of it."
            ))
            .means("Somebody will look for a leak that is none, or miss one that is.")
            .next(next)
            .show("The page", &scrape.shown())
            .raise()
        }
    }
}

/// 64 MB, every page of it written to.
fn a_lot() -> Vec<u8> {
    std::hint::black_box(vec![1; 64_000_000])
}

/// What the registry holds for the type "rss", read as no scrape would: around the handler.
fn unscraped(name: &str) -> f64 {
    let families = prometheus::gather();
    let metrics = families.iter().filter(|family| family.name() == name);
    let rss = metrics
        .flat_map(prometheus::proto::MetricFamily::get_metric)
        .find(|metric| metric.get_label().iter().any(|label| label.value() == "rss"));
    rss.map_or(0.0, |metric| metric.get_gauge().get_value())
}

/// Takes 64 MB, scrapes before and after, and wants to see them. They stay taken: an allocator may
/// give the same memory out again without asking the system for more.
async fn grows_with_the_process(
    service: &Service,
    name: &str,
    labels: &[(&str, &str)],
    taken: &mut Vec<Vec<u8>>,
) {
    let before = service.scrape().await.value(name, labels);
    taken.push(a_lot());
    let scrape: Scrape = service.scrape().await;
    let after = scrape.value(name, labels);
    if after < before + 50.0 * MEGABYTE {
        Failure::new(format!(
            "`{name}` was {before}. The process took 64,000,000 bytes more, and the next scrape \
             says {after}."
        ))
        .means("The gauge shows the memory of some earlier moment.")
        .next("Read the memory anew for each scrape, in the handler of /metrics, before `gather`.")
        .show("The page", &scrape.shown())
        .raise()
    }
}
