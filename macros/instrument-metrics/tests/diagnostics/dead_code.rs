fn only_used_there() -> String {
    String::new()
}

#[instrument_metrics]
async fn handler() -> String {
    only_used_there()
}

struct Handlers;

#[instrument_metrics]
impl Handlers {
    async fn dead() -> String {
        String::new()
    }
}
