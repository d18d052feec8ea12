use instrument_metrics_macros::instrument_metrics;

trait Service {
    #[instrument_metrics(nam = "home", buckets = [1, 0.5])]
    fn index(&self) -> &'static str;
}

struct Home;

impl Service for Home {
    fn index(&self) -> &'static str {
        "hello"
    }
}

fn main() {
    Home.index();
}
