#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    "7".parse::<u8>();
    String::new()
}
