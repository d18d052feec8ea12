use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics]
#[derive(Default)]
struct Service;

fn main() {
    let _ = Service::default();
}
