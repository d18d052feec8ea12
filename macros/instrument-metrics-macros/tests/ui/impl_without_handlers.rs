use instrument_metrics_macros::instrument_metrics;

struct Home;

#[instrument_metrics(name = "home")]
impl Home {
    async fn greet(&self) -> &'static str {
        "hello"
    }

    fn new() -> Self {
        Self
    }
}

fn main() {
    let _ = Home::new().greet();
}
