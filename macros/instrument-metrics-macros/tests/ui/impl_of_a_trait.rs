use instrument_metrics_macros::instrument_metrics;

trait Service {
    async fn index() -> &'static str;
}

struct Home;

#[instrument_metrics]
impl Service for Home {
    #[skip_metrics]
    async fn index() -> &'static str {
        "hello"
    }
}

fn main() {
    let _ = Home::index();
}
