use instrument_metrics_macros::instrument_metrics;

struct Service;

impl Service {
    #[instrument_metrics]
    async fn index(&self) -> &'static str {
        "hello"
    }
}

fn main() {
    drop(Service.index());
}
