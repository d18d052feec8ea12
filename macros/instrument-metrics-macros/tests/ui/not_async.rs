use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics]
fn index() -> &'static str {
    "hello"
}

fn main() {
    // The function is given back: calling it is no second error.
    index();
}
