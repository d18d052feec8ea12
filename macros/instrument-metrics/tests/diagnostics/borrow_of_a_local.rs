#[get("/")]
#[instrument_metrics]
async fn handler() -> &'static str {
    let text = String::from("short");
    &text
}
