#[instrument_metrics]
#[get("/")]
async fn handler() -> String {
    let text = ;
    text
}
