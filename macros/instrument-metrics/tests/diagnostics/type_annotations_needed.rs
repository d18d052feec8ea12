#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    let number = "7".parse().unwrap();
    let all = (0..3).collect();
    String::new()
}
